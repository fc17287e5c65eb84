"""Scores of similarities of pairs: against labels, at a threshold and without one, and against scores."""

from typing import Any, NamedTuple

import numpy as np

from keras_seq.core.checks import check_choice
from keras_seq.metrics.formulas import area_under_roc, precision_recall_f1, ratio
from keras_seq.metrics.matched_arrays import check_binary, check_values, matched_arrays

THRESHOLD_SCORES = ("f1", "accuracy")


class CurvePoints(NamedTuple):
    """What each threshold gives, the strictest first: four float64 arrays `(points,)`.

    The first threshold is infinite, and no pair is found. There the precision counts as 1.

    Example:

    >>> from keras_seq.metrics import curve_points
    >>> curve_points([0.9, 0.4], [1, 0]).true_positive_rate.tolist()
    [0.0, 1.0, 1.0]
    """

    thresholds: np.ndarray
    true_positive_rate: np.ndarray
    false_positive_rate: np.ndarray
    precision: np.ndarray


def best_threshold(similarities: Any, is_same: Any, score: str = "f1") -> float:
    """Decision threshold: the similarity from which on pairs are best called the same.

    Args:
        similarities: Of pairs, `(pairs,)`; any numbers that are larger for more alike.
        is_same: Whether they are the same, `(pairs,)`, boolean or 1 and 0. Not the pairs that are scored afterwards.
        score: What is made as large as possible: `"f1"` or `"accuracy"`.

    Returns:
        The mid-point between two neighbouring similarities; the lowest one, when all pairs are best called the same,
        and a number just above the highest one, when none is. Of thresholds that are equally good the highest.

    Raises:
        ValueError: if there is no pair, the lengths differ, or a value is not a number.

    Example:

    >>> best_threshold([0.9, 0.5, 0.25, 0.1], [1, 1, 0, 0])
    0.375
    """
    check_choice("score", score, THRESHOLD_SCORES)
    similarities, is_same = _checked(similarities, is_same, "is_same")
    if not similarities.size:
        raise ValueError("`similarities` must hold at least one pair. Received: none. Give pairs with labels.")
    values, found, right = _counts(similarities, is_same)
    if score == "f1":
        *_, scores = precision_recall_f1(right, found, is_same.sum())
    else:
        # Right are the pairs found that are the same, and those not found that are not.
        scores = (right + (~is_same).sum() - (found - right)) / len(is_same)
    best = int(np.argmax(scores))
    if best == 0:
        return float(np.nextafter(values[0], np.inf))
    if best == len(values):
        return float(values[-1])
    upper, lower = values[best - 1], values[best]
    middle = lower + (upper - lower) / 2
    # Between neighbouring floating-point numbers there is nothing.
    return float(middle if middle > lower else upper)


def pair_scores(similarities: Any, is_same: Any, threshold: float) -> dict[str, float]:
    """Accuracy, precision, recall and F1 of pairs at a threshold; ROC AUC and average precision without one.

    Args:
        similarities: Of pairs, `(pairs,)`.
        is_same: Whether they are the same, `(pairs,)`, boolean or 1 and 0.
        threshold: A pair is called the same when its similarity is at least that.

    Returns:
        A dictionary with `"accuracy"`; `"f1"`, `"precision"` and `"recall"` of the pairs that are the same;
        `"roc_auc"`, the chance that such a pair is more similar than another one (a tie counts half); and
        `"average_precision"`, the mean of the precision at each of them. A ratio over nothing is 0, and `"roc_auc"`
        0.5 where all pairs are of one kind.

    Raises:
        ValueError: if the lengths differ, or a value is not a number.

    Example:

    >>> scores = pair_scores([0.9, 0.8, 0.4, 0.1], [1, 0, 1, 0], threshold=0.5)
    >>> scores["accuracy"], scores["f1"], scores["roc_auc"], round(scores["average_precision"], 3)
    (0.5, 0.5, 0.75, 0.833)

    Reference: scikit-learn's `roc_auc_score` and `average_precision_score`.
    """
    similarities, is_same = _checked(similarities, is_same, "is_same")
    called = similarities >= threshold
    same = is_same.sum()
    precision, recall, f1 = precision_recall_f1((called & is_same).sum(), called.sum(), same)
    _, found, right = _counts(similarities, is_same)
    scores = {
        "accuracy": ratio((called == is_same).sum(), len(is_same)),
        "f1": f1,
        "precision": precision,
        "recall": recall,
        "roc_auc": area_under_roc(similarities[is_same], similarities[~is_same]),
        # Steps under the precision-recall curve.
        "average_precision": ratio(np.sum(np.diff(right) * ratio(right, found)[1:]), same),
    }
    return {name: float(score) for name, score in scores.items()}


