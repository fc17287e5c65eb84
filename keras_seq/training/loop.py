"""The training loop: one Keras `fit` call an epoch, exact resume, early stopping, checkpoint selection."""

import dataclasses
import math
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import keras
import numpy as np

from keras_seq.core.errors import RecipeError, RunError
from keras_seq.core.keras_compat import build_training_state
from keras_seq.training.bookkeeping import Bookkeeping
from keras_seq.training.callbacks import Position, TrainingCallback
from keras_seq.training.checkpoints import (
    Checkpoint,
    restore_inference_state,
    restore_training_state,
    training_state,
)
from keras_seq.training.feeding import Batches, as_dataset, counted, first_batch
from keras_seq.training.fit_recipe import FitSection
from keras_seq.training.kept_states import KeptStates
from keras_seq.training.optimizers import averaged_weights, build_optimizer
from keras_seq.training.recipe import KerasRecipe
from keras_seq.training.run_directory import RunDirectory
from keras_seq.training.stop_signals import stop_signals


class TrainingInterrupted(RunError):
    """The user or the system asked the training to stop; a checkpoint was written and `--resume` goes on from it."""


@dataclasses.dataclass
class FitResult:
    """What a training came to. The model holds the best weights.

    Args:
        history: One record an epoch.
        best_epoch: The epoch, from 1, whose weights the model holds.
        best_scores: Its scores.
        stopped_early: Whether patience ran out before the last epoch.
        seconds: Time spent on training and evaluation, over all resumes.
    """

    history: list[dict[str, Any]]
    best_epoch: int
    best_scores: dict[str, float]
    stopped_early: bool
    seconds: float


def jit_setting(settings: FitSection) -> bool | str:
    """`fit.jit_compile` for the backend in use: on JAX what is not compiled runs op by op, much slower."""
    return settings.jit_compile or keras.backend.backend() == "jax"


def compile_model(
    model: keras.Model, recipe: KerasRecipe, *, steps_per_epoch: int, loss: Any, metrics: Any = None
) -> None:
    """Compile a model with the optimizer and the compiler setting of a recipe.

    Args:
        model: An uncompiled model.
        recipe: The recipe.
        steps_per_epoch: Batches of one epoch; schedules end after `fit.epochs` of them.
        loss: As for `keras.Model.compile`.
        metrics: As for `keras.Model.compile`.
    """
    optimizer = build_optimizer(recipe.optimizer, total_steps=steps_per_epoch * recipe.fit.epochs)
    model.compile(optimizer=optimizer, loss=loss, metrics=metrics, jit_compile=jit_setting(recipe.fit))


def fit(
    model: keras.Model,
    batches: Batches,
    *,
    settings: FitSection,
    run_directory: RunDirectory,
    evaluate: Callable[[keras.Model], Mapping[str, float]],
    callbacks: Sequence[keras.callbacks.Callback] = (),
    resume: bool = False,
) -> FitResult:
    """Train a compiled model; a run that was killed and resumed ends with the numbers of one that was not.

    Each epoch is one `model.fit` call. A checkpoint is written at the end of each epoch and every
    `settings.checkpoint_seconds` (or `checkpoint_batches`) in between; it holds weights, optimizer, random-number
    state, metrics, the history and the place in the data. After each `settings.evaluate_every` epochs, `evaluate` is
    called with the averaged weights in the model; the best ones by `settings.monitor` are kept. Ctrl-C and SIGTERM stop
    after the present batch, with a checkpoint.

    Args:
        model: A compiled model, seeded before it was built.
        batches: The training data.
        settings: The `fit` section of the recipe.
        run_directory: Where checkpoints go.
        evaluate: Gives the scores of the model on the validation data. It must not change the model.
        callbacks: Keras callbacks; those derived from `TrainingCallback` also hear of evaluations.
        resume: Go on from the newest checkpoint that can be used: each that cannot be is named, with the reason, in
            a line on stderr, and the one before it has its turn. Where no checkpoint was written yet, start anew.

    Returns:
        History and best scores; the model holds the best (averaged) weights.

    Raises:
        TrainingInterrupted: after Ctrl-C or SIGTERM.
        RunError: if the loss is not finite, a checkpoint cannot be written, or there are checkpoints and none of
            them can be used.
        RecipeError: if `settings.monitor` is not among the scores.
    """
    return _Training(model, batches, settings, run_directory, evaluate, callbacks).run(resume)


