"""The regressor: a number for a text, from texts with scores to served text."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import keras
import numpy as np

from keras_seq.core.errors import RunError
from keras_seq.data import read_labelled_text
from keras_seq.export import GOLDEN_TEXTS, Sample
from keras_seq.families.regression.intervals import regression_scores
from keras_seq.families.regression.recipe import RegressionRecipe
from keras_seq.families.regression.results import RatedText
from keras_seq.families.regression.served import RegressionFunctions, RegressionSettings
from keras_seq.tasks.evaluation import Evaluation
from keras_seq.tasks.labelled_texts import TEXTS_PER_CHUNK
from keras_seq.tasks.text_task import TextTask, call_rows, check_texts, chunks
from keras_seq.text import TokenEncoder, WordTokenizer


class Regressor(TextTask):
    """A trained model that gives texts a score: a grade, a rating, a price, a length of time.

    Make one with `keras_seq.load(name_or_folder)`, or train one with `keras_seq.tasks.train`.

    Args:
        served: `keras_seq.families.regression.served.RegressionFunctions`, or those of a SavedModel.
        name: what the model is called.

    Example:
        >>> import keras_seq
        >>> regressor = keras_seq.load("runs/sst5_scores")  # doctest: +SKIP
        >>> regressor.predict(["a stirring , funny film"])[0]["score"]  # doctest: +SKIP
        3.1416
    """

    task = "regressor"
    unit = "texts"
    max_characters = 4_000_000  # documents; what is read of them is bounded by `settings.max_tokens`
    settings_class = RegressionSettings

    def predict(self, texts: Sequence[str]) -> list[RatedText]:
        """Score raw texts.

        Args:
            texts: the texts.

        Returns:
            For each text `{"text", "score", "low", "high"}`, in the unit of the training data: `settings.coverage` of
            the true scores of texts like those of the training lie from `low` to `high`.

        Raises:
            TypeError: if `texts` is one string, or holds something else than strings.
        """
        check_texts(texts)
        return [
            RatedText(text=text, **{name: round(float(row[name]), 4) for name in ("score", "low", "high")})
            for text, row in zip(texts, self._rows(texts), strict=True)
        ]

    def embed(self, texts: Sequence[str]) -> np.ndarray:
        """The vectors of texts, float32 `(texts, features)`: what the last layer of the model reads.

        Raises:
            TypeError: if `texts` is one string, or holds something else than strings.
        """
        return self._embedded(texts)

    def evaluate(
        self,
        data: str | Path,
        on_progress: Callable[[int], None] | None = None,
        *,
        columns: Sequence[str] = ("score", "text"),
    ) -> dict[str, Any]:
        """Score the regressor on a file of texts with scores.

        Args:
            data: the file.
            on_progress: called with the number of texts that were scored since the last call.
            columns: those of the file.

        Returns:
            What `keras_seq.families.regression.intervals.regression_scores` gives, and `examples`.

        Raises:
            DataError: if the file is broken, or a score is no finite number.
        """
        true: list[float | None] = []
        found: list[float] = []
        for chunk in chunks(read_labelled_text(data, columns=columns), TEXTS_PER_CHUNK):
            true += [example.score for example in chunk]
            found += [row["score"] for row in self._rows([example.text for example in chunk])]
            if on_progress is not None:
                on_progress(len(chunk))
        return {**regression_scores(true, found, self.settings.radius), "examples": len(true)}

    @classmethod
    def evaluation_of(cls, recipe: RegressionRecipe) -> Evaluation | None:
        """As of every task, with the columns of its files."""
        return None if recipe.data.test is None else Evaluation(recipe.data.test, {"columns": recipe.data.columns})

    def golden_samples(self) -> list[str | Sample]:
        """As of every task, for each signature."""
        return [*GOLDEN_TEXTS, Sample("texts for embed", {"text": np.array(GOLDEN_TEXTS, object)}, "embed")]

    def _rows(self, texts: Sequence[str]) -> list[dict[str, Any]]:
        return call_rows(lambda text: self.served.call("serving_default", text=text), texts, self.settings.max_tokens)

    @classmethod
    def _join(
        cls, directory: Path, model: keras.Model, settings: RegressionSettings, encoder: TokenEncoder
    ) -> RegressionFunctions:
        if model.output_shape[-1] != 1:
            raise RunError(f"{directory}: its model gives {model.output_shape[-1]} numbers, not one; train it again")
        return RegressionFunctions(model, WordTokenizer(), encoder, settings)
