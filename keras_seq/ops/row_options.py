"""Options of generation: one number for all rows of a batch, or one a row."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from keras import ops

from keras_seq.core.checks import check_positive_number

Tensor = Any


def check_each(name: str, values: Any, check: Callable[[str, Any], None]) -> None:
    """Check one number, or each of several. Tensors are not checked: their values may not be known yet."""
    if not ops.is_tensor(values):
        for value in np.ravel(values).tolist():
            check(name, value)


def check_temperature(name: str, value: Any) -> None:
    """Raise unless `value` is a number above 0 that float32 holds: graphs compute in it."""
    check_positive_number(name, value)
    limits = np.finfo("float32")
    if not float(limits.tiny) <= value <= float(limits.max):
        raise ValueError(
            f"`{name}` must be from {limits.tiny:.1e} to {limits.max:.1e}. Received: {name}={value!r}. "
            "Pass such a number."
        )


def known_or_tensor(values: Any, dtype: str) -> Any:
    """A tensor of this dtype where one is given, else an array, whose values are known before a graph is traced."""
    return ops.cast(values, dtype) if ops.is_tensor(values) else np.asarray(values, dtype)


def longest_of(lengths: Any) -> Any:
    """The greatest of several lengths, at least 1: how long an axis must be that holds all.

    Returns:
        A Python number where the lengths are known before a graph is traced, else a scalar tensor.
    """
    if ops.is_tensor(lengths):
        return ops.max(ops.cast(lengths, "int32"), initial=1)
    return int(np.max(lengths, initial=1))
