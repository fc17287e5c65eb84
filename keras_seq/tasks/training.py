"""The base classes of trainings: the steps from a recipe and its files to a trained task."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, Self

import keras
import numpy as np

from keras_seq.core.errors import RecipeError
from keras_seq.data.description import Description
from keras_seq.tasks.trained_task import TrainedTask
from keras_seq.tasks.training_parts import find_builder
from keras_seq.training import (
    Batches,
    FitResult,
    GradientNormsPerStep,
    KerasRecipe,
    Panels,
    Progress,
    Recipe,
    RunDirectory,
    TensorBoard,
    compile_model,
    fit,
)
from keras_seq.training.gradient_norms import check_measurable


class Training(ABC):
    """How a model of a family comes from a recipe and its files.

    `prepare` takes the steps `read`, `build` and `pretrain`; `fit` trains; then `task` is what is kept, and
    `final_scores` what it is worth. Whatever can be wrong with the recipe or a file is told in the first steps: they
    write nothing. A family whose model is a Keras model begins with `KerasTraining`, one whose model reads the tokens
    of a text with `keras_seq.tasks.text_training.TextTraining`.

    Args:
        recipe: the recipe.
        paths: the files of the section `data`, by their keys: `train`, and as named in the recipe `validation`, `test`
            and others.
        data_directory: where other files of the recipe are looked for first.
        on_progress: called while something is trained before the model, with what was done since the last call and all
            there is.
    """

    task: TrainedTask
    """What is trained: of use when `fit` has ended."""

    def __init__(
        self,
        recipe: Recipe,
        paths: Mapping[str, Path],
        data_directory: str | Path | None = None,
        on_progress: Callable[[int, int], None] | None = None,
    ) -> None:
        self.recipe = recipe
        self.paths = paths
        self.data_directory = data_directory
        self.on_progress = on_progress

    def prepare(self) -> Self:
        """Take all steps before `fit`.

        Raises:
            DataError: if a file is broken.
            InputError: if a file does not suit the recipe.
            RecipeError: if values of the recipe do not suit each other, or the builder.
        """
        self.read()
        self.build()
        self.pretrain()
        return self

    @abstractmethod
    def read(self) -> None:
        """Read and check the files, those of the test too."""

    def describe(self, path: Path) -> Description | None:
        """What is understood of one of the files, once the task is built; `None` where nothing is to be told."""
        return self.task.describe(path, columns=getattr(self.recipe.data, "columns", None))

    @abstractmethod
    def build(self) -> None:
        """Build vocabularies, model and batches."""

    def pretrain(self) -> None:
        """Give the model what it begins with; by default nothing but what it was built with."""
        return

    @abstractmethod
    def fit(self, run: RunDirectory, *, resume: bool = False, quiet: bool = False) -> FitResult:
        """Train.

        Args:
            run: where checkpoints and curves go.
            resume: whether to go on from the newest checkpoint.
            quiet: whether to hide the progress display.
        """

    @property
    @abstractmethod
    def num_parameters(self) -> int:
        """How many numbers are learned."""

    @property
    @abstractmethod
    def score_names(self) -> Sequence[str]:
        """The scores of an evaluation, one of which decides which epoch is the best."""

    @abstractmethod
    def validation_scores(self) -> dict[str, Any]:
        """The scores of what is kept on the validation data, and `examples`, the number of them."""

    def final_scores(self) -> dict[str, dict[str, Any]]:
        """The scores of what is kept: `validation`, and `test` where the recipe has test data."""
        scores = {"validation": self.validation_scores()}
        evaluation = self.task.evaluation_of(self.recipe)
        if evaluation is not None and evaluation.split == "test":
            scores["test"] = self.task.evaluate(**evaluation.arguments(self.data_directory))
        return scores


class KerasTraining(Training):
    """The training of a Keras model by the loop of `keras_seq.training.fit`.

    `build` makes, in this order, `built_model`, which is served; `batches`; `model`, which is trained; `loss`; `task`.
    """

    recipe: KerasRecipe
    built_model: keras.Model
    model: keras.Model
    batches: Batches
    validation_batches: Batches | None = None
    """Where there are some, the first one is that on which gradients are measured."""
    loss: Any
    metrics: list[keras.metrics.Metric] | None = None
    """What Keras measures while it trains."""

    def build(self) -> None:
        """Build model, batches and loss, and join them to the task.

        Raises:
            RecipeError: if the builder does not take the arguments of the recipe, the score that decides is none of
                this model, or gradients cannot be measured.
        """
        if self.recipe.fit.monitor not in self.score_names:
            raise RecipeError(
                f"key `fit.monitor` must be one of {', '.join(self.score_names)}. "
                f"Received: {self.recipe.fit.monitor!r}; correct it"
            )
        keras.utils.set_random_seed(self.recipe.seed)
        self.built_model = self.make_model()
        self.batches = self.make_batches()
        self.model = self.trained_model()
        self.loss = self.make_loss()
        self.task = self.make_task()
        if self.recipe.tensorboard.gradient_norms:
            try:
                check_measurable(self.model)
            except (TypeError, ValueError) as error:
                raise RecipeError(f"key `tensorboard.gradient_norms` cannot be true: {error}") from None

    def built(self, **from_data: Any) -> keras.Model:
        """What the builder of the recipe makes.

        Args:
            **from_data: arguments of the builder that follow from the data.

        Raises:
            RecipeError: if the builder does not take the arguments of the recipe.
        """
        return self.recipe.build_model(find_builder(self.recipe), **from_data)

    @abstractmethod
    def make_model(self) -> keras.Model:
        """What the builder of the recipe makes."""

    @abstractmethod
    def make_batches(self) -> Batches:
        """The training data."""

    def trained_model(self) -> keras.Model:
        """What is trained: by default what the builder made; else a model that shares its weights."""
        return self.built_model

    @abstractmethod
    def make_loss(self) -> Any:
        """What is made small."""

    @abstractmethod
    def make_task(self) -> TrainedTask:
        """Join the model to what it reads and gives."""

    @abstractmethod
    def evaluate(self, model: keras.Model) -> dict[str, float]:
        """The scores of the present weights on the validation data."""

    def finish(self) -> None:
        """Complete `task` by what needs the trained model; by default nothing."""

    def panels(self) -> Panels:
        """What TensorBoard shows of the last evaluation beside the curves; by default nothing."""
        return Panels()

    @property
    def shown_scores(self) -> Sequence[str]:
        """The scores that the progress display names."""
        return self.score_names

    @property
    def num_parameters(self) -> int:
        """The weights of the model."""
        return self.model.count_params()

    def fixed_batch(self) -> tuple[dict[str, np.ndarray], Any]:
        """Inputs and targets on which gradients are measured: of the first validation batch, else of the training."""
        batches = self.batches if self.validation_batches is None else self.validation_batches
        return next(iter(batches.epoch(0)))

    def fit(self, run: RunDirectory, *, resume: bool = False, quiet: bool = False) -> FitResult:
        """Run the training loop, and complete what needs the trained model."""
        recipe, panels = self.recipe, self.panels()
        compile_model(self.model, recipe, steps_per_epoch=len(self.batches), loss=self.loss, metrics=self.metrics)
        callbacks: list[keras.callbacks.Callback] = [TensorBoard(run.tensorboard_path, recipe=recipe, panels=panels)]
        if recipe.tensorboard.gradient_norms:
            callbacks.append(GradientNormsPerStep(run.tensorboard_path, *self.fixed_batch()))
        if not quiet:
            callbacks.append(Progress(keys=tuple(self.shown_scores)))
        result = fit(
            self.model,
            self.batches,
            settings=recipe.fit,
            run_directory=run,
            evaluate=self.evaluate,
            callbacks=callbacks,
            resume=resume,
        )
        self.finish()
        panels.write_projector(run.tensorboard_path)
        return result
