"""The settings of a trained model: of which class they are, and from which file they are read."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any, ClassVar

from keras_seq.core.errors import DataError, RunError
from keras_seq.export import TaskFile
from keras_seq.export.json_settings import JSONSettings
from keras_seq.export.task_file import TASK_FILE


class StoredSettings:
    """What reads its settings from `task.json`, or from the files that version 0.1.0 wrote."""

    task: ClassVar[str]
    """The name of the task in recipes, and of the family in `task.json`."""
    settings_class: ClassVar[type[JSONSettings]] = JSONSettings
    """The dataclass of its settings."""
    legacy_files: ClassVar[tuple[str, ...]] = ()
    """What version 0.1.0 wrote in the place of `task.json`, and by which a SavedModel of this task is told."""

    @classmethod
    def read_settings(cls, folder: Path) -> Any:
        """The settings of a model, from the folder of the Keras model or from the assets of a SavedModel.

        Raises:
            InputError: if they are missing, damaged, or of another task.
        """
        path = folder / TASK_FILE
        if os.path.lexists(path):
            file = TaskFile.read(path)
            if file.family != cls.task:
                raise DataError(path, None, f"is of a {file.family}, not of a {cls.task}", "put the original back")
            return cls.settings_class.from_dict(file.settings, path)
        if not cls.is_legacy(folder):
            raise RunError(f"{folder}: holds no {TASK_FILE}; name a model that `keras-seq` has trained or exported")
        return cls._legacy_settings(folder)

    @classmethod
    def is_legacy(cls, folder: Path) -> bool:
        """Whether a folder holds the files that version 0.1.0 wrote for this task."""
        return bool(cls.legacy_files) and all((folder / name).is_file() for name in cls.legacy_files)

    @classmethod
    def _legacy_settings(cls, folder: Path) -> Any:
        """The settings that stand in `legacy_files`.

        Raises:
            InputError: if a file is damaged.
        """
        raise NotImplementedError(f"{cls.__name__} names legacy_files, and does not read them")
