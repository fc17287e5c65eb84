"""The run directory: what `train` writes, and what `evaluate`, `predict`, `export` and `--resume` read."""

import contextlib
import json
import os
from collections.abc import Collection, Iterator, Mapping
from pathlib import Path
from typing import Any, Self

from keras_seq.core.errors import DataError, RecipeError, RunError
from keras_seq.core.files import atomic_write, is_leftover, remove_leftovers
from keras_seq.core.locks import LOCK_FILE, exclusive_lock
from keras_seq.core.reading import read_json_object
from keras_seq.training.origin import Origin
from keras_seq.training.recipe import Recipe


class RunDirectory:
    """The files of one training.

    ```
    recipe.toml     the recipe with all values, defaults and overrides included
    metrics.json    the scores at the end
    model.keras     the trained model
    task.json       its family and settings
    manifest.json   the SHA-256 of the model and of the files that belong to it
    checkpoints/    the last two checkpoints, best.npz and a copy of it
    tensorboard/    event files
    ```

    Make a new one with `create`, go on in one with `resume`, both while `lock` is held; read one with
    `RunDirectory(path)`, whoever works in it.

    Args:
        path: The folder of an existing run.
        origin: What is kept in the checkpoints of the run.

    Raises:
        RunError: if it holds no `recipe.toml`.
    """

    def __init__(self, path: str | os.PathLike, origin: Origin | None = None):
        self.path = Path(path)
        self.origin = origin or Origin()
        if not self.recipe_path.is_file():
            raise RunError(f"{self.path}: is not a run directory (no recipe.toml); name one that `train` has written")

    @property
    def recipe_path(self) -> Path:
        """The resolved recipe."""
        return self.path / "recipe.toml"

    @property
    def metrics_path(self) -> Path:
        """The scores at the end; its presence says that the run is complete."""
        return self.path / "metrics.json"

    @property
    def checkpoints_path(self) -> Path:
        """The folder of checkpoints."""
        return self.path / "checkpoints"

    @property
    def tensorboard_path(self) -> Path:
        """The folder of event files."""
        return self.path / "tensorboard"

    @property
    def recipe(self) -> Recipe:
        """The resolved recipe, read anew."""
        return Recipe.load(self.recipe_path, stored=True)

    @staticmethod
    @contextlib.contextmanager
    def lock(path: str | os.PathLike, *, resume: bool = False) -> Iterator[None]:
        """Let nobody else train in a folder while the block runs; a process that is killed lets go of it.

        Args:
            path: The folder. A missing one is made, and removed at the end when nothing was written into it.
            resume: Whether it must exist.

        Raises:
            InputError: if a run in this folder is being trained, with the process that does it.
            RunError: if the path is a file, or there is no run to resume.
        """
        path = Path(path)
        if path.exists() and not path.is_dir():
            raise RunError(f"{path}: is a file, not a folder; name another run directory")
        if resume:
            _check_there(path)
        missing = [folder for folder in (path, *path.parents) if not folder.exists()]
        path.mkdir(parents=True, exist_ok=True)
        try:
            with exclusive_lock(path / LOCK_FILE, f"{path}: is being trained"):
                remove_leftovers(path)
                yield
        finally:
            for folder in missing:
                # Who holds something by now stays.
                with contextlib.suppress(OSError):
                    folder.rmdir()

    @staticmethod
    def check_free(path: str | os.PathLike) -> None:
        """Raise unless a run may begin in a folder, which is not made.

        Raises:
            RunError: if the folder holds something, or is a file.
        """
        path = Path(path)
        if path.exists() and not path.is_dir():
            raise RunError(f"{path}: is a file, not a folder; name another run directory")
        if path.is_dir() and not _is_empty(path):
            raise RunError(f"{path}: is not empty; go on with --resume, or name another run directory")

    @classmethod
    def create(cls, path: str | os.PathLike, recipe: Recipe, origin: Origin | None = None) -> Self:
        """Start a run in a new or empty folder.

        Args:
            path: The folder; parents are made.
            recipe: The recipe with all overrides.
            origin: As of the class.

        Returns:
            The run directory, with `recipe.toml` in it.

        Raises:
            RunError: if the folder holds something; it is left untouched.
        """
        cls.check_free(path)
        path = Path(path)
        path.mkdir(parents=True, exist_ok=True)
        recipe.save(path / "recipe.toml")
        return cls(path, origin)

    @classmethod
    def resume(
        cls,
        path: str | os.PathLike,
        recipe: Recipe,
        origin: Origin | None = None,
        *,
        may_move: Collection[str] = (),
    ) -> Self:
        """Go on in a run that was stopped.

        Args:
            path: The folder of the run.
            recipe: The recipe with all overrides; it must be the one that the run was started with.
            origin: As of the class.
            may_move: Keys of the recipe that name files: these may stand elsewhere by now. Their content is not
                looked at here.

        Returns:
            The run directory.

        Raises:
            RunError: if there is no run, or one of another task or recipe; it is left untouched.
        """
        path = Path(path)
        _check_there(path)
        if _is_empty(path):
            # Killed before the recipe was written.
            return cls.create(path, recipe, origin)
        run = cls(path, origin)
        try:
            started = run.recipe
        except RecipeError as error:
            raise RunError(f"{error} (the run cannot be resumed: name another run directory)") from None
        if started.task != recipe.task:
            raise RunError(
                f"{path}: is a run of task {started.task!r}, the recipe is of task {recipe.task!r}; "
                "name another run directory"
            )
        difference = started.first_difference(recipe, may_move)
        if difference is not None:
            key, old, new = difference
            raise RunError(
                f"{path}: was started with {key} = {_shown(old)}, the recipe now says {_shown(new)}; "
                "resume with the recipe and options it was started with, or name another run directory"
            )
        return run

    def write_metrics(self, metrics: Mapping[str, Any]) -> None:
        """Write `metrics.json`; it appears whole or not at all.

        Args:
            metrics: What JSON can hold.

        Raises:
            RunError: if it cannot be written.
        """
        try:
            with atomic_write(self.metrics_path) as file:
                file.write((json.dumps(dict(metrics), indent=2, ensure_ascii=False) + "\n").encode())
        except OSError as error:
            raise RunError(
                f"{self.metrics_path}: cannot be written ({error.strerror or error}); make room, then --resume"
            ) from error

    def read_metrics(self) -> dict[str, Any]:
        """Read `metrics.json`.

        Returns:
            What `write_metrics` wrote.

        Raises:
            RunError: if the run has not ended, or the file is broken.
        """
        if not self.metrics_path.exists():
            raise RunError(f"{self.path}: the run has not ended (no metrics.json); finish it with --resume")
        try:
            return read_json_object(self.metrics_path, "train again")
        except DataError as error:
            raise RunError(str(error)) from None


def _check_there(path: Path) -> None:
    if not path.is_dir():
        raise RunError(f"{path}: no such run to resume; leave out --resume to start it")


def _is_empty(path: Path) -> bool:
    return all(is_leftover(entry) or entry.name == LOCK_FILE for entry in path.iterdir())


def _shown(value: Any) -> str:
    return "nothing" if value is None else repr(value)
