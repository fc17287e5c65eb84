"""How similarities part pairs that are the same from others, as pictures for TensorBoard."""

from typing import Any

import numpy as np

from keras_seq.core.checks import check_positive_integer
from keras_seq.metrics import CurvePoints, curve_points, pair_scores
from keras_seq.training.drawing import new_figure, pixels_of

# More points than there are pixels make a picture slow, not sharper.
_MOST_POINTS = 2_000


def draw_roc(similarities: Any, is_same: Any, threshold: float) -> np.ndarray:
    """Draw the ROC curve: the share of the same pairs that is found, against the share of the others found in vain.

    The red dot is what the threshold gives. On the dashed line is a guess.

    Args:
        similarities: Of pairs, `(pairs,)`.
        is_same: Whether they are the same, `(pairs,)`, boolean or 1 and 0.
        threshold: A pair is called the same when its similarity is at least that.

    Returns:
        A picture, uint8 `[height, width, 3]`.

    Raises:
        ValueError: as for `keras_seq.metrics.curve_points`.

    Example:

    >>> draw_roc([0.9, 0.8, 0.3], [True, False, True], threshold=0.5).shape[-1]
    3
    """
    points = curve_points(similarities, is_same)
    scores = pair_scores(similarities, is_same, threshold)
    figure, axes = _unit_square("different pairs, share found", "same pairs, share found (recall)")
    shown = _shown(points)
    axes.plot([0, 1], [0, 1], "--", color="grey", linewidth=1)
    axes.plot(points.false_positive_rate[shown], points.true_positive_rate[shown], color="tab:blue")
    mark = _place_of(points, threshold)
    axes.plot(points.false_positive_rate[mark], points.true_positive_rate[mark], "o", color="tab:red", clip_on=False)
    axes.set_title(f"area {scores['roc_auc']:.3f}; threshold {threshold:.3f}", fontsize=9)
    return pixels_of(figure)


def draw_precision_recall(similarities: Any, is_same: Any, threshold: float) -> np.ndarray:
    """Draw the precision-recall curve: how many of the pairs found are the same, against the share of those found.

    The red dot is what the threshold gives. On the dashed line is a guess: the share of same pairs among all.

    Args:
        similarities: As for `draw_roc`.
        is_same: As for `draw_roc`.
        threshold: As for `draw_roc`.

    Returns:
        A picture, uint8 `[height, width, 3]`.

    Raises:
        ValueError: as for `draw_roc`.

    Example:

    >>> draw_precision_recall([0.9, 0.8, 0.3], [True, False, True], threshold=0.5).dtype
    dtype('uint8')
    """
    points = curve_points(similarities, is_same)
    scores = pair_scores(similarities, is_same, threshold)
    figure, axes = _unit_square("recall", "precision")
    shown = _shown(points)
    # With all pairs found, the precision is the share of same pairs.
    axes.plot([0, 1], [points.precision[-1]] * 2, "--", color="grey", linewidth=1)
    # Steps: the mean of the precision is the area under them.
    axes.step(points.true_positive_rate[shown], points.precision[shown], where="pre", color="tab:blue")
    mark = _place_of(points, threshold)
    axes.plot(points.true_positive_rate[mark], points.precision[mark], "o", color="tab:red", clip_on=False)
    axes.set_title(
        f"average precision {scores['average_precision']:.3f}; threshold {threshold:.3f}: F1 {scores['f1']:.3f}",
        fontsize=9,
    )
    return pixels_of(figure)


def draw_similarities(similarities: Any, is_same: Any, threshold: float, num_bins: int = 50) -> np.ndarray:
    """Draw histograms of the similarities of same and of different pairs, each scaled to its own number.

    The red line is the threshold: different pairs at its right and same pairs at its left are the mistakes.

    Args:
        similarities: As for `draw_roc`.
        is_same: As for `draw_roc`.
        threshold: As for `draw_roc`.
        num_bins: How many bars each kind has.

    Returns:
        A picture, uint8 `[height, width, 3]`.

    Raises:
        TypeError: if `num_bins` is not an integer.
        ValueError: as for `draw_roc`, and if `num_bins` is not positive.

    Example:

    >>> draw_similarities([0.9, 0.8, 0.3], [True, False, True], threshold=0.5).shape[-1]
    3
    """
    check_positive_integer("num_bins", num_bins)
    accuracy = pair_scores(similarities, is_same, threshold)["accuracy"]
    similarities, is_same = np.asarray(similarities, "float64"), np.asarray(is_same).astype(bool)
    edges = np.linspace(*_ends(similarities), num_bins + 1)
    figure, axes = new_figure(5.0, 3.5)
    for name, chosen, colour in (("different", ~is_same, "tab:orange"), ("same", is_same, "tab:blue")):
        counts, _ = np.histogram(similarities[chosen], edges)
        shares = counts / max(counts.sum(), 1)
        label = f"{name} ({chosen.sum():,})"
        axes.bar(edges[:-1], shares, np.diff(edges), align="edge", color=colour, alpha=0.6, label=label)
    axes.axvline(threshold, color="tab:red", linewidth=1.5)
    axes.set_xlabel("similarity")
    axes.set_ylabel("share of the pairs of a kind")
    axes.legend(loc="best", fontsize=8)
    axes.set_title(f"threshold {threshold:.3f}: accuracy {accuracy:.3f}", fontsize=9)
    return pixels_of(figure)


def _unit_square(x_label: str, y_label: str) -> tuple[Any, Any]:
    figure, axes = new_figure(4.5, 4.5)
    axes.set_xlim(0.0, 1.0)
    axes.set_ylim(0.0, 1.02)
    axes.grid(True, alpha=0.3)
    axes.set_xlabel(x_label)
    axes.set_ylabel(y_label)
    return figure, axes


def _place_of(points: CurvePoints, threshold: float) -> int:
    """The point of the laxest similarity that is at least the threshold."""
    return int(np.searchsorted(-points.thresholds, -threshold, side="right")) - 1


def _shown(points: CurvePoints) -> np.ndarray:
    count = len(points.thresholds)
    return np.unique(np.linspace(0, count - 1, min(count, _MOST_POINTS)).round().astype(int))


def _ends(similarities: np.ndarray) -> tuple[float, float]:
    """The range of cosines that occur, a little wider where they are all alike."""
    low, high = (similarities.min(), similarities.max()) if similarities.size else (-1.0, 1.0)
    return (low, high) if high - low > 0.01 else (low - 0.01, high + 0.01)
