"""The regressor: a number for a text, from texts with scores to served text."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import keras
import numpy as np

from keras_seq.core.errors import RunError
from keras_seq.data.description import Description
from keras_seq.data.labelled_text import LABELLED_TEXT
from keras_seq.data.roles import Roles
from keras_seq.export import GOLDEN_TEXTS, Sample
from keras_seq.families.regression.data import COLUMNS, scores_of
from keras_seq.families.regression.recipe import RegressionRecipe
from keras_seq.families.regression.results import RatedText
from keras_seq.families.regression.served import RegressionFunctions, RegressionSettings
from keras_seq.metrics import correlation_scores
from keras_seq.tasks.evaluation import Evaluation
from keras_seq.tasks.labelled_texts import TEXTS_PER_CHUNK
from keras_seq.tasks.text_task import EmbeddingTask, check_texts, chunks


class Regressor(EmbeddingTask):
    """A trained model that gives texts a score: a grade, a rating, a price, a length of time."""

    task = "regressor"
    settings_class = RegressionSettings
    functions_class = RegressionFunctions

    def predict(self, texts: Sequence[str]) -> list[RatedText]:
        """Score raw texts.

        Returns:
            For each text `{"text", "score", "low", "high"}`, in the unit of the training data: `settings.coverage` of
            the true scores of texts like those of the training lie from `low` to `high`.

        Raises:
            TypeError: if `texts` is one string, or holds something else than strings.
        """
        check_texts(texts)
        return [
            RatedText(text=text, **{name: float(f"{row[name]:.7g}") for name in ("score", "low", "high")})
            for text, row in zip(texts, self._rows("serving_default", texts), strict=True)
        ]

    def evaluate(
        self, data: str | Path, on_progress: Callable[[int], None] | None = None, *, columns: Roles = COLUMNS
    ) -> dict[str, Any]:
        """Score the regressor on a file of texts with scores.

        Args:
            data: the file.
            on_progress: called with the number of texts that were scored since the last call.
            columns: those of the file.

        Returns:
            What `regression_scores` gives, and `examples`.

        Raises:
            DataError: if the file is broken, or a score is no finite number.
        """
        true: list[float] = []
        found: list[float] = []
        for chunk in chunks(LABELLED_TEXT.examples(data, columns), TEXTS_PER_CHUNK):
            true += scores_of(chunk).tolist()
            found += [row["score"] for row in self._rows("serving_default", [example.text for example in chunk])]
            if on_progress is not None:
                on_progress(len(chunk))
        return {**regression_scores(true, found, self.settings.radius), "examples": len(true)}

    def describe(self, data: str | Path, *, columns: Roles = COLUMNS, **options: Any) -> Description:
        return LABELLED_TEXT.sniff(data, columns)

    @classmethod
    def evaluation_of(cls, recipe: RegressionRecipe) -> Evaluation | None:
        """As of every task, with the columns of its files."""
        return None if recipe.data.test is None else Evaluation(recipe.data.test, {"columns": recipe.data.columns})

    def golden_samples(self) -> list[str | Sample]:
        """As of every task, for each signature."""
        return [*GOLDEN_TEXTS, Sample("texts for embed", {"text": np.array(GOLDEN_TEXTS, object)}, "embed")]

    @classmethod
    def _check(cls, directory: Path, model: keras.Model, settings: RegressionSettings) -> None:
        if model.output_shape[-1] != 1:
            raise RunError(f"{directory}: its model gives {model.output_shape[-1]} numbers, not one; train it again")


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