class _Training:
    def __init__(
        self,
        model: keras.Model,
        batches: Batches,
        settings: FitSection,
        run_directory: RunDirectory,
        evaluate: Callable[[keras.Model], Mapping[str, float]],
        callbacks: Sequence[keras.callbacks.Callback],
    ):
        self.model = model
        self.batches = batches
        self.settings = settings
        self.run_directory = run_directory
        self.evaluate = evaluate
        self.callbacks = list(callbacks)
        self.steps = len(batches)
        self.kept = KeptStates(model, self.steps, settings, run_directory)
        self.position = Position(settings.epochs, self.steps)
        self.stop_signal: str | None = None
        self.epoch_started = time.monotonic()
        if self.steps < 1:
            raise RunError(f"{run_directory.path}: the training data makes no batch; add sentences")

    @property
    def progress(self) -> Bookkeeping:
        return self.kept.progress

    @property
    def observers(self) -> list[TrainingCallback]:
        return [callback for callback in self.callbacks if isinstance(callback, TrainingCallback)]

    def run(self, resume: bool) -> FitResult:
        # Optimizer and metrics make their variables lazily; a checkpoint needs them all.
        build_training_state(self.model, first_batch(self.batches))
        checkpoint = self.kept.resume() if resume else None
        for callback in self.observers:
            callback.position = self.position
        with stop_signals(self.request_stop):
            try:
                while self.progress.epoch < self.settings.epochs and not self.progress.stopped_early:
                    self.run_epoch(checkpoint)
                    checkpoint = None
            finally:
                for callback in self.observers:
                    callback.on_fit_end()
        return self.finish()

    def request_stop(self, name: str) -> None:
        self.stop_signal = name

    def run_epoch(self, checkpoint: Checkpoint | None) -> None:
        progress = self.progress
        self.epoch_started = started = time.monotonic() - progress.epoch_seconds
        self.position.epoch, self.position.first_batch = progress.epoch, progress.batch
        self.position.units, self.position.unit = 0, "batches"
        if progress.batch < self.steps:
            keeper = _Keeper(self, checkpoint if progress.batch else None)
            self.model.fit(
                as_dataset(self.model, counted(self.batches.epoch(progress.epoch, skip=progress.batch), self.position)),
                initial_epoch=progress.epoch,
                epochs=progress.epoch + 1,
                steps_per_epoch=self.steps - progress.batch,
                shuffle=False,
                verbose=0,
                # The keeper comes last: a checkpoint is written when all others have seen the batch.
                callbacks=[*self.callbacks, keeper],
            )
            progress.batch = self.steps
            progress.logs = keeper.logs
            progress.epoch_seconds = time.monotonic() - started
            arrays = self.finite_state()
            if self.is_due():
                self.kept.save(arrays)
        self.evaluate_epoch(started)
        self.kept.save(self.finite_state())
        if progress.epoch < self.settings.epochs and not progress.stopped_early:
            self.raise_if_stopped()

    def evaluate_epoch(self, started: float) -> None:
        progress, settings = self.progress, self.settings
        last = progress.epoch + 1 == settings.epochs
        record: dict[str, Any] = {
            "epoch": progress.epoch + 1,
            "step": (progress.epoch + 1) * self.steps,
            **{f"train_{key}": value for key, value in progress.logs.items()},
            "learning_rate": float(self.model.optimizer.learning_rate),
        }
        with averaged_weights(self.model):
            if last or (progress.epoch + 1) % settings.evaluate_every == 0:
                scores = {key: float(value) for key, value in self.evaluate(self.model).items()}
                record |= scores
                self.keep_best(record, scores)
            record["seconds"] = round(time.monotonic() - started, 3)
            progress.history.append(record)
            for callback in self.observers:
                callback.on_evaluation_end(record)
        progress.seconds += record["seconds"]
        progress.epoch_seconds = 0.0
        progress.epoch += 1
        progress.batch = 0
        progress.logs = {}

    def keep_best(self, record: dict[str, Any], scores: dict[str, float]) -> None:
        progress, settings = self.progress, self.settings
        if settings.monitor not in scores:
            raise RecipeError(
                f"{self.run_directory.recipe_path}: key `fit.monitor` must be one of {', '.join(sorted(scores))}. "
                f"Received: {settings.monitor!r}; name one of these"
            )
        value = scores[settings.monitor]
        # The first evaluation is always the best so far, even when its score is not a number.
        better = value < progress.best_value if settings.direction == "min" else value > progress.best_value
        record["is_best"] = not progress.best_epoch or better or (math.isnan(progress.best_value) and value == value)
        if record["is_best"]:
            progress.best_epoch, progress.best_value, progress.waited = record["epoch"], value, 0
            self.kept.save_best(record["epoch"], scores)
        else:
            progress.waited += 1
            progress.stopped_early = bool(settings.patience) and progress.waited >= settings.patience

    def finish(self) -> FitResult:
        best = self.kept.best()
        restore_inference_state(self.model, best)
        progress = self.progress
        return FitResult(
            history=progress.history,
            best_epoch=best.metadata["epoch"],
            best_scores=best.metadata["scores"],
            stopped_early=progress.stopped_early,
            seconds=round(progress.seconds, 3),
        )

    def is_due(self, batches_done: int = 0) -> bool:
        settings = self.settings
        if settings.checkpoint_batches and batches_done and batches_done % settings.checkpoint_batches == 0:
            return True
        return time.monotonic() - self.kept.saved_at >= settings.checkpoint_seconds

    def finite_state(self) -> dict[str, np.ndarray]:
        """The state of the training, fit for a checkpoint."""
        arrays = training_state(self.model)
        for name, array in arrays.items():
            if name.startswith("trainable.") and not np.isfinite(array).all():
                raise self.not_finite(f"the variable {name.split('.', 2)[2]} is not finite", self.progress.batch)
        return arrays

    def not_finite(self, what: str, batches_done: int) -> RunError:
        return RunError(
            f"{self.run_directory.path}: {what} in epoch {self.position.epoch + 1} after batch {batches_done} of "
            f"{self.steps}; start anew with a lower optimizer.learning_rate or optimizer.clip_norm"
        )

    def raise_if_stopped(self) -> None:
        if self.stop_signal:
            progress = self.progress
            place = f"in epoch {progress.epoch + 1} after batch {progress.batch} of {self.steps}"
            if progress.batch == 0:
                place = f"after epoch {progress.epoch} of {self.settings.epochs}"
            raise TrainingInterrupted(
                f"{self.run_directory.path}: stopped by {self.stop_signal} {place}; go on with --resume"
            )


