"""Checks of the arrays that scores are computed of."""

from typing import Any

import numpy as np

from keras_seq.ops.labels import as_labels


def matched_arrays(of: str, **arrays: Any) -> list[np.ndarray]:
    """The arrays in float64, which must be flat and of one length: of each text a class id, or whatever `of` says."""
    found = [np.asarray(as_labels(values, name)) for name, values in arrays.items()]
    if found[0].ndim != 1 or len({array.shape for array in found}) > 1:
        shapes = ", ".join(f"{name}.shape={array.shape}" for name, array in zip(arrays, found, strict=True))
        raise ValueError(
            f"{' and '.join(f'`{name}`' for name in arrays)} must have one {of}. Received: {shapes}. "
            "Give flat arrays of one length."
        )
    return [array.astype("float64") for array in found]


def check_values(argument: str, values: np.ndarray, is_right: np.ndarray, expected: str, remedy: str) -> None:
    """Raise unless all values are right, with the first that is not."""
    if not is_right.all():
        raise ValueError(
            f"`{argument}` must {expected}. Received: {values[~is_right][0]:.15g} in `{argument}`. {remedy}"
        )


def check_probabilities(argument: str, values: np.ndarray) -> None:
    """Raise unless all values are from 0 to 1."""
    # A softmax may round to a little more than 1.
    in_range = (values >= 0) & (values <= 1 + 1e-6)
    remedy = "Give what a softmax or a sigmoid puts out, not scores."
    check_values(argument, values, in_range, "be from 0 to 1", remedy)


def check_binary(argument: str, values: np.ndarray, remedy: str) -> None:
    """Raise unless all values are 1 or 0."""
    check_values(argument, values, np.isin(values, (0, 1)), "be 1 or 0", remedy)
