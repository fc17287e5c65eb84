"""Checkpoints: all that decides how a training goes on, in files that a crash or a full disk cannot spoil."""

import json
import os
import re
import zipfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import keras
import numpy as np
from keras import ops

from keras_seq.core.errors import RunError
from keras_seq.core.files import atomic_write
from keras_seq.training.optimizers import averaged_weights

_METADATA = "metadata"


class Checkpoint(NamedTuple):
    """What a checkpoint file holds."""

    arrays: dict[str, np.ndarray]
    metadata: dict[str, Any]
    path: Path


class CheckpointStore:
    """A folder of checkpoints, of which the last few are kept, and one file of the best weights.

    Each file is a `.npz` of plain arrays (nothing is pickled) and a JSON text. It is written beside its place, synced
    to the disk, and renamed: a kill or a full disk at any moment leaves the files before it whole. An older checkpoint
    is removed only after a newer one stands.

    Args:
        directory: The folder; made when missing.
        keep: How many checkpoints to keep.

    Example:

    >>> import tempfile
    >>> store = CheckpointStore(tempfile.mkdtemp())
    >>> for step in (10, 20, 30):
    ...     _ = store.save({"weight": np.full(2, step)}, {"epoch": 1}, step=step)
    >>> store.latest().arrays["weight"].tolist(), len(store.paths())
    ([30, 30], 2)
    """

    def __init__(self, directory: str | os.PathLike, keep: int = 2):
        if keep < 1:
            raise ValueError(f"`keep` must be a positive integer. Received: keep={keep}. Pass 1 or more.")
        self.directory = Path(directory)
        self.keep = keep
        self.directory.mkdir(parents=True, exist_ok=True)
        # What a kill in the middle of a write has left.
        for leftover in self.directory.glob(".*.tmp"):
            leftover.unlink(missing_ok=True)

    @property
    def best_path(self) -> Path:
        """The file of the best weights."""
        return self.directory / "best.npz"

    def paths(self) -> list[Path]:
        """The checkpoint files, oldest step first."""
        return sorted(path for path in self.directory.iterdir() if re.fullmatch(r"step-\d{10,}\.npz", path.name))

    def save(self, arrays: Mapping[str, np.ndarray], metadata: Mapping[str, Any], *, step: int) -> Path:
        """Write a checkpoint and remove the oldest ones.

        Args:
            arrays: Flat names and arrays.
            metadata: What JSON can hold.
            step: The number of the training step, part of the file name.

        Returns:
            The file.

        Raises:
            RunError: When it cannot be written (a full disk, for instance); the checkpoints before it stand.
        """
        path = self.directory / f"step-{step:010d}.npz"
        self._write(path, arrays, metadata)
        for old in self.paths()[: -self.keep]:
            old.unlink(missing_ok=True)
        return path

    def latest(self) -> Checkpoint | None:
        """The newest checkpoint that can be read, or `None`."""
        for path in reversed(self.paths()):
            checkpoint = _read(path)
            if checkpoint is not None:
                return checkpoint
        return None

    def save_best(self, arrays: Mapping[str, np.ndarray], metadata: Mapping[str, Any]) -> Path:
        """Write the best weights, in the place of those before.

        Args:
            arrays: Flat names and arrays.
            metadata: What JSON can hold.

        Returns:
            The file.

        Raises:
            RunError: As for `save`.
        """
        self._write(self.best_path, arrays, metadata)
        return self.best_path

    def best(self) -> Checkpoint | None:
        """The best weights, or `None` when there are none yet or they cannot be read."""
        return _read(self.best_path)

    def _write(self, path: Path, arrays: Mapping[str, np.ndarray], metadata: Mapping[str, Any]) -> None:
        if _METADATA in arrays:
            raise ValueError(f"`arrays` must not hold the name {_METADATA!r}. Received: {sorted(arrays)}. Rename it.")
        text = np.frombuffer(json.dumps(dict(metadata)).encode(), dtype=np.uint8)
        try:
            with atomic_write(path) as file:
                np.savez(file, allow_pickle=False, **{_METADATA: text}, **arrays)
        except OSError as error:
            raise RunError(
                f"{path}: cannot be written ({error.strerror or error}); the checkpoints before it are whole: "
                "make room, then go on with --resume"
            ) from error


