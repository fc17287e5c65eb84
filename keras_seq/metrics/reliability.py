"""How often a classifier is right when it is that sure."""

from typing import Any

import numpy as np
from keras import ops

from keras_seq.core.checks import check_positive_integer
from keras_seq.metrics.formulas import bin_places, calibration_error_of_bins, ratio
from keras_seq.metrics.matched_arrays import check_binary, check_probabilities, matched_arrays


def reliability_bins(confidences: Any, correct: Any, num_bins: int = 15) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Bins of a reliability diagram: how many predictions, how sure they were, how many of them were right.

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
        TypeError: if `num_bins` is not an integer.
        ValueError: if it is not positive, if the shapes differ, if a confidence is outside 0 to 1, or if
            `correct` holds another number than 1 and 0.

    Example:

    >>> counts, confidence, accuracy = reliability_bins([0.9, 0.8, 0.3], [True, False, True], num_bins=2)
    >>> counts.tolist(), confidence.round(2).tolist(), accuracy.tolist()
    ([1, 2], [0.3, 0.85], [1.0, 0.5])
    """
    check_positive_integer("num_bins", num_bins)
    confidences, correct = matched_arrays("number for each prediction", confidences=confidences, correct=correct)
    check_probabilities("confidences", confidences)
    check_binary("correct", correct, "Give whether each prediction was right, not what it was.")
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
