"""`task.json`: of which family a model is, and its settings; beside a Keras model and among the assets of an export."""

from __future__ import annotations

import dataclasses
import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Self

from keras_seq import __version__
from keras_seq.core.errors import DataError, InputError
from keras_seq.core.files import atomic_write
from keras_seq.core.reading import read_json_object
from keras_seq.export.json_settings import REMEDY, JSONSettings

TASK_FILE = "task.json"
# What this version writes, and the highest that it reads.
FORMAT = 1


@dataclasses.dataclass(frozen=True)
class TaskFile:
    """What stands in a `task.json`.

    In a SavedModel it is the last file that is written: where it stands, all others do.

    Args:
        family: the name of the task, as `keras_seq.tasks.family_named` knows it.
        settings: those of the family, as `JSONSettings.to_dict` gives them.
        keras_seq: the version of this package that wrote it.
    """

    family: str
    settings: Mapping[str, Any]
    keras_seq: str = __version__

    def content(self) -> str:
        """The text of the file."""
        values = {
            "format": FORMAT,
            "family": self.family,
            "keras_seq": self.keras_seq,
            "settings": dict(self.settings),
        }
        return json.dumps(values, indent=2, ensure_ascii=False) + "\n"

    def write(self, path: Path) -> None:
        """Write the file, wholly or not at all."""
        with atomic_write(path, "w") as file:
            file.write(self.content())

    @classmethod
    def read(cls, path: Path) -> Self:
        """Read a file. Unknown keys are passed over: a later version may have written them.

        Raises:
            DataError: if the file is missing or damaged.
            InputError: if a newer version of this package wrote it in a form that this one cannot read.
        """
        values = read_json_object(path, REMEDY)
        number = values.get("format")
        if isinstance(number, bool) or not isinstance(number, int) or number < 1:
            raise DataError(path, None, f"damaged (its `format` is no number but {number!r})", REMEDY)
        if number > FORMAT:
            raise InputError(
                f"{path}: made by a newer keras_seq (format {number}); this version reads up to {FORMAT}: upgrade"
            )
        for key, kind in (("family", str), ("keras_seq", str), ("settings", dict)):
            if not isinstance(values.get(key), kind):
                raise DataError(path, None, f"damaged (its `{key}` is no {kind.__name__})", REMEDY)
        return cls(values["family"], values["settings"], values["keras_seq"])


def read_settings(folder: Path, family: str, settings_class: type[JSONSettings]) -> Any:
    """The settings of a model, from the folder of its Keras model or from the assets of its SavedModel.

    Args:
        folder: The folder.
        family: The name of its task.
        settings_class: The type of its settings.

    Raises:
        InputError: if they are missing, damaged, or of another family.
    """
    path = folder / TASK_FILE
    if os.path.lexists(path):
        file = TaskFile.read(path)
        if file.family != family:
            raise DataError(path, None, f"is of a {file.family}, not of a {family}", REMEDY)
        return settings_class.from_dict(file.settings, path)
    if not settings_class.is_legacy(folder):
        raise InputError(f"{folder}: holds no {TASK_FILE}; name a model that `keras-seq` has trained or exported")
    return settings_class.from_legacy(folder)
