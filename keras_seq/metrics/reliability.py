"""How often a classifier is right when it is that sure."""

from typing import Any

import numpy as np
from keras import ops

from keras_seq.core.checks import check_positive_integer
from keras_seq.metrics.formulas import bin_places, calibration_error_of_bins, ratio
from keras_seq.ops.labels import as_labels


def reliability_bins(confidences: Any, correct: Any, num_bins: int = 15) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Predictions gathered by their confidence: how many, how sure they were, how many of them were right.

    What a reliability diagram draws. The bins are of equal width: bin `b` holds the confidences above `b / num_bins` up
    to `(b + 1) / num_bins`; a confidence of 0 is in the first.

    Args:
        confidences: The probability of what was predicted, `(predictions,)`, each from 0 to 1.
        correct: Whether it was right, `(predictions,)`, boolean or 1 and 0.
        num_bins: How many bins.

    Returns:
        Three arrays `(num_bins,)`: counts, int64; the mean confidence, and the share that was right, float64, both 0 in
        an empty bin.

    Raises:
        TypeError: When `num_bins` is not an integer.
        ValueError: When it is not positive, when the shapes differ, when a confidence is outside 0 to 1, or when
            `correct` holds another number than 1 and 0.

    Example:

    >>> counts, confidence, accuracy = reliability_bins([0.9, 0.8, 0.3], [True, False, True], num_bins=2)
    >>> counts.tolist(), confidence.round(2).tolist(), accuracy.tolist()
    ([1, 2], [0.3, 0.85], [1.0, 0.5])
    """
    check_positive_integer("num_bins", num_bins)
    confidences, correct = (
        np.asarray(as_labels(values, name), "float64")
        for name, values in (("confidences", confidences), ("correct", correct))
    )
    if confidences.ndim != 1 or confidences.shape != correct.shape:
        raise ValueError(
            "`confidences` and `correct` must have one number for each prediction. "
            f"Received: confidences.shape={confidences.shape}, correct.shape={correct.shape}. Give two flat arrays."
        )
    # A softmax may round to a little more than 1.
    in_range = (confidences >= 0) & (confidences <= 1 + 1e-6)
    if not in_range.all():
        odd = confidences[~in_range][0]
        raise ValueError(
            f"`confidences` must be probabilities, from 0 to 1. Received: {odd} among the confidences. "
            "Give what a softmax or a sigmoid puts out, not scores."
        )
    is_known = np.isin(correct, (0, 1))
    if not is_known.all():
        raise ValueError(
            f"`correct` must be 1 or 0. Received: {correct[~is_known][0]:g} in `correct`. "
            "Give whether each prediction was right, not what it was."
        )
    places = ops.convert_to_numpy(bin_places(confidences, num_bins))
    counts = np.bincount(places, minlength=num_bins)
    sums = (np.bincount(places, weights=values, minlength=num_bins) for values in (confidences, correct))
    confidence, accuracy = (ratio(of_bins, counts) for of_bins in sums)
    return counts, confidence, accuracy


def calibration_error(confidences: Any, correct: Any, num_bins: int = 15) -> float:
    """The expected calibration error: the mean over predictions of how far their bin's confidence is from its accuracy.

    The numbers are those of `ExpectedCalibrationError`; the arguments and errors are those of `reliability_bins`.

    Example:

    >>> round(calibration_error([0.9, 0.8], [True, False]), 2)  # (|0.9 - 1| + |0.8 - 0|) / 2
    0.45
    """
    counts, confidence, accuracy = reliability_bins(confidences, correct, num_bins)
    return float(calibration_error_of_bins(counts * (confidence - accuracy), counts.sum()))
