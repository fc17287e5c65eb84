"""From a recipe to a run directory: read, train, score, keep."""

from __future__ import annotations

import contextlib
import datetime
import platform
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import keras

from keras_seq.core.errors import InputError
from keras_seq.core.machine import describe_processor
from keras_seq.core.notices import notify
from keras_seq.data import find_data
from keras_seq.data.description import tell
from keras_seq.tasks.registry import Family, family_named
from keras_seq.training import (
    CheckpointStore,
    Origin,
    Recipe,
    RunDirectory,
    show_work,
)
from keras_seq.training.checkpoints import Checkpoint

# The files of a recipe that are told of.
SPLITS = ("train", "validation", "test")


def train(
    recipe: Recipe,
    run_directory: str | Path,
    *,
    resume: bool = False,
    quiet: bool = False,
    data_directory: str | Path | None = None,
) -> dict[str, Any]:
    """Train what a recipe describes, score it, and leave all of it in a run directory.

    The run directory then holds `recipe.toml` (resolved), `model.keras` and what else `keras_seq.load` needs,
    `metrics.json`, `checkpoints/` and `tensorboard/`. The files are read and checked before it is made.

    Args:
        recipe: the recipe, with all overrides.
        run_directory: a new or empty folder; with `resume` that of a run that was stopped.
        resume: whether to go on. A run that was killed and resumed ends with the numbers of one that was not: with
            other data, or another backend, it is refused; other versions of packages are told of. The files may stand
            elsewhere by now. A run that has ended is left as it is.
        quiet: whether to hide the progress display.
        data_directory: where data sets lie; by default `KERAS_SEQ_DATA`, then the cache.

    Returns:
        What `metrics.json` holds: `validation` and, where the recipe names a test file, `test` scores, the best epoch,
        seconds, parameters, seed and versions.

    Raises:
        InputError: if the recipe, a file or the run directory is not fit for it, or another process trains there.
        TrainingInterrupted: after Ctrl-C or SIGTERM, with a checkpoint to resume from.
    """
    family = family_named(recipe.task)
    folder = Path(run_directory)
    if resume and (folder / "metrics.json").exists():
        run = RunDirectory.resume(folder, recipe, may_move=recipe.file_keys())
        # Nothing is trained: it may be that its data is gone by now.
        with contextlib.suppress(InputError):
            paths = _paths(recipe, data_directory)
            run.origin = Origin.of(paths, versions(), keras.backend.backend())
        if run.origin.files:
            _check_origin(run, paths)
        return run.read_metrics()
    with RunDirectory.lock(folder, resume=resume):
        return _train(family, recipe, folder, resume, quiet, data_directory)


def _train(
    family: Family, recipe: Recipe, folder: Path, resume: bool, quiet: bool, data_directory: str | Path | None
) -> dict[str, Any]:
    run: RunDirectory | None = None
    if resume:
        run = RunDirectory.resume(folder, recipe, may_move=recipe.file_keys())
    else:
        RunDirectory.check_free(folder)
    paths = _paths(recipe, data_directory)
    # Before the files are read for training: a file that is changed meanwhile is then another one.
    origin = Origin.of(paths, versions(), keras.backend.backend())
    if run is not None:
        run.origin = origin
        _check_origin(run, paths)
        if run.recipe != recipe:
            # The files have moved.
            recipe.save(run.recipe_path)
    data_paths = {key.removeprefix("data."): path for key, path in paths.items() if key.startswith("data.")}
    with show_work("word vectors", quiet=quiet) as on_progress:
        training = family.training(recipe, data_paths, data_directory, on_progress).prepare()
    for path in dict.fromkeys(data_paths[split] for split in SPLITS if split in data_paths):
        tell(training.describe(path), quiet)
    run = run or RunDirectory.create(folder, recipe, origin)
    result = training.fit(run, resume=resume, quiet=quiet)
    training.task.save(run.path)
    metrics: dict[str, Any] = {
        "task": recipe.task,
        "name": recipe.name,
        "seed": recipe.seed,
        **training.final_scores(),
        "best_epoch": result.best_epoch,
        "epochs": len(result.history),
        "stopped_early": result.stopped_early,
        "training_seconds": result.seconds,
        "date": datetime.datetime.now(datetime.UTC).date().isoformat(),
        "cpu": describe_processor(),
        "parameters": training.num_parameters,
        "versions": versions(),
        "history": result.history,
    }
    run.write_metrics(metrics)
    return metrics


def _paths(recipe: Recipe, data_directory: str | Path | None) -> dict[str, Path]:
    """All files that a training reads, by the key of the recipe that names them."""
    return {key: find_data(reference, data_directory) for key, reference in recipe.files().items()}


def _check_origin(run: RunDirectory, paths: Mapping[str, Path]) -> None:
    """Compare what a run is resumed with and what its newest checkpoint was written with.

    Raises:
        RunError: if a run with both would come to other numbers.
    """
    if not run.checkpoints_path.is_dir():
        return

    def problem_of(checkpoint: Checkpoint) -> str | None:
        return None if Origin.from_json(checkpoint.metadata.get("origin")) else "does not say where it comes from"

    # What cannot be used is told of when the training goes on.
    newest = CheckpointStore(run.checkpoints_path).latest(problem_of)
    origin = None if newest is None else Origin.from_json(newest.metadata["origin"])
    if origin is not None:
        messages = origin.check_same(run.origin, paths, run.path)
        for message in messages if not run.metrics_path.exists() else ():
            notify(message)


def versions() -> dict[str, str]:
    """The versions that a score may depend on."""
    import keras_seq

    found = {"python": platform.python_version(), "keras": keras.__version__, "keras_seq": keras_seq.__version__}
    module = sys.modules.get(keras.backend.backend())
    if module is not None:
        found[keras.backend.backend()] = module.__version__
    return found