def curve_points(similarities: Any, is_same: Any) -> CurvePoints:
    """The points of the ROC curve and of the precision-recall curve: one for each similarity that occurs.

    Args:
        similarities: Of pairs, `(pairs,)`.
        is_same: Whether they are the same, `(pairs,)`, boolean or 1 and 0.

    Returns:
        `CurvePoints`, one more than there are different similarities. `true_positive_rate` is also the recall. A rate
        over nothing is 0.

    Raises:
        ValueError: if the lengths differ, or a value is not a number.

    Example:

    >>> points = curve_points([0.9, 0.8, 0.4], [1, 0, 1])
    >>> points.thresholds.tolist(), points.true_positive_rate.tolist(), points.false_positive_rate.tolist()
    ([inf, 0.9, 0.8, 0.4], [0.0, 0.5, 0.5, 1.0], [0.0, 0.0, 1.0, 1.0])

    Reference: scikit-learn's `roc_curve` with `drop_intermediate=False`, and `precision_recall_curve`.
    """
    similarities, is_same = _checked(similarities, is_same, "is_same")
    values, found, right = _counts(similarities, is_same)
    same = int(is_same.sum())
    return CurvePoints(
        np.concatenate([[np.inf], values]),
        ratio(right, same),
        ratio(found - right, len(is_same) - same),
        np.where(found > 0, ratio(right, found), 1.0),
    )


def correlation_scores(similarities: Any, scores: Any) -> dict[str, float]:
    """Pearson and Spearman correlation of similarities of pairs with scores that people gave them.

    Args:
        similarities: Of pairs, `(pairs,)`.
        scores: The scores, `(pairs,)`, on any scale.

    Returns:
        A dictionary with `"pearson"`, the correlation of the values, and `"spearman"`, that of their ranks (those that
        are equal share the mean of their ranks). Both are 0 where all similarities, or all scores, are equal.

    Raises:
        ValueError: if the lengths differ, or a value is not a number.

    Example:

    >>> {name: round(value, 3) for name, value in correlation_scores([0.1, 0.2, 0.9], [1, 2, 3]).items()}
    {'pearson': 0.918, 'spearman': 1.0}

    Reference: SciPy's `pearsonr` and `spearmanr`.
    """
    # Imported here: SciPy's statistics take longer to load than all the rest.
    from scipy.stats import rankdata

    similarities, values = _checked(similarities, scores, "scores")
    return {
        "pearson": _correlation(similarities, values),
        "spearman": _correlation(rankdata(similarities), rankdata(values)),
    }


def _counts(similarities, is_same):
    """The similarities that occur, the highest first; and how many pairs are found by a threshold above all, then by
    each of them: all, and those that are the same."""
    values, place = np.unique(-similarities, return_inverse=True)
    found, right = (
        np.concatenate([[0], np.cumsum(np.bincount(place, weights, minlength=len(values)))])
        for weights in (None, is_same)
    )
    return -values, found, right


def _correlation(first, second):
    # Differences of equal values are not exactly 0 from their mean.
    if not first.size or np.ptp(first) == 0 or np.ptp(second) == 0:
        return 0.0
    first, second = (values - values.mean() for values in (first, second))
    # Divided first: squares of very small or large values are not finite.
    first, second = (values / np.abs(values).max() for values in (first, second))
    found = np.sum(first * second) / np.sqrt(np.sum(first**2) * np.sum(second**2))
    return float(np.clip(found, -1.0, 1.0))


def _checked(similarities: Any, targets: Any, name: str) -> tuple[np.ndarray, np.ndarray]:
    similarities, targets = matched_arrays("number for each pair", **{"similarities": similarities, name: targets})
    for argument, values in (("similarities", similarities), (name, targets)):
        check_values(argument, values, np.isfinite(values), "be finite", "Leave the pair out, or mend it.")
    if name == "is_same":
        check_binary(name, targets, "Make labels of scores, for instance by `scores >= 4`.")
        targets = targets.astype(bool)
    return similarities, targets
