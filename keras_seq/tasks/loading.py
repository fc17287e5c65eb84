"""Find a trained model by name or folder."""

from __future__ import annotations

import difflib
import os
from pathlib import Path
from typing import Any

from keras_seq.core.directories import restore_directories, restore_directory
from keras_seq.core.errors import InputError
from keras_seq.export import SavedServed, TaskFile, find_saved_model, latest_version
from keras_seq.export.manifest import check_complete
from keras_seq.export.task_file import TASK_FILE, read_settings
from keras_seq.tasks.model_folders import model_folders
from keras_seq.tasks.registry import family_named, family_names
from keras_seq.tasks.trained_task import KerasTask
from keras_seq.training import Recipe, RunDirectory


def load(run_or_model: str | os.PathLike) -> Any:
    """Load a trained model.

    Args:
        run_or_model: a run directory that `keras-seq train` has written; a SavedModel (its version folder, or the
            folder of all versions, of which the newest is taken); or the name of a model in the folder that
            `KERAS_SEQ_MODELS` names, in `./saved_models`, or in the `saved_models/` of a source checkout.

    Returns:
        A task, such as `keras_seq.families.Tagger` or `Classifier`: `predict`, `evaluate`; from a run directory also
        `export`.

    Raises:
        InputError: if there is no such model; the message names the closest ones.

    Example:
        >>> import keras_seq
        >>> keras_seq.load("ner_pt").task  # doctest: +SKIP
        'tagger'
    """
    path = Path(run_or_model)
    restore_directory(path)
    if (path / "recipe.toml").is_file():
        recipe = RunDirectory(path).recipe
        return task_of(recipe, path).load(path, name=recipe.name)
    if (path / "saved_model.pb").is_file():
        name = path.resolve().parent.name if path.resolve().name.isdigit() else path.resolve().name
        return _load_saved_model(path, name)
    if path.is_dir():
        return _load_saved_model(find_saved_model(path), path.resolve().name)
    return load(find_model(str(run_or_model)))


def task_of(recipe: Recipe, source: str | os.PathLike) -> type[Any]:
    """The task of a recipe.

    Args:
        recipe: the recipe.
        source: what the message calls the run or model that it is of.

    Raises:
        InputError: if this version knows no such task.
    """
    try:
        return family_named(recipe.task).task
    except InputError as error:
        raise InputError(f"{source}: {error}") from None


def _load_saved_model(path: Path, name: str) -> KerasTask:
    """The task that the `task.json` of a SavedModel names; of version 0.1.0 that whose assets it has."""
    assets = path / "assets"
    task_file = assets / TASK_FILE
    if os.path.lexists(task_file):
        task = _task_named(TaskFile.read(task_file).family, task_file)
    else:
        check_complete(path)
        task = _legacy_task(path)
    return task(SavedServed(path, read_settings(assets, task.task, task.settings_class)), name)


def _task_named(name: str, source: Path) -> type[KerasTask]:
    try:
        task = family_named(name).task
    except InputError as error:
        raise InputError(f"{source}: {error}") from None
    if not issubclass(task, KerasTask):
        raise InputError(f"{source}: task {name!r} serves no functions; put the original back")
    return task


def _legacy_task(path: Path) -> type[KerasTask]:
    for name in family_names():
        try:
            task = family_named(name).task
        except InputError:
            continue  # of another package, which cannot be imported; version 0.1.0 knew those of this one
        if issubclass(task, KerasTask) and task.settings_class.is_legacy(path / "assets"):
            return task
    raise InputError(f"{path}: is not the SavedModel of a known task; name one that `keras-seq export` has written")


def find_model(name: str) -> Path:
    """The folder of a trained model, by its name.

    Raises:
        InputError: if there is none; the message names the closest ones.
    """
    known: dict[str, Path] = {}
    for folder in reversed(model_folders()):
        restore_directories(folder)
        known |= {path.name: path for path in folder.iterdir() if _is_model(path)}
    if name in known:
        return known[name]
    close = difflib.get_close_matches(name, known, n=3, cutoff=0.4) or sorted(known)
    hint = f"did you mean {' or '.join(close)}?" if close else "no trained models are at hand: set KERAS_SEQ_MODELS"
    raise InputError(f"{name}: is no run directory, SavedModel or trained model; {hint}")


def _is_model(path: Path) -> bool:
    # A name with a leading dot is what an export that was killed has left.
    return not path.name.startswith(".") and path.is_dir() and latest_version(path) is not None
