"""The training data of a regressor: texts with scores, and scores as targets."""

from __future__ import annotations

import os
from collections.abc import Sequence

import numpy as np

from keras_seq.core.errors import DataError
from keras_seq.data import LabelledText

# What is served are numbers of 32 bits: larger scores have no place there, and of scores that differ by a smaller share
# of the largest one little is left.
LARGEST, SMALLEST_SHARE = 1e30, 1e-5
# What a file has, where a recipe does not say it.
COLUMNS = ("score", "text")


def scores_of(examples: Sequence[LabelledText]) -> np.ndarray:
    """The scores of texts, float64 `(texts,)`."""
    return np.array([example.score for example in examples], np.float64)


class StandardScores:
    """Scores as targets: less their mean, divided by their standard deviation; NaN where a row is padding.

    Args:
        scores: those of the texts that train.
        path: their file, for messages.

    Raises:
        DataError: if all are equal, or nearly, or too large.
    """

    def __init__(self, scores: np.ndarray, path: str | os.PathLike) -> None:
        low, high = float(scores.min()), float(scores.max())
        largest = max(abs(low), abs(high))
        if not (SMALLEST_SHARE * largest < high - low and largest < LARGEST):
            reason = f"all scores are {low:g}" if low == high else f"scores from {low!r} to {high!r}"
            raise DataError(path, None, reason, "training needs different ones; shift or scale them, as for 0 to 1")
        self.mean = float(scores.mean())
        self.deviation = float(scores.std())

    def targets(self, examples: Sequence[LabelledText]) -> np.ndarray:
        """The scores of texts, float32 `(texts,)`."""
        return ((scores_of(examples) - self.mean) / self.deviation).astype(np.float32)

    def empty(self, rows: int) -> np.ndarray:
        """Targets of rows that are padding."""
        return np.full(rows, np.nan, np.float32)
