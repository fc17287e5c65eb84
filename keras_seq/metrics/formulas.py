"""The formula of each score that is computed of a whole data set in NumPy and of what a Keras metric has summed.

Each takes numbers, NumPy arrays (computed in float64) or tensors (in their own dtype, in a compiled graph too).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
from keras import ops

Counts = Sequence[int] | np.ndarray


def ratio(part: Any, whole: Any) -> Any:
    """`part / whole`; 0 over nothing."""
    if ops.is_tensor(part) or ops.is_tensor(whole):
        return ops.divide_no_nan(part, whole)
    part, whole = np.asarray(part, "float64"), np.asarray(whole, "float64")
    quotient = part / np.where(whole == 0, 1.0, whole)
    return np.where(whole == 0, 0.0, quotient)[()]


def total(values: Any) -> Any:
    """The sum of all values."""
    return ops.sum(values) if ops.is_tensor(values) else np.sum(values)


def precision_recall_f1(correct: Any, predicted: Any, true: Any) -> tuple[Any, Any, Any]:
    """Precision, recall and F1 from counts, for each class where these are arrays.

    Args:
        correct: How many were predicted and are true.
        predicted: How many were predicted.
        true: How many are true.
    """
    return ratio(correct, predicted), ratio(correct, true), ratio(2 * correct, predicted + true)


def scores_of_classes(
    names: Sequence[str], correct: Counts, predicted: Counts, true: Counts
) -> dict[str, dict[str, float]]:
    """Name of each class -> its `"precision"`, `"recall"`, `"f1"` and `"support"`, how many of it are true."""
    scores = precision_recall_f1(*(np.asarray(counts) for counts in (correct, predicted, true)))
    rows = zip(names, *(values.tolist() for values in scores), true, strict=True)
    return {
        name: {"precision": precision, "recall": recall, "f1": f1, "support": int(support)}
        for name, precision, recall, f1, support in rows
    }


def macro_f1(correct: Any, predicted: Any, true: Any) -> Any:
    """The mean F1 of the classes that occur, among what is predicted or what is true; counts as above, `(classes,)`."""
    *_, f1 = precision_recall_f1(correct, predicted, true)
    both = predicted + true
    return ratio(total(f1), total(ratio(both, both)))


def perplexity(nats: Any, steps: Any) -> Any:
    """`exp` of the nats of a step; 1 without any step. As a number at most e^700, which a float can hold."""
    nll = ratio(nats, steps)
    return ops.exp(nll) if ops.is_tensor(nll) else math.exp(min(nll, 700.0))


def bin_places(confidences: Any, num_bins: int) -> Any:
    """The bin of equal width of each confidence, int32: a bin holds its upper edge, and the first one 0.

    In float32 throughout, so that a confidence at an edge falls on the same side wherever it is computed.
    """
    places = ops.cast(ops.ceil(ops.cast(confidences, "float32") * num_bins), "int32") - 1
    return ops.clip(places, 0, num_bins - 1)


def calibration_error_of_bins(gaps: Any, count: Any) -> Any:
    """The expected calibration error, from what each bin sums up of confidence less correctness, `(bins,)`."""
    return ratio(total(abs(gaps)), count)


def area_under_roc(positives: np.ndarray, negatives: np.ndarray) -> float:
    """The chance that a positive scores higher than a negative; a tie counts half. 0.5 where one kind is missing."""
    below = np.sort(negatives)
    wins = np.searchsorted(below, positives, "left") + np.searchsorted(below, positives, "right")
    pairs = len(positives) * len(negatives)
    return float(wins.sum() / 2 / pairs) if pairs else 0.5
