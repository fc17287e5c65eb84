"""How a regressor is trained."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import keras
import numpy as np
from keras import ops

from keras_seq.core.errors import DataError, RecipeError
from keras_seq.data import LabelledText, hold_out, read_labelled_text
from keras_seq.families.regression.intervals import conformal_radius, fewest_texts, regression_scores
from keras_seq.families.regression.recipe import RegressionRecipe
from keras_seq.families.regression.served import RegressionFunctions, RegressionSettings
from keras_seq.families.regression.task import Regressor
from keras_seq.tasks.id_weights import set_id_weights
from keras_seq.tasks.labelled_batches import READ_ONCE, LabelledBatches
from keras_seq.tasks.labelled_texts import LabelledTexts
from keras_seq.tasks.markdown import markdown_table
from keras_seq.tasks.text_training import TextTraining
from keras_seq.tasks.training_parts import batching_options
from keras_seq.training import Panels

LOSSES = {"squared": keras.losses.mean_squared_error, "huber": keras.losses.huber}
# Texts that TensorBoard shows, and tokens of a text.
SHOWN_TEXTS, SHOWN_TOKENS = 8, 100


class StandardScores:
    """Scores as targets: less their mean, divided by their standard deviation; NaN where a row is padding.

    Args:
        scores: those of the texts that train.
    """

    def __init__(self, scores: Sequence[float]) -> None:
        self.mean = float(np.mean(scores))
        self.deviation = float(np.std(scores))

    def targets(self, examples: Sequence[LabelledText]) -> np.ndarray:
        """The scores of texts, float32 `(texts,)`."""
        scores = np.array([example.score for example in examples], np.float64)
        return ((scores - self.mean) / self.deviation).astype(np.float32)

    def empty(self, rows: int) -> np.ndarray:
        """Targets of rows that are padding."""
        return np.full(rows, np.nan, np.float32)

    def scores(self, outputs: np.ndarray) -> np.ndarray:
        """What a model gives, in the unit of the scores."""
        return self.mean + self.deviation * outputs.astype(np.float64)


class RegressionTraining(TextTraining):
    """The training of a regressor, from files of texts with scores.

    Where the recipe names no validation file, a share of the training texts, drawn by chance, validates. The interval
    is fitted to the errors on the texts that validate.
    """

    recipe: RegressionRecipe
    task: Regressor
    train: LabelledTexts
    validation: LabelledTexts
    batches: LabelledBatches[StandardScores]
    validation_batches: LabelledBatches[StandardScores]
    score_names = ("pearson", "spearman", "mae", "rmse", "r2", "coverage", "interval_width")
    shown_scores = ("pearson", "mae", "interval_width")

    def read(self) -> None:
        if (self.recipe.model.arguments.get("wide") or {}).get("prior"):
            raise RecipeError("key `model.arguments.wide.prior` is for what learns labels; take it out")
        self.pretraining = self.recipe.pretraining
        super().read()
        scores = [self.train.examples[row].score or 0.0 for row in self.rows]
        if min(scores) == max(scores):
            reason, remedy = f"all scores are {scores[0]:g}", "training needs texts of different scores"
            raise DataError(self.paths["train"], None, reason, remedy)
        coverage, given = self.recipe.regression.interval, len(self.validation_rows)
        if given < fewest_texts(coverage):
            needed = f"key `regression.interval` = {coverage:g} needs {fewest_texts(coverage)} texts that validate"
            raise RecipeError(f"{needed}. Received: {given}; give more, or lower it")
        self.standard = StandardScores(scores)
        # Of the last evaluation.
        self._found = np.zeros(len(self.validation_rows))
        self._radius = 0.0

    def examples_of(self, path: Path) -> Iterator[LabelledText]:
        return read_labelled_text(path, columns=self.recipe.data.columns)

    def read_examples(self, path: Path) -> LabelledTexts:
        return LabelledTexts(self.examples_of(path), self.tokenizer, self.recipe.data.max_tokens)

    def split(self) -> tuple[np.ndarray, np.ndarray]:
        return hold_out([()] * len(self.train), self.recipe.data.held_out, self.recipe.seed)

    def make_model(self) -> keras.Model:
        return self.built(num_classes=1, activation="linear")

    def make_batches(self) -> LabelledBatches[StandardScores]:
        self.validation_batches = LabelledBatches(
            self.validation, self.validation_rows, self.standard, self.inputs, **READ_ONCE
        )
        options = batching_options(self.recipe.batching, self.recipe.seed)
        return LabelledBatches(self.train, self.rows, self.standard, self.inputs, **options)

    def make_loss(self) -> Callable[[Any, Any], Any]:
        return mean_of(LOSSES[self.recipe.regression.loss])

    def make_task(self) -> Regressor:
        settings = RegressionSettings(
            mean=self.standard.mean,
            deviation=self.standard.deviation,
            radius=self._radius,
            coverage=self.recipe.regression.interval,
            max_tokens=self.recipe.data.max_tokens,
        )
        functions = RegressionFunctions(self.built_model, self.tokenizer, self.encoder, settings)
        return Regressor(functions, self.recipe.name)

    def pretrain(self) -> None:
        """Give the table of words its vectors, and a wide part, where there is one, the weights of its ids."""
        super().pretrain()
        set_id_weights(self.model, [LabelledBatches(self.train, self.rows, self.standard, self.inputs, **READ_ONCE)])

    def evaluate(self, model: keras.Model) -> dict[str, float]:
        """The scores of the present weights on the validation data, with the interval that these errors give."""
        batches = self.validation_batches
        true = np.array([batches.texts.examples[row].score for row in batches.indices])
        self._found = self.standard.scores(batches.predicted(self.predictor)[:, 0])
        self._radius = conformal_radius(self._found - true, self.recipe.regression.interval)
        return regression_scores(true, self._found, self._radius)

    def finish(self) -> None:
        """Fit the interval to the errors of the trained model."""
        self.evaluate(self.model)
        self.task = self.make_task()

    def panels(self) -> Panels:
        return Panels(samples=lambda: markdown_table(("text", "true", "found"), self.worst()), projector=self.vectors)

    def worst(self) -> Iterator[tuple[str, str, str]]:
        """Text, true score and what was found, the largest errors of the last evaluation first."""
        batches = self.validation_batches
        true = np.array([batches.texts.examples[row].score for row in batches.indices])
        for index in np.argsort(-np.abs(self._found - true), kind="stable")[:SHOWN_TEXTS]:
            tokens = batches.texts.store.tokens(int(batches.indices[index]))[:SHOWN_TOKENS]
            yield " ".join(tokens), f"{true[index]:g}", f"{self._found[index]:.3f}"


def mean_of(cost: Callable[[Any, Any], Any]) -> Callable[[Any, Any], Any]:
    """The loss that is the mean of a cost over the rows that are no padding."""

    def loss(y_true: Any, y_pred: Any) -> Any:
        true, found = ops.reshape(y_true, (-1, 1)), ops.reshape(y_pred, (-1, 1))
        is_real = ops.logical_not(ops.isnan(true))
        costs = cost(ops.where(is_real, true, found), found)
        return ops.divide_no_nan(ops.sum(costs), ops.sum(ops.cast(is_real, costs.dtype)))

    return loss
