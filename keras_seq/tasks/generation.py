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
        Each input as an array `(count,)`, and which sample of the seed each row is: 0, 1, 2, ... What version 0.1.0
        exported takes the place of a row for it, which gives the same.
    """
    specs = served.inputs("generate")
    arrays = {name: np.full(count, value, specs[name].dtype.as_numpy_dtype) for name, value in options.items()}
    samples = {"sample": np.arange(count, dtype="int32")} if "sample" in specs else {}
    return {**arrays, **samples}
