"""What tasks that make something up have in common: the options of several samples, for one call."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from keras_seq.export import SavedServed, Served

MOST_SAMPLES = 100_000
"""How many samples one call may ask for: all are drawn at once."""


def options_of_samples(served: Served | SavedServed, options: Mapping[str, float], count: int) -> dict[str, np.ndarray]:
    """The options of the signature `generate` for samples that differ in their random numbers alone.

    Args:
        served: the functions.
        options: the values that all samples share, by the names of the inputs; the seed is among them.
        count: how many samples.

    Returns:
        Each input as an array `(count,)`, and which sample of the seed each row is: 0, 1, 2, ... Options that an
        exported model of an earlier version lacks are left out; for the sample it takes the place of the row.

    Raises:
        ValueError: if a value has no place in the type of its input.
    """
    specs = served.inputs("generate")
    known = {name: value for name, value in options.items() if name in specs}
    arrays = {
        name: _full(name, count, value, np.dtype(specs[name].dtype.as_numpy_dtype)) for name, value in known.items()
    }
    samples = {"sample": np.arange(count, dtype="int32")} if "sample" in specs else {}
    return {**arrays, **samples}


def _full(name: str, count: int, value: float, dtype: np.dtype) -> np.ndarray:
    if dtype.kind in "iu":
        most = np.iinfo(dtype).max
        if not -most <= value <= most:
            raise ValueError(f"`{name}` must be at most {most}. Received: {name}={value:.3g}. Pass a smaller number.")
    elif value and abs(value) < np.finfo(dtype).tiny:
        raise ValueError(f"`{name}` must not be nearer to 0 than 1.2e-38. Received: {name}={value}. Pass a larger one.")
    return np.full(count, value, dtype)
