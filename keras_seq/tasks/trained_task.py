"""What all tasks have in common: keeping, reading and exporting a trained model."""

from __future__ import annotations

import tempfile
from abc import ABC, abstractmethod
from collections.abc import Callable
from pathlib import Path
from typing import Any, ClassVar, Self

import keras

from keras_seq.core.errors import InputError, RunError
from keras_seq.core.files import atomic_file
from keras_seq.core.manifests import MANIFEST_FILE, check_files, digests_of, read_manifest, write_manifest
from keras_seq.export import Asset, Sample, verify, write_saved_model
from keras_seq.tasks.evaluation import Evaluation
from keras_seq.training import Recipe

MODEL_FILE = "model.keras"
# The table of the manifest.
_BESIDE = "files"


class TrainedTask(ABC):
    """What is trained, joined to what it reads and gives; the base of what `keras_seq.load` gives.

    Args:
        name: what it is called.
    """

    task: ClassVar[str]
    """The name of the task in recipes."""
    unit: ClassVar[str]
    """What an example is called, in the plural."""
    model_file: ClassVar[str]
    """The file of what was learned."""

    def __init__(self, name: str) -> None:
        self.name = name

    def save(self, directory: str | Path) -> None:
        """Write the model and what else `load` needs into a folder, and a manifest of these files."""
        directory = Path(directory)
        directory.mkdir(parents=True, exist_ok=True)
        # That of other files would say that these do not belong together.
        (directory / MANIFEST_FILE).unlink(missing_ok=True)
        beside = {**self._folders(), **self._files()}
        for name, write in beside.items():
            write(directory / name)
        # After them: its presence says that the others are there.
        with atomic_file(directory / self.model_file) as path:
            self._write_model(path)
        write_manifest(directory / MANIFEST_FILE, {_BESIDE: digests_of(directory, [self.model_file, *beside])})

    @classmethod
    def load(cls, directory: str | Path, name: str | None = None) -> Self:
        """Read what `save` wrote.

        Raises:
            InputError: if something is missing, damaged, not what was written with the model, or does not fit it.
        """
        directory = Path(directory)
        for part in cls._needed():
            if not (directory / part).exists():
                raise RunError(f"{directory}: holds no {part}; name a run that `keras-seq train` has ended")
        try:
            task = cls._loaded(directory, name or directory.resolve().name)
        except InputError:
            raise
        except Exception as error:
            # A damaged archive makes zipfile, h5py, JSON and Keras raise a dozen different exceptions; or it is a
            # model, but one of another kind.
            reason = " ".join(str(error).split())[:200] or type(error).__name__
            path = directory / cls.model_file
            raise RunError(f"{path}: cannot be loaded ({reason}); put the original back, or train it again") from error
        # Last: whoever has read a file knows better what is wrong with it.
        manifest = directory / MANIFEST_FILE
        check_files(directory, read_manifest(manifest).get(_BESIDE, {}), manifest)
        return task

    @classmethod
    def evaluation_of(cls, recipe: Recipe) -> Evaluation | None:
        """What a recipe tests its model on, `None` where it names no file."""
        return None if recipe.data.test is None else Evaluation(recipe.data.test)

    @abstractmethod
    def evaluate(self, data: str | Path, on_progress: Callable[[int], None] | None = None) -> dict[str, Any]:
        """The scores of the model on a file, and `examples`, the number of them.

        Args:
            data: the file.
            on_progress: called with the number of examples that were scored since the last call.

        Options follow, by their names, of which each has a default; `evaluation_of` tells those of a recipe.
        """

    @abstractmethod
    def export(
        self, target: str | Path, version: int = 1, beside: dict[str, Callable[[Path], None]] | None = None
    ) -> Path:
        """Write what serves the model."""

    def _files(self) -> dict[str, Callable[[Path], None]]:
        """The files of names and settings, which stand beside the model."""
        return {}

    def _folders(self) -> dict[str, Callable[[Path], None]]:
        """The folders that stand beside the model."""
        return {}

    @classmethod
    def _needed(cls) -> tuple[str, ...]:
        """The files and folders that `load` reads."""
        return (cls.model_file,)

    @abstractmethod
    def _write_model(self, path: Path) -> None:
        """Write what was learned."""

    @classmethod
    @abstractmethod
    def _loaded(cls, directory: Path, name: str) -> Self:
        """The task whose files stand in a folder.

        Raises:
            RunError: if they do not fit.
        """


class KerasTask(TrainedTask):
    """A trained Keras model joined to what it reads and gives.

    Args:
        functions: what the model serves, or what its SavedModel does.
        name: what the model is called.
    """

    model_file = MODEL_FILE
    functions_class: ClassVar[type]
    """The class of `functions` where there is a Keras model."""
    saved_functions_class: ClassVar[Any]
    """The class of `functions` that are those of a SavedModel."""

    def __init__(self, functions: Any, name: str) -> None:
        super().__init__(name)
        self.functions = functions

    @property
    def model(self) -> keras.Model:
        """The Keras model.

        Raises:
            RunError: if the task was loaded from a SavedModel, which holds no Keras model.
        """
        return self._parts().model

    def export(
        self, target: str | Path, version: int = 1, beside: dict[str, Callable[[Path], None]] | None = None
    ) -> Path:
        """Write a SavedModel that takes raw input, and verify it in a fresh process.

        Args:
            target: the model's folder; the SavedModel becomes `<target>/<version>/`.
            version: its version.
            beside: further files of the model's folder: file name -> function that writes it.

        Returns:
            The folder of the version.

        Raises:
            InputError: if the version exists already.
            ExportError: if the SavedModel answers differently, or holds an op that a stock runtime lacks.
        """
        functions = self._parts()
        with tempfile.TemporaryDirectory() as scratch:
            for name, write in self._files().items():
                write(Path(scratch) / name)
            return write_saved_model(
                Path(target),
                functions.signatures(),
                trackables=[functions, *(Asset(Path(scratch) / name) for name in self._files())],
                version=version,
                beside={
                    MODEL_FILE: lambda path: save_model(functions.model, path),
                    **self._folders(),
                    **self._files(),
                    **(beside or {}),
                },
                check=lambda folder: verify(folder, functions, self.verification_samples()),
            )

    def verification_samples(self) -> list[Sample]:
        """What an export is verified on, beside odd texts where it reads text."""
        return []

    @abstractmethod
    def golden_samples(self) -> list[str | Sample]:
        """What golden outputs are written for."""

    @classmethod
    def _needed(cls) -> tuple[str, ...]:
        return (*super()._needed(), *cls.saved_functions_class.files)

    def _write_model(self, path: Path) -> None:
        save_model(self.model, path)

    @classmethod
    def _loaded(cls, directory: Path, name: str) -> Self:
        model = keras.saving.load_model(directory / MODEL_FILE, compile=False)
        return cls(cls._read(directory, model), name)

    @classmethod
    @abstractmethod
    def _read(cls, directory: Path, model: keras.Model) -> Any:
        """Join a model with what stands in the files of its folder.

        Raises:
            RunError: if they do not fit.
        """

    def _parts(self) -> Any:
        if not isinstance(self.functions, self.functions_class):
            raise RunError(
                f"{self.name}: is a SavedModel, which can only predict; name the run that it was exported from"
            )
        return self.functions


def save_model(model: keras.Model, path: Path) -> None:
    """Save a model without its optimizer, which is three times as large."""
    bare = keras.Model.from_config(model.get_config())
    bare.set_weights(model.get_weights())
    bare.save(path)
