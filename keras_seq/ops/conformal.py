"""Intervals that hold a stated share of new values, whatever predicts: split conformal prediction."""

import math
from typing import Any

import numpy as np


def fewest_errors(coverage: float) -> int:
    """How many errors `conformal_radius` needs for a coverage, above 0 and below 1.

    Example:
        >>> fewest_errors(0.9), fewest_errors(0.5)
        (9, 1)
    """
    return math.ceil(round(coverage / (1 - coverage), 9))


def conformal_radius(errors: Any, coverage: float) -> float:
    """Half the width of the interval around a prediction that holds the true value of a new example with a probability.

    It does for examples that come from where these come from, whatever predicts: of the absolute errors it is the
    smallest one that a share `coverage` of them and of the new one does not exceed.

    Args:
        errors: what the predictions for examples that did not train are off by, `(examples,)`.
        coverage: the probability, above 0 and below 1.

    Raises:
        ValueError: if there are fewer than `fewest_errors(coverage)`.

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
            f"`errors` must be at least {fewest_errors(coverage)} for this coverage. "
            f"Received: {len(sizes)}, coverage={coverage}. Give more, or lower the coverage."
        )
    return float(sizes[rank - 1])
