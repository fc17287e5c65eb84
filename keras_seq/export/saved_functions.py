"""The functions of an exported model, called through the signatures of its SavedModel."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any, ClassVar

import tensorflow as tf

from keras_seq.core.errors import InputError
from keras_seq.export.manifest import check_version
from keras_seq.export.served import assert_in_range as assert_in_range


class SavedFunctions:
    """A SavedModel whose signatures are called by name; a subclass says which ones and which files it must have.

    Args:
        path: the folder of one version, which holds `saved_model.pb`.

    Raises:
        InputError: if it cannot be loaded, is not the SavedModel of this task, or a file of it, or beside it, is not
            the one that was exported with it.
    """

    task: ClassVar[str]
    """What messages call the task."""
    names: ClassVar[tuple[str, ...]]
    """The signatures that it must have."""
    files: ClassVar[tuple[str, ...]]
    """The assets that it must have."""

    def __init__(self, path: str | os.PathLike) -> None:
        check_version(Path(path))
        try:
            self._loaded = tf.saved_model.load(os.fspath(path))
        except (OSError, ValueError, KeyError, tf.errors.OpError) as error:
            reason = " ".join(str(error).split())[:200]
            raise InputError(f"{path}: cannot be loaded ({reason}); export it again") from error
        self._signatures = self._loaded.signatures
        if not self.is_at(path) or set(self.names) - set(self._signatures):
            raise InputError(
                f"{path}: is not the SavedModel of a {self.task}; name one that `keras-seq export` has written"
            )

    @classmethod
    def is_at(cls, path: str | os.PathLike) -> bool:
        """Whether the assets of a SavedModel are those of this task."""
        return all((Path(path) / "assets" / name).is_file() for name in cls.files)

    def call(self, signature: str, **inputs: Any) -> dict[str, tf.Tensor]:
        """Call a signature with tensors, arrays, numbers or lists."""
        function = self._signatures[signature]
        specs = function.structured_input_signature[1]
        return function(**{name: tf.convert_to_tensor(value, specs[name].dtype) for name, value in inputs.items()})
