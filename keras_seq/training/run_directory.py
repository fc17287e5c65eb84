"""The run directory: what `train` writes, and what `evaluate`, `predict`, `export` and `--resume` read."""

import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Self

from keras_seq.core.errors import RecipeError, RunError
from keras_seq.core.files import atomic_write
from keras_seq.training.recipe import Recipe


class RunDirectory:
    """The files of one training.

    ```
    recipe.toml     the recipe with all values, defaults and overrides included
    metrics.json    the scores at the end
    model.keras     the trained model
    checkpoints/    the last two checkpoints, and best.npz
    tensorboard/    event files
    ```

    Make a new one with `create`, go on in one with `resume`, read a finished one with `RunDirectory(path)`.

    Args:
        path: The folder of an existing run.

    Raises:
        RunError: When it holds no `recipe.toml`.
    """

    def __init__(self, path: str | os.PathLike):
        self.path = Path(path)
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
    def model_path(self) -> Path:
        """The trained model."""
        return self.path / "model.keras"

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
        return Recipe.load(self.recipe_path)

    @staticmethod
    def check_free(path: str | os.PathLike) -> None:
        """Raise unless a run may begin in a folder, which is not made.

        Raises:
            RunError: When the folder holds something, or is a file.
        """
        path = Path(path)
        if path.exists() and not path.is_dir():
            raise RunError(f"{path}: is a file, not a folder; name another run directory")
        if path.is_dir() and any(not _is_leftover(entry) for entry in path.iterdir()):
            raise RunError(f"{path}: is not empty; go on with --resume, or name another run directory")

    @classmethod
    def create(cls, path: str | os.PathLike, recipe: Recipe) -> Self:
        """Start a run in a new or empty folder.

        Args:
            path: The folder; parents are made.
            recipe: The recipe with all overrides.

        Returns:
            The run directory, with `recipe.toml` in it.

        Raises:
            RunError: When the folder holds something; it is left untouched.
        """
        cls.check_free(path)
        path = Path(path)
        path.mkdir(parents=True, exist_ok=True)
        recipe.save(path / "recipe.toml")
        return cls(path)

    @classmethod
    def resume(cls, path: str | os.PathLike, recipe: Recipe) -> Self:
        """Go on in a run that was stopped.

        Args:
            path: The folder of the run.
            recipe: The recipe with all overrides; it must be the one that the run was started with.

        Returns:
            The run directory.

        Raises:
            RunError: When there is no run, or one of another task or recipe; it is left untouched.
        """
        path = Path(path)
        if not path.is_dir():
            raise RunError(f"{path}: no such run to resume; leave out --resume to start it")
        if not any(not _is_leftover(entry) for entry in path.iterdir()):
            # Killed before the recipe was written.
            return cls.create(path, recipe)
        run = cls(path)
        try:
            started = run.recipe
        except RecipeError as error:
            raise RunError(f"{error} (the run cannot be resumed: name another run directory)") from None
        if started.task != recipe.task:
            raise RunError(
                f"{path}: is a run of task {started.task!r}, the recipe is of task {recipe.task!r}; "
                "name another run directory"
            )
        difference = started.first_difference(recipe)
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
            RunError: When it cannot be written.
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
            RunError: When the run has not ended, or the file is broken.
        """
        try:
            return json.loads(self.metrics_path.read_bytes())
        except FileNotFoundError:
            raise RunError(f"{self.path}: the run has not ended (no metrics.json); finish it with --resume") from None
        except ValueError as error:
            raise RunError(f"{self.metrics_path}: is not JSON ({error}); train again") from None


def _is_leftover(entry: Path) -> bool:
    return entry.name.startswith(".") and entry.name.endswith(".tmp")


def _shown(value: Any) -> str:
    return "nothing" if value is None else repr(value)
