"""The reliability of a classifier as a picture for TensorBoard."""

from typing import Any

import numpy as np

from keras_seq.metrics import calibration_error, reliability_bins
from keras_seq.training.drawing import new_figure, pixels_of


def draw_reliability(confidences: Any, correct: Any) -> np.ndarray:
    """Draw a reliability diagram: how often a classifier is right against how sure it was, and below it how often.

    A bar for each bin of confidence. On the dashed line both are equal; a bar that ends under it is confidence that was
    not earned. The red lines lead from the mean confidence of a bin to its accuracy: they are the gaps whose mean over
    predictions, the calibration error, stands above.

    Args:
        confidences: The probability of what was predicted, `(predictions,)`, each from 0 to 1.
        correct: Whether it was right, `(predictions,)`, boolean or 1 and 0.

    Returns:
        A picture, uint8 `[height, width, 3]`.

    Raises:
        ValueError: as for `keras_seq.metrics.reliability_bins`.

    Example:

    >>> draw_reliability([0.9, 0.8, 0.3], [True, False, True]).shape[-1]
    3
    """
    counts, confidence, accuracy = reliability_bins(confidences, correct)
    figure, (upper, lower) = new_figure(4.5, 5.0, nrows=2, height_ratios=(3, 1), sharex=True)
    edges = np.linspace(0.0, 1.0, len(counts) + 1)
    filled = counts > 0
    upper.bar(edges[:-1][filled], accuracy[filled], np.diff(edges)[filled], align="edge", edgecolor="white")
    upper.plot([0, 1], [0, 1], "--", color="grey", linewidth=1)
    upper.plot(confidence[filled], confidence[filled], "_", color="tab:red", markersize=12, markeredgewidth=2)
    upper.vlines(confidence[filled], confidence[filled], accuracy[filled], color="tab:red", linewidth=1)
    upper.set_xlim(0.0, 1.0)
    upper.set_ylim(0.0, 1.0)
    upper.set_ylabel("share that is right")
    lower.bar(edges[:-1], counts, np.diff(edges), align="edge", color="silver", edgecolor="white")
    lower.set_ylabel("predictions")
    lower.set_xlabel("confidence")
    error = calibration_error(confidences, correct)
    upper.set_title(f"{counts.sum():,} predictions, calibration error {error:.3f}", fontsize=9)
    return pixels_of(figure)
