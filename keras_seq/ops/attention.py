"""Scaled dot-product attention over real steps, in parts as a key/value cache needs it, and rotary positions."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from keras import ops

Tensor = Any

# Added to the score of what must not be seen: the exponential of the difference to any real score is exactly 0.
_HIDDEN = -1e9


def visible_steps(real: Tensor | None, steps: Tensor, *, causal: bool = False, past: Tensor | None = None) -> Any:
    """Which keys each query may see.

    Args:
        real: boolean `(batch, steps)`: which steps of the chunk are real; `None`: all.
        steps: how many steps the chunk has, queries and keys alike.
        causal: whether a query sees no later step.
        past: boolean `(batch, cached steps)`: which of the cached steps before the chunk are real; `None`: no cache.

    Returns:
        Boolean, to be broadcast to `(batch, heads, queries, cached steps + steps)`; `None` where all see all.
    """
    visible = None if real is None else real[:, None, None, :]
    if causal:
        columns = ops.arange(steps, dtype="int32")
        earlier = (columns[None, :] <= columns[:, None])[None, None]
        visible = earlier if visible is None else ops.logical_and(visible, earlier)
    if past is None:
        return visible
    if visible is None:
        visible = ops.ones((1, 1, 1, steps), "bool")
    shape = (ops.shape(past)[0], 1, ops.shape(visible)[2])
    cached = ops.broadcast_to(past[:, None, None, :], (*shape, ops.shape(past)[1]))
    return ops.concatenate([cached, ops.broadcast_to(visible, (*shape, steps))], axis=-1)


def attend(
    query: Tensor,
    keys: Sequence[Tensor],
    values: Sequence[Tensor],
    visible: Tensor | None = None,
    drop: Callable[[Tensor], Tensor] | None = None,
) -> tuple[Tensor, Tensor]:
    """Scaled dot-product attention.

        weights = softmax(q k^T / sqrt(head_dim)) over the visible steps
        vectors = weights v

    Keys and values come in one or more parts, one after the other in time: a cache need not be copied to be read.

    Args:
        query: `(batch, heads, queries, head_dim)`.
        keys: parts `(batch, heads, steps, head_dim)`.
        values: parts of the same numbers of steps, `(batch, heads, steps, value_dim)`.
        visible: boolean, to be broadcast to `(batch, heads, queries, all steps)`; `None`: every query sees every step.
        drop: dropout of the weights, if any.

    Returns:
        vectors `(batch, heads, queries, value_dim)`, zeros for a query that sees nothing; weights
        `(batch, heads, queries, all steps)`, float32 or wider, before dropout, exactly 0 where nothing is visible.

    Reference:
        Vaswani et al., "Attention Is All You Need", NIPS 2017, section 3.2.1.
    """
    query = query * ops.cast(query.shape[-1] ** -0.5, query.dtype)
    parts = [ops.matmul(query, ops.swapaxes(key, -1, -2)) for key in keys]
    scores = parts[0] if len(parts) == 1 else ops.concatenate(parts, axis=-1)
    if scores.dtype != "float64":
        scores = ops.cast(scores, "float32")
    if visible is None:
        weights = _softmax(scores)
    else:
        # Adding and multiplying small tensors is several times quicker than choosing between large ones.
        weights = _softmax(scores + ops.cast(ops.where(visible, 0.0, _HIDDEN), scores.dtype))
        weights = weights * ops.cast(ops.any(visible, axis=-1, keepdims=True), scores.dtype)
    used = ops.cast(weights if drop is None else drop(weights), query.dtype)
    vectors, begin = None, 0
    for value in values:
        steps = ops.shape(value)[2]
        part = ops.matmul(used if len(values) == 1 else used[..., begin : begin + steps], value)
        vectors, begin = part if vectors is None else vectors + part, begin + steps
    return vectors, weights


def _softmax(scores: Tensor) -> Tensor:
    # Keras warns of a softmax over a single number, which a sequence of one step has every right to.
    return ops.ones_like(scores) if scores.shape[-1] == 1 else ops.softmax(scores)


def rotation_at(positions: Tensor, size: int, max_wavelength: float, dtype: str) -> tuple[Tensor, Tensor]:
    """The cosines and sines by which rotary positions turn the vectors of each step.

        angle(t, i) = t / max_wavelength^(2i / size), i = 0 .. size / 2 - 1

    Args:
        positions: int32 `(batch or 1, steps)`: t.
        size: that of a head, even.
        max_wavelength: of the slowest rotation, about 2 pi times this.
        dtype: of the result.

    Returns:
        Cosines and sines, `(batch or 1, 1, steps, size / 2)` each.

    Reference:
        Su et al., "RoFormer: Enhanced Transformer with Rotary Position Embedding", 2021.
    """
    exponents = ops.cast(2 * ops.arange(size // 2, dtype="int32"), "float32") / size
    angles = ops.cast(positions, "float32")[:, None, :, None] / ops.power(float(max_wavelength), exponents)
    return ops.cast(ops.cos(angles), dtype), ops.cast(ops.sin(angles), dtype)


def rotate(vectors: Tensor, rotation: tuple[Tensor, Tensor]) -> Tensor:
    """Turn feature i together with feature i + size / 2 by its angle: the layout of GPT-NeoX and Llama.

    Args:
        vectors: queries or keys, `(batch, heads, steps, size)`.
        rotation: what `rotation_at` gave for their positions.

    Returns:
        Of the shape of `vectors`: products of rotated queries and keys depend on the distance of their positions alone.
    """
    cosines, sines = rotation
    first, second = ops.split(vectors, 2, axis=-1)
    return ops.concatenate([first * cosines - second * sines, second * cosines + first * sines], axis=-1)
