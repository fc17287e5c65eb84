"""The training data of a regressor: texts with scores, and scores as targets."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence

import numpy as np

from keras_seq.core.errors import DataError
from keras_seq.data import LabelledText, read_labelled_text

# Models compute, and serve, numbers of 32 bits: larger scores have no square there, and of scores that differ by a
# smaller share of the largest one little is left.
LARGEST, SMALLEST_SHARE = 1e15, 1e-5


def read_scored(path: str | os.PathLike, columns: Sequence[str]) -> Iterator[LabelledText]:
    """Read texts with scores.

    Raises:
        DataError: naming file and line, if the file is broken, or a score is no finite number or too large.
    """
    for example in read_labelled_text(path, columns=columns):
        if abs(example.score or 0) > LARGEST:
            reason = f"score {example.score:g} is beyond {LARGEST:g}"
            raise DataError(path, example.line, reason, "give all scores in a larger unit")
        yield example


def scores_of(examples: Sequence[LabelledText]) -> np.ndarray:
    """The scores of texts, float64 `(texts,)`."""
    return np.array([example.score for example in examples], np.float64)


class StandardScores:
    """Scores as targets: less their mean, divided by their standard deviation; NaN where a row is padding.

    Args:
        scores: those of the texts that train.
        path: their file, for messages.

    Raises:
        DataError: if all are equal, or nearly.
    """

    def __init__(self, scores: np.ndarray, path: str | os.PathLike) -> None:
        low, high = scores.min(), scores.max()
        if high - low <= SMALLEST_SHARE * max(abs(low), abs(high)):
            reason = f"all scores are {low:g}" if low == high else f"scores differ too little, from {low} to {high}"
            raise DataError(path, None, reason, "training needs different ones: subtract what is common to them")
        self.mean = float(scores.mean())
        self.deviation = float(scores.std())

    def targets(self, examples: Sequence[LabelledText]) -> np.ndarray:
        """The scores of texts, float32 `(texts,)`."""
        return ((scores_of(examples) - self.mean) / self.deviation).astype(np.float32)

    def empty(self, rows: int) -> np.ndarray:
        """Targets of rows that are padding."""
        return np.full(rows, np.nan, np.float32)

    def scores(self, outputs: np.ndarray) -> np.ndarray:
        """What a model gives, in the unit of the scores."""
        return self.mean + self.deviation * outputs.astype(np.float64)