def _read(path: Path) -> Checkpoint | None:
    try:
        # Opened here: NumPy leaves a broken file open.
        with open(path, "rb") as opened, np.load(opened, allow_pickle=False) as file:
            arrays = {name: file[name] for name in file.files}
        return Checkpoint(arrays, json.loads(arrays.pop(_METADATA).tobytes()), path)
    except (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile, NotImplementedError):
        # NumPy and zipfile tell a broken file in any of these ways; an older checkpoint then has its turn.
        return None


def training_state(model: keras.Model) -> dict[str, np.ndarray]:
    """All variables that decide how training goes on: weights, random-number state, optimizer, metrics.

    Args:
        model: A compiled model whose optimizer and metrics are built.

    Returns:
        Flat names (group, position, path) and arrays.
    """
    return {name: _numpy(variable) for name, variable in _state_variables(model)}


def restore_training_state(model: keras.Model, checkpoint: Checkpoint) -> None:
    """Assign what `training_state` collected.

    Args:
        model: A model built and compiled as the one that was saved.
        checkpoint: The checkpoint.

    Raises:
        RunError: When names or shapes are not those of the model; the model is then left as it was.
    """
    _assign(_state_variables(model), checkpoint)


def inference_state(model: keras.Model) -> dict[str, np.ndarray]:
    """The weights that predictions need; the averaged ones where the optimizer keeps averages.

    Args:
        model: A compiled model.

    Returns:
        Flat names and arrays.
    """
    with averaged_weights(model):
        return {name: _numpy(variable) for name, variable in _named("weights", model.weights)}


def restore_inference_state(model: keras.Model, checkpoint: Checkpoint) -> None:
    """Assign what `inference_state` collected.

    Args:
        model: A model built as the one that was saved.
        checkpoint: The checkpoint.

    Raises:
        RunError: As for `restore_training_state`.
    """
    _assign(_named("weights", model.weights), checkpoint)


def _state_variables(model: keras.Model) -> list[tuple[str, keras.Variable]]:
    return [
        *_named("trainable", model.trainable_variables),
        *_named("non_trainable", model.non_trainable_variables),
        *_named("optimizer", model.optimizer.variables),
        *_named("metrics", model.metrics_variables),
    ]


def _named(group: str, variables: Sequence[keras.Variable]) -> list[tuple[str, keras.Variable]]:
    # `dense_3` is the third dense layer that the process has made: the number says nothing about the model.
    named = []
    for position, variable in enumerate(variables):
        name = re.sub(r"_\d+(?=[/_]|$)", "", variable.path).replace("/", ".")
        named.append((f"{group}.{position:04d}.{name}", variable))
    return named


def _numpy(variable: keras.Variable) -> np.ndarray:
    value = np.array(ops.convert_to_numpy(variable.value))
    # bfloat16 is no NumPy type of its own: a `.npz` would give it back as raw bytes.
    return value.astype("float32") if str(variable.dtype) == "bfloat16" else value


def _assign(named: list[tuple[str, keras.Variable]], checkpoint: Checkpoint) -> None:
    expected = {name: tuple(variable.shape) for name, variable in named}
    found = {name: array.shape for name, array in checkpoint.arrays.items()}
    if expected != found:
        names = [*expected, *(name for name in found if name not in expected)]
        name = next(name for name in names if expected.get(name) != found.get(name))
        raise RunError(
            f"{checkpoint.path}: does not fit the model: variable {name} has shape {expected.get(name, 'none')} in the "
            f"model and {found.get(name, 'none')} in the file; resume with the recipe, data and version that wrote it"
        )
    for name, variable in named:
        variable.assign(checkpoint.arrays[name])
