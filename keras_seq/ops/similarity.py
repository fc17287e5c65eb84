"""Similarities and distances of vectors; every gradient is finite, on each backend."""

from __future__ import annotations

from typing import Any

import keras
from keras import ops

Tensor = Any

# Rows whose squares sum up to less are as good as zero.
_LEAST_SQUARE = 1e-12


def unit_rows(vectors: Tensor) -> Tensor:
    """Vectors `(..., features)` made of length 1; a zero vector stays zero.

    Its gradient is finite. That of `keras.ops.normalize` at a zero vector is NaN under JAX, because it goes through the
    root of 0.
    """
    # In half precision the squares of small numbers are 0.
    wide = vectors if keras.backend.standardize_dtype(vectors.dtype) == "float64" else ops.cast(vectors, "float32")
    squares = ops.sum(ops.square(wide), axis=-1, keepdims=True)
    return ops.cast(wide * ops.rsqrt(ops.maximum(squares, _LEAST_SQUARE)), vectors.dtype)


def similarity_matrix(a: Tensor, b: Tensor) -> Tensor:
    """The cosine of every row of `a` with every row of `b`; 0 where a row is zero.

    Args:
        a: `(rows_a, features)`.
        b: `(rows_b, features)`.

    Returns:
        `(rows_a, rows_b)`, from -1 to 1.
    """
    return ops.matmul(unit_rows(a), ops.transpose(unit_rows(b)))


def squared_distances(a: Tensor, b: Tensor, centre: Tensor | None = None) -> Tensor:
    """The squared Euclidean distance of every row of `a` to every row of `b`, `(rows_a, rows_b)`; never below 0.

    `|a|^2 + |b|^2 - 2 a b`, which loses what two numbers have in common that are large and nearly equal. So rows are
    moved next to the origin first, which changes no distance.

    Args:
        a: `(rows_a, features)`.
        b: `(rows_b, features)`.
        centre: what is taken off all rows, `(features,)`; by default the mean of those of `a`.
    """
    # No distance depends on it, and no gradient.
    centre = ops.stop_gradient(ops.mean(a, axis=0) if centre is None else centre)
    a, b = a - centre, b - centre
    squares = ops.sum(ops.square(a), axis=-1)[:, None] + ops.sum(ops.square(b), axis=-1)[None, :]
    return ops.maximum(squares - 2 * ops.matmul(a, ops.transpose(b)), 0.0)


def safe_sqrt(values: Tensor) -> Tensor:
    """The square root, whose gradient at 0 is 0 and not infinite."""
    # Asked so that NaN stays NaN: a model that has broken down must be seen.
    is_zero = values <= 0
    return ops.where(is_zero, 0.0, ops.sqrt(ops.where(is_zero, 1.0, values)))


def distance_matrix(vectors: Tensor, distance: str, is_real: Tensor | None = None) -> Tensor:
    """The distances of all rows of `(rows, features)` among each other: `"euclidean"`, `"squared"` or `"cosine"`.

    Args:
        vectors: `(rows, features)`.
        distance: which.
        is_real: bool `(rows,)`: rows that are not are 0, and keep out of the way. By default all.
    """
    if distance == "cosine":
        return 1.0 - similarity_matrix(vectors, vectors)
    centre = None
    if is_real is not None:
        share = ops.mean(ops.cast(is_real, vectors.dtype))
        centre = ops.divide_no_nan(ops.mean(vectors, axis=0), share)
        # Where there are zeros among rows that are far away, squares are of another size than all distances that count.
        vectors = ops.where(is_real[:, None], vectors, ops.stop_gradient(centre))
    squares = squared_distances(vectors, vectors, centre)
    return squares if distance == "squared" else safe_sqrt(squares)
