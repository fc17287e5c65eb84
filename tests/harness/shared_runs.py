"""What is costly and the same for many tests is made once in a run of the tests, whichever worker asks first."""

import fcntl
import json
import os
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest


class SharedFolder:
    """A folder that all workers of one run of the tests share; what is in it is made once, under a lock."""

    def __init__(self, path: Path):
        self.path = path
        path.mkdir(parents=True, exist_ok=True)

    def once(self, name: str, make: Callable[[Path], object]) -> Path:
        """The folder `name`, filled by `make(folder)` if no worker has done so.

        Another worker that asks meanwhile waits. When `make` fails, the next one who asks begins anew.
        """
        folder, done = self.path / name, self.path / f"{name}.done"
        folder.parent.mkdir(parents=True, exist_ok=True)
        with (self.path / f"{name}.lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            if not done.exists():
                shutil.rmtree(folder, ignore_errors=True)
                folder.mkdir()
                make(folder)
                done.touch()
        return folder

    def trained(self, name: str, recipe: Any) -> tuple[Path, dict]:
        """The run directory of a recipe and its metrics, as `train` returns them; the training is done once."""
        from keras_seq.tasks import train

        path = self.once(name, lambda folder: train(recipe, folder / "run", quiet=True)) / "run"
        return path, json.loads((path / "metrics.json").read_text("utf-8"))


def shared_folder_of(tmp_path_factory: pytest.TempPathFactory) -> SharedFolder:
    """That of this run: beside the temporary folders of the workers."""
    folder = tmp_path_factory.getbasetemp()
    if "PYTEST_XDIST_WORKER" in os.environ:
        folder = folder.parent
    return SharedFolder(folder / "shared")
