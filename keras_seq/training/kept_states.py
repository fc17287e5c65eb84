"""What a training keeps on the disk: checkpoints to go on from, and the best weights."""

import dataclasses
import time
from collections.abc import Mapping

import keras
import numpy as np

from keras_seq.core.errors import RunError
from keras_seq.core.notices import notify
from keras_seq.training.bookkeeping import Bookkeeping
from keras_seq.training.checkpoints import (
    Checkpoint,
    CheckpointStore,
    inference_state,
    misfit_of_inference_state,
    misfit_of_training_state,
    restore_training_state,
)
from keras_seq.training.fit_recipe import FitSection
from keras_seq.training.origin import Origin
from keras_seq.training.run_directory import RunDirectory

# What a checkpoint holds besides arrays.
_METADATA = ("steps_per_epoch", "progress", "origin")


class KeptStates:
    """The checkpoints of one training, and where it stands.

    Args:
        model: The model that is trained.
        steps: Batches of an epoch.
        settings: The section `fit` of its recipe.
        run_directory: Where they are kept.
    """

    def __init__(self, model: keras.Model, steps: int, settings: FitSection, run_directory: RunDirectory):
        self.model = model
        self.steps = steps
        self.settings = settings
        self.run_directory = run_directory
        self.store = CheckpointStore(run_directory.checkpoints_path)
        self.progress = Bookkeeping()
        self.saved_at = time.monotonic()

    def save(self, arrays: Mapping[str, np.ndarray]) -> None:
        """Write a checkpoint.

        Args:
            arrays: The state of the training.
        """
        step = self.progress.epoch * self.steps + self.progress.batch
        values = (self.steps, dataclasses.asdict(self.progress), self.run_directory.origin.to_json())
        self.store.save(arrays, dict(zip(_METADATA, values, strict=True)), step=step)
        self.saved_at = time.monotonic()

    def save_best(self, epoch: int, scores: Mapping[str, float]) -> None:
        """Keep the weights that the model has now as the best ones.

        Args:
            epoch: From 1.
            scores: Those of the weights.
        """
        self.store.save_best(inference_state(self.model), {"epoch": epoch, "scores": scores})

    def resume(self) -> Checkpoint | None:
        """Restore the newest checkpoint that can be used; `None` where none was written.

        Raises:
            RunError: if none of those that were written can be used, or the best weights are lost.
        """
        skipped: list[str] = []
        checkpoint = self.store.latest(self._problem_of, skipped.append)
        if checkpoint is None:
            if skipped:
                older = " (no older one can be used either)" if skipped[1:] else ""
                raise RunError(
                    f"{skipped[0]}; resume with the data and recipe of the run, put a copy of a checkpoint back, or "
                    f"start anew in another run directory{older}"
                )
            notify(f"{self.run_directory.path}: no checkpoint was written yet; the run begins anew")
            return None
        for message in skipped:
            notify(f"{message}; going on from {checkpoint.path.name}")
        self.progress = self._bookkeeping(checkpoint)
        if self.progress.best_epoch:
            self.best()
        restore_training_state(self.model, checkpoint)
        return checkpoint

    def _problem_of(self, checkpoint: Checkpoint) -> str | None:
        """Why this training cannot go on from a checkpoint that was read, or `None`."""
        metadata = checkpoint.metadata
        if set(metadata) != set(_METADATA):
            return f"its metadata lacks or has too much: {', '.join(sorted(set(metadata) ^ set(_METADATA)))}"
        if metadata["steps_per_epoch"] != self.steps:
            return f"was written with {metadata['steps_per_epoch']} batches an epoch, the data now makes {self.steps}"
        origin = Origin.from_json(metadata["origin"])
        if origin is None or origin.files != self.run_directory.origin.files:
            return "was written with other data"
        try:
            progress = self._bookkeeping(checkpoint)
        except ValueError as error:
            return str(error)
        if checkpoint.path != self.store.path_of(progress.epoch * self.steps + progress.batch):
            return f"holds epoch {progress.epoch} and batch {progress.batch}, which its name does not say"
        return misfit_of_training_state(self.model, checkpoint)

    def _bookkeeping(self, checkpoint: Checkpoint) -> Bookkeeping:
        return Bookkeeping.from_json(
            checkpoint.metadata.get("progress"),
            epochs=self.settings.epochs,
            steps=self.steps,
            monitor=self.settings.monitor,
        )

    def best(self) -> Checkpoint:
        """The best weights so far.

        Raises:
            RunError: if they are lost.
        """
        skipped: list[str] = []
        best = self.store.best(self._problem_of_best, skipped.append)
        if best is None:
            reason = skipped[0] if skipped else f"{self.store.best_path}: is lost"
            raise RunError(f"{reason}; put a copy of it back, or start anew in another run directory")
        for message in skipped:
            notify(f"{message}; taking {best.path.name}")
        return best

    def _problem_of_best(self, best: Checkpoint) -> str | None:
        progress, epoch, scores = self.progress, best.metadata.get("epoch"), best.metadata.get("scores")
        # One of a later epoch was written just before a kill: that epoch is repeated, and comes to the same.
        if epoch != progress.best_epoch and not (type(epoch) is int and epoch > progress.epoch):
            return f"holds the weights of epoch {epoch!r}, the best epoch is {progress.best_epoch}"
        if not isinstance(scores, dict) or not all(type(score) is float for score in scores.values()):
            return "its scores are no numbers"
        return misfit_of_inference_state(self.model, best)
