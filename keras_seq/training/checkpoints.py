"""Checkpoints: all that decides how a training goes on, in files that a crash or a full disk cannot spoil."""

import json
import os
import re
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import keras
import numpy as np
from keras import ops

from keras_seq.core.digests import digest_of_arrays
from keras_seq.core.errors import RunError
from keras_seq.core.files import atomic_write, remove_leftovers
from keras_seq.core.reading import read_arrays
from keras_seq.training.optimizers import averaged_weights

_METADATA, _CHECKSUM = "metadata", "checksum"


class Checkpoint(NamedTuple):
    """What a checkpoint file holds."""

    arrays: dict[str, np.ndarray]
    metadata: dict[str, Any]
    path: Path


# How many checkpoints are kept: the newest one, and one more in case that it cannot be read.
_KEPT = 2


class CheckpointStore:
    """A folder of checkpoints, of which the last two are kept, and the best weights, in two equal files.

    Each file is a `.npz` of plain arrays (nothing is pickled), a JSON text, and the SHA-256 of both. It is written
    beside its place, synced to the disk, and renamed: a kill or a full disk at any moment leaves the files before it
    whole. An older checkpoint is removed only after as many newer ones stand as are kept; what cannot be read does
    not count as one.

    Args:
        directory: The folder; made when missing. What a kill in the middle of a write has left in it is removed, but
            never what another process is writing.

    Example:

    >>> import tempfile
    >>> store = CheckpointStore(tempfile.mkdtemp())
    >>> for step in (10, 20, 30):
    ...     _ = store.save({"weight": np.full(2, step)}, {"epoch": 1}, step=step)
    >>> store.latest().arrays["weight"].tolist(), len(store.paths())
    ([30, 30], 2)
    """

    def __init__(self, directory: str | os.PathLike):
        self.directory = Path(directory)
        # Of files that were found whole: what tells that they have not been touched since.
        self._whole: dict[Path, tuple[int, ...]] = {}
        self.directory.mkdir(parents=True, exist_ok=True)
        remove_leftovers(self.directory)

    @property
    def best_path(self) -> Path:
        """The file of the best weights."""
        return self.directory / "best.npz"

    @property
    def best_copy_path(self) -> Path:
        """The second file of the best weights: training again would be needed to get them back."""
        return self.directory / "best-copy.npz"

    def paths(self) -> list[Path]:
        """The checkpoint files, oldest step first."""
        found = [path for path in self.directory.iterdir() if re.fullmatch(r"step-\d{10,}\.npz", path.name)]
        return sorted(found, key=_step)

    def path_of(self, step: int) -> Path:
        """The file of a checkpoint after so many steps."""
        return self.directory / f"step-{step:010d}.npz"

    def save(self, arrays: Mapping[str, np.ndarray], metadata: Mapping[str, Any], *, step: int) -> Path:
        """Write a checkpoint and remove the oldest ones.

        Files of a later step are not those that this training goes on from: a damaged one is removed, a whole one gets
        the ending `.aside`.

        Args:
            arrays: Flat names and arrays.
            metadata: What JSON can hold.
            step: The number of the training step, part of the file name.

        Returns:
            The file.

        Raises:
            RunError: if it cannot be written (a full disk, for instance); the checkpoints before it stand.
        """
        path = self.path_of(step)
        self._write(path, arrays, metadata)
        self._whole[path] = _stamp(path)
        kept = 0
        for old in reversed(self.paths()):
            is_whole = self._is_whole(old)
            if is_whole is None:
                # Maybe it can be read tomorrow: it neither counts nor goes.
                continue
            if not is_whole:
                old.unlink(missing_ok=True)
            elif _step(old) > step:
                old.replace(_aside(old))
            elif kept >= _KEPT:
                old.unlink(missing_ok=True)
            else:
                kept += 1
        return path

    def latest(
        self,
        problem_of: Callable[[Checkpoint], str | None] = lambda checkpoint: None,
        on_skipped: Callable[[str], None] = lambda message: None,
    ) -> Checkpoint | None:
        """The newest checkpoint that can be read and used, or `None`.

        Args:
            problem_of: Says why a checkpoint that was read cannot be used, or `None`.
            on_skipped: Called for each file that is passed over, with its name and the reason in one line.
        """
        for path in reversed(self.paths()):
            checkpoint = self._usable(path, problem_of, on_skipped)
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
            RunError: as for `save`.
        """
        for path in (self.best_path, self.best_copy_path):
            self._write(path, arrays, metadata)
        return self.best_path

    def best(
        self,
        problem_of: Callable[[Checkpoint], str | None] = lambda checkpoint: None,
        on_skipped: Callable[[str], None] = lambda message: None,
    ) -> Checkpoint | None:
        """The best weights, or `None` when there are none yet or they cannot be read and used; as `latest`."""
        for path in (self.best_path, self.best_copy_path):
            checkpoint = self._usable(path, problem_of, on_skipped) if os.path.lexists(path) else None
            if checkpoint is not None:
                return checkpoint
        return None

    def _usable(
        self, path: Path, problem_of: Callable[[Checkpoint], str | None], on_skipped: Callable[[str], None]
    ) -> Checkpoint | None:
        try:
            checkpoint = _read(path)
            self._whole[path] = _stamp(path)
            problem = problem_of(checkpoint)
        except ValueError as error:
            problem = str(error)
        if problem is None:
            return checkpoint
        on_skipped(f"{path}: {problem}")
        return None

    def _is_whole(self, path: Path) -> bool | None:
        """Whether a file is whole; `None` when the system cannot tell."""
        try:
            stamp = _stamp(path)
            if self._whole.get(path) != stamp:
                _read(path)
                self._whole[path] = stamp
        except ValueError as error:
            return None if isinstance(error.__cause__, (OSError, MemoryError)) else False
        except OSError:
            return None
        return True

    def _write(self, path: Path, arrays: Mapping[str, np.ndarray], metadata: Mapping[str, Any]) -> None:
        for name in (_METADATA, _CHECKSUM):
            if name in arrays:
                raise ValueError(f"`arrays` must not hold the name {name!r}. Received: {sorted(arrays)}. Rename it.")
        text = np.frombuffer(json.dumps(dict(metadata)).encode(), dtype=np.uint8)
        content = {_METADATA: text, **{name: np.asarray(array) for name, array in arrays.items()}}
        checksum = np.frombuffer(bytes.fromhex(digest_of_arrays(content)), dtype=np.uint8)
        try:
            if os.path.lexists(path) and not path.is_file():
                # A folder, for instance: it must not end the training.
                path.replace(_aside(path))
            with atomic_write(path) as file:
                np.savez(file, allow_pickle=False, **content, **{_CHECKSUM: checksum})
        except OSError as error:
            raise RunError(
                f"{path}: cannot be written ({error.strerror or error}); the checkpoints before it are whole: "
                "make room, then go on with --resume"
            ) from error


def _aside(path: Path) -> Path:
    return path.with_name(f"{path.name}.aside")


def _step(path: Path) -> int:
    return int(path.stem.removeprefix("step-"))


def _stamp(path: Path) -> tuple[int, ...]:
    found = path.stat()
    return found.st_ino, found.st_size, found.st_mtime_ns


def _read(path: Path) -> Checkpoint:
    """Read a file whose content has its checksum.

    Raises:
        ValueError: if it is damaged, or cannot be read (then an `OSError` or `MemoryError` is the cause); with the
            reason.
    """
    try:
        arrays = read_arrays(path)
    except OSError as error:
        raise ValueError(f"cannot be read ({error.strerror or error})") from error
    if _METADATA not in arrays or _CHECKSUM not in arrays:
        raise ValueError(f"holds no {_CHECKSUM if _METADATA in arrays else _METADATA}: no checkpoint of this version")
    checksum = arrays.pop(_CHECKSUM)
    if checksum.tobytes().hex() != digest_of_arrays(arrays):
        raise ValueError("its content does not have its checksum")
    try:
        metadata = json.loads(arrays.pop(_METADATA).tobytes())
    except (ValueError, RecursionError) as error:
        raise ValueError("its metadata is not JSON") from error
    if not isinstance(metadata, dict):
        raise ValueError("its metadata is no JSON object")
    return Checkpoint(arrays, metadata, path)


def training_state(model: keras.Model) -> dict[str, np.ndarray]:
    """All variables that decide how training goes on: weights, random-number state, optimizer, metrics.

    Args:
        model: A compiled model whose optimizer and metrics are built.

    Returns:
        Flat names (group, position, path) and arrays.
    """
    return {name: _numpy(variable) for name, variable in _state_variables(model)}


def misfit_of_training_state(model: keras.Model, checkpoint: Checkpoint) -> str | None:
    """Why `restore_training_state` would refuse a checkpoint, or why training cannot go on from it; else `None`."""
    problem = _misfit(_state_variables(model), checkpoint)
    if problem is None:
        for name, array in checkpoint.arrays.items():
            if name.startswith("trainable.") and not np.isfinite(array).all():
                return f"the variable {name} is not finite"
    return problem


def misfit_of_inference_state(model: keras.Model, checkpoint: Checkpoint) -> str | None:
    """Why `restore_inference_state` would refuse a checkpoint; else `None`."""
    return _misfit(_named("weights", model.weights), checkpoint)


def restore_training_state(model: keras.Model, checkpoint: Checkpoint) -> None:
    """Assign what `training_state` collected.

    Args:
        model: A model built and compiled as the one that was saved.
        checkpoint: The checkpoint.

    Raises:
        RunError: if names or shapes are not those of the model; the model is then left as it was.
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
        RunError: as for `restore_training_state`.
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
    problem = _misfit(named, checkpoint)
    if problem is not None:
        raise RunError(f"{checkpoint.path}: {problem}; resume with the recipe, data and version that wrote it")
    for name, variable in named:
        variable.assign(checkpoint.arrays[name])


def _misfit(named: list[tuple[str, keras.Variable]], checkpoint: Checkpoint) -> str | None:
    expected = {name: _kind(variable.dtype, variable.shape) for name, variable in named}
    found = {name: _kind(array.dtype, array.shape) for name, array in checkpoint.arrays.items()}
    for name in [*expected, *(name for name in found if name not in expected)]:
        if expected.get(name) != found.get(name):
            wanted, given = (kinds.get(name, "none") for kinds in (expected, found))
            return f"does not fit the model: variable {name} is {wanted} in the model and {given} in the file"
    return None


def _kind(dtype: Any, shape: Sequence[int]) -> str:
    # As `_numpy` writes it.
    name = "float32" if str(dtype) == "bfloat16" else str(dtype)
    return f"{name} of shape {tuple(shape)}"
