"""Options of generation: one number for all rows of a batch, or one a row."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from keras import ops

Tensor = Any


def check_each(name: str, values: Any, check: Callable[[str, Any], None]) -> None:
    """Check one number, or each of several. Tensors are not checked: their values may not be known yet."""
    if not ops.is_tensor(values):
        for value in np.ravel(values).tolist():
            check(name, value)


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