class _Keeper(keras.callbacks.Callback):
    """Inside an epoch: checkpoints, the stop signal, and the watch over the loss."""

    finite_check_every = 20

    def __init__(self, training: _Training, checkpoint: Checkpoint | None):
        super().__init__()
        self.training = training
        self.checkpoint = checkpoint
        self.logs: dict[str, float] = {}

    def on_epoch_begin(self, epoch: int, logs: Mapping[str, Any] | None = None) -> None:
        if self.checkpoint is not None:
            # Keras has just reset the metrics; those of a begun epoch go on.
            restore_training_state(self.model, self.checkpoint)

    def on_train_batch_end(self, batch: int, logs: Mapping[str, Any] | None = None) -> None:
        training = self.training
        done = training.position.batches_done(batch)
        # The end of the epoch is saved by the loop, with the epoch's logs.
        due = done < training.steps and (training.is_due(done) or training.stop_signal)
        if due or done % self.finite_check_every == 0:
            self.check_finite(logs, done)
        if due:
            if keras.backend.backend() == "jax":
                self.model.jax_state_sync()
            training.progress.batch = done
            training.progress.epoch_seconds = time.monotonic() - training.epoch_started
            training.kept.save(training.finite_state())
            training.raise_if_stopped()

    def on_epoch_end(self, epoch: int, logs: Mapping[str, Any] | None = None) -> None:
        self.logs = {key: float(value) for key, value in (logs or {}).items()}
        self.check_finite(self.logs, self.training.steps)

    def check_finite(self, logs: Mapping[str, Any] | None, batches_done: int) -> None:
        loss = float((logs or {}).get("loss", 0.0))
        if not math.isfinite(loss):
            raise self.training.not_finite(f"the loss is {loss}", batches_done)
