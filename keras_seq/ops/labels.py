"""Labels as numbers that can be trusted: of 64 bits, of floating-point numbers, of any backend; and what is none.

A loss of Keras gets its labels as float32, which tells whole numbers apart up to 2^24; a cast to int32 makes a class of
0.5 and of 2^32. Here labels are taken as they were given, and a wrong one is told from a class and from padding.
"""

from __future__ import annotations

from typing import Any

import keras
import numpy as np
from keras import ops

from keras_seq.core.keras_calls import check_traced_labels

Tensor = Any

# The label of a row or step that has none: padding.
NO_LABEL = -1
# What stands for a label that is no class: lower than any label of padding that is in use.
NO_CLASS = -(2**31)
# What stands for an id that is none.
NO_ID = -2
# From here on whole numbers of a floating type may be the rounded ones of others.
_NOT_EXACT = {"float64": 2.0**53, "float32": 2.0**24, "float16": 2.0**11, "bfloat16": 2.0**8}


def as_labels(y_true: Any, name: str = "y_true") -> Any:
    """Labels that hold the numbers that were given: a tensor of the backend as it is, anything else as a NumPy array.

    Args:
        y_true: A tensor, array, list or number.
        name: What the argument is called in an error.

    Raises:
        ValueError: if these are no numbers in an array.
    """
    if isinstance(y_true, keras.Variable):
        y_true = y_true.value
    if ops.is_tensor(y_true):
        kind = type(y_true).__name__
        dtype = keras.backend.standardize_dtype(y_true.dtype)
        if dtype != "string" and "complex" not in dtype and kind not in ("RaggedTensor", "SparseTensor"):
            check_traced_labels(y_true)
            return y_true
        raise _no_numbers(name, f"a {kind} of {dtype}")
    try:
        array = np.asarray(y_true)
    except (TypeError, ValueError):
        raise _no_numbers(name, f"a {type(y_true).__name__} whose rows differ") from None
    if array.dtype.name == "bfloat16":
        array = array.astype("float32")
    if array.dtype.kind not in "biuf":
        raise _no_numbers(name, f"a {type(y_true).__name__} of {array.dtype}")
    return array


def class_numbers(y_true: Any, num_classes: Any, ignored_label: int = NO_LABEL, name: str = "y_true") -> Tensor:
    """Class ids as int32; `ignored_label` where a label is that, and `NO_CLASS` where it is neither.

    Args:
        y_true: Labels of any shape and dtype.
        num_classes: How many classes there are; `None` where that is not known.
        ignored_label: The label of padding.
        name: What the argument is called in an error.
    """
    labels = as_labels(y_true, name)
    xp, labels, is_unsigned = _comparable(labels)
    is_class = xp.logical_and(labels >= 0, labels < (2**31 - 1 if num_classes is None else num_classes))
    if _is_floating(labels):
        is_class = xp.logical_and(is_class, xp.equal(labels, xp.floor(labels)))
    is_ignored = xp.equal(labels, ignored_label)
    if is_unsigned:
        is_ignored = xp.logical_and(is_ignored, ignored_label >= 0)
    # Nothing but classes is cast: what a cast makes of other numbers is not the same everywhere.
    classes = _cast(xp.where(is_class, labels, xp.zeros_like(labels)), "int32")
    found = xp.where(is_class, classes, NO_CLASS)
    return _cast(ops.convert_to_tensor(xp.where(is_ignored, ignored_label, found)), "int32")


def row_ids(y_true: Any, name: str = "y_true") -> Tensor:
    """Ids of rows, of which only equality counts, numbered anew: int32 `(rows,)`, equal where the given ones are.

    Args:
        y_true: Ids `(rows,)` or `(rows, 1)` of any integer dtype, of any size; or whole floating-point numbers small
            enough to be exact. -1 is padding.
        name: What the argument is called in an error.

    Returns:
        Numbers from 0 on; -1 at padding; `NO_ID` where the id is none: negative, not whole, not finite, or a
        floating-point number so large that others are rounded to it.
    """
    labels = as_labels(y_true, name)
    limit = _NOT_EXACT.get(keras.backend.standardize_dtype(labels.dtype))
    xp, labels, is_unsigned = _comparable(labels)
    labels = xp.reshape(labels, (-1,))
    if limit is not None:
        is_id = xp.logical_and(labels >= 0, labels < limit)
        is_id = xp.logical_and(is_id, xp.equal(labels, xp.floor(labels)))
    else:
        is_id = xp.logical_or(labels >= 0, is_unsigned)
    is_padding = xp.logical_and(xp.equal(labels, NO_LABEL), not is_unsigned)
    if xp is np:
        numbers = np.unique(labels, return_inverse=True)[1].reshape(-1)
    else:
        # The place of the first row of the same id.
        numbers = ops.argmax(ops.cast(ops.equal(labels[:, None], labels[None, :]), "int32"), axis=1)
    found = xp.where(is_id, _cast(numbers, "int32"), NO_ID)
    return ops.cast(ops.convert_to_tensor(xp.where(is_padding, NO_LABEL, found)), "int32")


def real_numbers(y_true: Any, dtype: Any, name: str = "y_true") -> Tensor:
    """Labels as a tensor of a floating dtype, of any shape: for shares, scores, and what is 1 or 0."""
    labels = as_labels(y_true, name)
    if isinstance(labels, np.ndarray):
        # Here, for JAX would take integers of 64 bits for others.
        labels = labels.astype("float64" if dtype == "float64" else "float32")
    return ops.cast(ops.convert_to_tensor(labels), dtype)


def _comparable(labels: Any) -> tuple[Any, Any, bool]:
    """The module of functions for labels; labels that can be compared with any Python number; and whether they came
    unsigned and may have become negative."""
    if isinstance(labels, np.ndarray):
        return np, labels, labels.dtype.kind in "bu"
    dtype = keras.backend.standardize_dtype(labels.dtype)
    if dtype in ("float64", "float32", "int64", "int32"):
        return ops, labels, False
    if "float" in dtype:
        return ops, ops.cast(labels, "float32"), False
    # Of all dtypes that are left, two may not fit, and their equality is kept.
    return ops, ops.cast(labels, "int64" if dtype == "uint64" else "int32"), dtype in ("uint64", "uint32")


def _is_floating(labels: Any) -> bool:
    return "float" in keras.backend.standardize_dtype(labels.dtype)


def _cast(values: Any, dtype: str) -> Any:
    return values.astype(dtype) if isinstance(values, np.ndarray) else ops.cast(values, dtype)


def _no_numbers(name: str, received: str) -> ValueError:
    return ValueError(
        f"`{name}` must be numbers in an array or a dense tensor. Received: {received}. "
        "Number the classes, and pad rows to one length."
    )
