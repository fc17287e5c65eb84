"""How a regressor is trained."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import keras
import numpy as np
from keras import ops

from keras_seq.core.errors import RecipeError
from keras_seq.data import LabelledText, hold_out
from keras_seq.data.labelled_text import LABELLED_TEXT
from keras_seq.families.regression.data import StandardScores, scores_of
from keras_seq.families.regression.recipe import RegressionRecipe
from keras_seq.families.regression.served import RegressionFunctions, RegressionSettings
from keras_seq.families.regression.task import Regressor, regression_scores
from keras_seq.ops.conformal import conformal_radius, fewest_errors
from keras_seq.tasks.id_weights import set_id_weights
from keras_seq.tasks.labelled_batches import READ_ONCE, LabelledBatches
from keras_seq.tasks.labelled_texts import LabelledTexts
from keras_seq.tasks.text_training import TextTraining
from keras_seq.tasks.training_parts import batching_options
from keras_seq.training import Panels

ScoredBatches = LabelledBatches[StandardScores]
LOSSES = {"squared": keras.losses.mean_squared_error, "huber": keras.losses.huber}


class RegressionTraining(TextTraining):
    """The training of a regressor, from files of texts with scores.

    Where the recipe names no validation file, a share of the training texts, drawn by chance, validates. The interval
    is fitted to the errors on the texts that validate.
    """

    recipe: RegressionRecipe
    task: Regressor
    train: LabelledTexts
    validation: LabelledTexts
    batches: ScoredBatches
    validation_batches: ScoredBatches
    score_names = ("pearson", "spearman", "mae", "rmse", "r2", "coverage", "interval_width")
    shown_scores = ("pearson", "mae", "interval_width")
    radius = 0.0
    """Half the width of the interval, by the last evaluation."""

    def read(self) -> None:
        wide = self.recipe.model.arguments.get("wide")
        if isinstance(wide, Mapping) and wide.get("prior"):
            raise RecipeError("key `model.arguments.wide.prior` is for what learns labels; take it out")
        self.pretraining = self.recipe.pretraining
        super().read()
        coverage, given = self.recipe.regression.interval, len(self.validation_rows)
        if given < fewest_errors(coverage):
            needed = f"key `regression.interval` = {coverage:g} needs {fewest_errors(coverage)} texts that validate"
            raise RecipeError(f"{needed}. Received: {given}; give more, or lower it")
        self.standard = StandardScores(scores_of(self.train.examples)[self.rows], self.paths["train"])

    def examples_of(self, path: Path) -> Iterator[LabelledText]:
        return LABELLED_TEXT.examples(path, self.recipe.data.columns)

    def read_examples(self, path: Path) -> LabelledTexts:
        return LabelledTexts(self.examples_of(path), self.tokenizer, self.recipe.data.max_tokens)

    def split(self) -> tuple[np.ndarray, np.ndarray]:
        return hold_out([()] * len(self.train), self.recipe.data.held_out, self.recipe.seed)

    def make_model(self) -> keras.Model:
        return self.built(num_classes=1, activation="linear")

    def make_batches(self) -> ScoredBatches:
        self.validation_batches = self._batches(self.validation, self.validation_rows, READ_ONCE)
        return self._batches(self.train, self.rows, batching_options(self.recipe.batching, self.recipe.seed))

    def make_loss(self) -> Callable[[Any, Any], Any]:
        cost = LOSSES[self.recipe.regression.loss]

        def loss(y_true: Any, y_pred: Any) -> Any:
            true, found = ops.reshape(y_true, (-1, 1)), ops.reshape(y_pred, (-1, 1))
            is_real = ops.logical_not(ops.isnan(true))
            costs = cost(ops.where(is_real, true, found), found)
            return ops.divide_no_nan(ops.sum(costs), ops.sum(ops.cast(is_real, costs.dtype)))

        return loss

    def make_task(self) -> Regressor:
        standard, recipe = self.standard, self.recipe
        settings = RegressionSettings(
            standard.mean, standard.deviation, self.radius, recipe.regression.interval, recipe.data.max_tokens
        )
        served = RegressionFunctions(self.built_model, self.tokenizer, self.encoder, settings)
        return Regressor(served, recipe.name)

    def pretrain(self) -> None:
        """Give the table of words its vectors, and a wide part, where there is one, the weights of its ids."""
        super().pretrain()
        set_id_weights(self.model, [self._batches(self.train, self.rows, READ_ONCE)])

    def evaluate(self, model: keras.Model) -> dict[str, float]:
        """The scores of the present weights on the validation data, with the interval that these errors give."""
        true = scores_of(self.validation.examples)[self.validation_rows]
        outputs = self.validation_batches.predicted(self.predictor)[:, 0].astype(np.float64)
        found = self.standard.mean + self.standard.deviation * outputs
        self.radius = conformal_radius(found - true, self.recipe.regression.interval)
        return regression_scores(true, found, self.radius)

    def finish(self) -> None:
        """Fit the interval to the errors of the trained model."""
        self.evaluate(self.model)
        self.task = self.make_task()

    def panels(self) -> Panels:
        return Panels(projector=self.vectors)

    def _batches(self, texts: LabelledTexts, rows: np.ndarray, options: Mapping[str, Any]) -> ScoredBatches:
        return ScoredBatches(texts, rows, self.standard, self.inputs, **options)
