"""What tasks that make something up have in common: the options of several samples, for one call."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from keras_seq.export import SavedServed, Served


def options_of_samples(served: Served | SavedServed, options: Mapping[str, float], count: int) -> dict[str, np.ndarray]:
    """The options of the signature `generate` for samples that differ in their random numbers alone.

    Args:
        served: the functions.
        options: the values that all samples share, by the names of the inputs; the seed is among them.
        count: how many samples.

    Returns:
        Each input as an array `(count,)`, and which sample of the seed each row is: 0, 1, 2, ... Options that an
        exported model of an earlier version lacks are left out; for the sample it takes the place of the row.
    """
    specs = served.inputs("generate")
    known = {name: value for name, value in options.items() if name in specs}
    arrays = {name: np.full(count, value, specs[name].dtype.as_numpy_dtype) for name, value in known.items()}
    samples = {"sample": np.arange(count, dtype="int32")} if "sample" in specs else {}
    return {**arrays, **samples}
