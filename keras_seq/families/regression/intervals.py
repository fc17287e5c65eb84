"""Intervals that hold a stated share of new scores, by split conformal prediction; and the scores of predictions."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from keras_seq.metrics import correlation_scores


def fewest_texts(coverage: float) -> int:
    """How many texts `conformal_radius` needs.

    Example:
        >>> fewest_texts(0.9), fewest_texts(0.5)
        (9, 1)
    """
    return math.ceil(round(coverage / (1 - coverage), 9))


def conformal_radius(errors: Any, coverage: float) -> float:
    """Half the width of the interval around a prediction that holds the true score of a new text with a probability.

    It holds for texts that come from where these come from, in whatever order, whatever the model is: of so many
    absolute errors, the smallest one that `coverage` of them and of the new one do not exceed.

    Args:
        errors: what the predictions of texts that did not train are off by, `(texts,)`.
        coverage: the probability, above 0 and below 1.

    Raises:
        ValueError: if there are fewer than `fewest_texts(coverage)`.

    Example:
        >>> conformal_radius([0.1, -0.4, 0.2, 0.3], coverage=0.75)  # the fourth of four: 5 x 0.75, rounded up
        0.4

    Reference:
        Vovk, Gammerman and Shafer, "Algorithmic Learning in a Random World", Springer 2005; Lei et al.,
        "Distribution-Free Predictive Inference for Regression", JASA 2018, algorithm 2.
    """
    sizes = np.sort(np.abs(np.asarray(errors, np.float64)))
    # The new error counts among them; and rounding must not make it one more.
    rank = math.ceil(round((len(sizes) + 1) * coverage, 9))
    if rank > len(sizes):
        raise ValueError(
            f"`errors` must be at least {fewest_texts(coverage)} for this coverage. "
            f"Received: {len(sizes)}, coverage={coverage}. Give more, or lower the coverage."
        )
    return float(sizes[rank - 1])


def regression_scores(true: Any, found: Any, radius: float) -> dict[str, float]:
    """How near predictions are to the true scores, and what their intervals hold.

    Args:
        true, found: `(texts,)`.
        radius: half the width of the intervals.

    Returns:
        `pearson` and `spearman` (`keras_seq.metrics.correlation_scores`); `mae` and `rmse`, the mean absolute error
        and the root of the mean squared one, in the unit of the scores; `r2`, the share of the variance that is
        explained, 0 where all true scores are equal; `coverage`, the share of true scores within their interval; and
        `interval_width`.
    """
    true, found = np.asarray(true, np.float64), np.asarray(found, np.float64)
    errors, variance = found - true, true.var()
    squared = (errors**2).mean()
    return {
        **correlation_scores(found, true),
        "mae": float(np.abs(errors).mean()),
        "rmse": float(np.sqrt(squared)),
        "r2": float(1 - squared / variance) if variance else 0.0,
        "coverage": float((np.abs(errors) <= radius).mean()),
        "interval_width": 2 * radius,
    }
