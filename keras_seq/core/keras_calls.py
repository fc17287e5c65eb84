"""What Keras was asked to do with labels before it calls a loss or a metric: read from the frames that call.

Keras changes two things on the way, and what arrives does not tell: `class_weight` becomes weights of rows, and under
JAX labels of 64 bits lose their upper half. Both happen in `fit` and its like, whose arguments are still in the frames
that call, eagerly as well as while a graph is traced. Nothing is found where another thread traces, or where a compiled
graph is used again: there the labels are taken as they come.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from types import FrameType
from typing import Any

import keras
import numpy as np

_TRAINING = ("fit", "train_on_batch")
_TESTING = ("evaluate", "test_on_batch")


def check_no_class_weight(remedy: str) -> None:
    """Raise if `class_weight` was given to the `fit` or `train_on_batch` that calls.

    Keras makes weights of rows of it: the weight of the class of a row, and where a row has several labels it takes
    them for a one-hot row and reads the place of the largest as the class. The result has the shape of proper weights.

    For losses and metrics whose labels are not one class per row; to be called where there are sample weights.

    Args:
        remedy: What to pass instead, a sentence.

    Raises:
        ValueError: if it was given.
    """
    for function, arguments in _calls_of_keras():
        class_weight = arguments.get("class_weight") if function in _TRAINING else None
        if class_weight is not None:
            raise ValueError(
                "`class_weight` must be None where `y_true` is more than one class per row: Keras would take the place "
                f"of the largest number of a row for its class. Received: class_weight={class_weight!r}. {remedy}"
            )
        # The innermost call decides: `evaluate` inside of `fit` has weights of its own.
        return


def check_traced_labels(labels: Any) -> None:
    """Raise if labels that are traced by JAX were integers of 64 bits before, and some of them too large for 32.

    JAX keeps the lower half of such numbers, without a word, unless it is told to compute with 64 bits. Where a
    generator gives the batches, only the first one can be seen.

    Args:
        labels: What the loss or metric was given.

    Raises:
        ValueError: if labels do not fit.
    """
    if keras.backend.backend() != "jax" or not is_traced(labels) or "int" not in str(labels.dtype):
        return
    for function, arguments in _calls_of_keras():
        given = keras.tree.flatten(arguments.get("y"))
        if function == "cache_miss":  # the frame of `jax.jit`: state, and the batch of Keras, `(x, y, weights)`
            batch = arguments.get("args", ())[-1:]
            given = (
                keras.tree.flatten(batch[0][1]) if batch and isinstance(batch[0], tuple) and len(batch[0]) > 1 else []
            )
        for array in given:
            if isinstance(array, np.ndarray) and array.dtype in ("int64", "uint64") and array.size:
                lowest, highest = (0, 2**32 - 1) if array.dtype == "uint64" else (-(2**31), 2**31 - 1)
                if array.max() > highest or array.min() < lowest:
                    raise ValueError(
                        "`y_true` must fit 32 bits on JAX, which would cut larger numbers off. Received: labels from "
                        f"{array.min()} to {array.max()}. Number the classes, `np.unique(y, return_inverse=True)[1]`, "
                        "or set `jax_enable_x64`."
                    )


def is_traced(tensor: Any) -> bool:
    """Whether the numbers of a tensor are not known yet, because a graph is traced."""
    if keras.backend.backend() == "jax":
        import jax

        return isinstance(tensor, jax.core.Tracer)
    return keras.ops.is_tensor(tensor) and not hasattr(tensor, "numpy")


def _calls_of_keras() -> Iterator[tuple[str, dict[str, Any]]]:
    """The names and the local variables of the calls of training and testing that this one is inside of."""
    frame: FrameType | None = sys._getframe(1)
    while frame is not None:
        function, module = frame.f_code.co_name, frame.f_globals.get("__name__", "")
        of_keras = module.startswith("keras.") and function in (*_TRAINING, *_TESTING)
        if of_keras or (function == "cache_miss" and module.startswith("jax.")):
            yield function, frame.f_locals
        frame = frame.f_back
