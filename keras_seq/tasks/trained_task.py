"""What all tasks have in common: keeping, reading and exporting a trained model."""

from __future__ import annotations

import dataclasses
from abc import ABC, abstractmethod
from collections.abc import Callable
from pathlib import Path
from typing import Any, ClassVar, Self

import keras

from keras_seq.core.errors import InputError, RunError
from keras_seq.core.files import atomic_file
from keras_seq.core.manifests import MANIFEST_FILE, check_files, digests_of, read_manifest, write_manifest
from keras_seq.core.plugins import FAMILIES
from keras_seq.core.processes import check_process
from keras_seq.data.description import Description
from keras_seq.export import Sample, SavedServed, Served, TaskFile, verify, write_saved_model
from keras_seq.export.json_settings import JSONSettings
from keras_seq.export.task_file import TASK_FILE, read_settings
from keras_seq.tasks.evaluation import Evaluation

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
    model_file: ClassVar[str]
    """The file of what was learned."""

    def __init__(self, name: str) -> None:
        self.name = name

    @property
    def unit(self) -> str:
        """What an example is called, in the plural."""
        return FAMILIES.get(self.task).unit

    def save(self, directory: str | Path) -> None:
        """Write the model and what else `load` needs into a folder, and a manifest of these files."""
        directory = Path(directory)
        directory.mkdir(parents=True, exist_ok=True)
        # That of other files would say that these do not belong together.
        (directory / MANIFEST_FILE).unlink(missing_ok=True)
        beside = self._beside()
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
        if not (directory / cls.model_file).exists():
            raise RunError(f"{directory}: holds no {cls.model_file}; name a run that `keras-seq train` has ended")
        check_process()
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
    def evaluation_of(cls, recipe: Any) -> Evaluation | None:
        """What a recipe of the family tests its model on, `None` where it names no file."""
        return None if recipe.data.test is None else Evaluation(recipe.data.test)

    def describe(self, data: str | Path, **options: Any) -> Description | None:
        """What is understood of a file that `evaluate` takes, with the same options; by default nothing is told."""
        return None

    @abstractmethod
    def evaluate(self, data: str | Path, on_progress: Callable[[int], None] | None = None) -> dict[str, Any]:
        """The scores of the model on a file, and `examples`, the number of them.

        Args:
            data: the file.
            on_progress: called with the number of examples that were scored since the last call.

        Options follow, by their names, of which each has a default; `evaluation_of` tells those of a recipe.
        """

    def _beside(self) -> dict[str, Callable[[Path], None]]:
        """The files and folders that stand beside the model: name -> function that writes it."""
        return {}

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

    Make one with `keras_seq.load(name_or_folder)`, or train one with `keras_seq.tasks.train`. What a task knows of its
    model beside its answers stands in the settings: names of labels, symbols, thresholds. They are kept in `task.json`,
    beside the Keras model and among the assets of a SavedModel.

    Args:
        served: what the model serves, or what its SavedModel does.
        name: what the model is called; by default as its task.
    """

    model_file = MODEL_FILE
    settings_class: ClassVar[type[JSONSettings]] = JSONSettings
    """The dataclass of its settings."""

    def __init__(self, served: Served | SavedServed, name: str | None = None) -> None:
        super().__init__(name or self.task)
        self.served = served

    @property
    def model(self) -> keras.Model:
        """The Keras model.

        Raises:
            RunError: if the task was loaded from a SavedModel, which holds no Keras model.
        """
        return self._parts().model

    @property
    def settings(self) -> Any:
        """What the model was trained or exported with, of the type of `settings_class`."""
        return self.served.settings

    def save(self, directory: str | Path) -> None:
        """As of every task.

        Raises:
            RunError: if the task was loaded from a SavedModel; nothing is written.
        """
        self._parts()
        super().save(directory)

    def with_settings(self, **changes: Any) -> Self:
        """The same task with other settings, such as a `threshold`; what was made of the old ones is left out.

        Args:
            **changes: fields of `settings_class`.

        Raises:
            RunError: if it was loaded from a SavedModel, whose settings are part of the graph.
        """
        served = self._parts()
        return type(self)(served.with_settings(dataclasses.replace(served.settings, **changes)), self.name)

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
        served = self._parts()
        return write_saved_model(
            Path(target),
            served,
            family=self.task,
            version=version,
            assets=self._assets(),
            beside={MODEL_FILE: lambda path: save_model(served.model, path), **self._beside(), **(beside or {})},
            check=lambda folder: verify(folder, served, self.verification_samples()),
        )

    def verification_samples(self) -> list[Sample]:
        """What an export is verified on, beside odd texts where it reads text."""
        return []

    def golden_samples(self) -> list[str | Sample]:
        """What golden outputs are written for."""
        return list(self.verification_samples())

    def _assets(self) -> dict[str, Callable[[Path], None]]:
        """Files that stand among the assets of the SavedModel for programs that call it without this package."""
        return {}

    def _beside(self) -> dict[str, Callable[[Path], None]]:
        return {TASK_FILE: TaskFile(self.task, self.settings.to_dict()).write}

    def _write_model(self, path: Path) -> None:
        save_model(self.model, path)

    @classmethod
    def _loaded(cls, directory: Path, name: str) -> Self:
        settings = read_settings(directory, cls.task, cls.settings_class)
        model = keras.saving.load_model(directory / MODEL_FILE, compile=False)
        return cls(cls._read(directory, model, settings), name)

    @classmethod
    @abstractmethod
    def _read(cls, directory: Path, model: keras.Model, settings: Any) -> Served:
        """Join a model with its settings and what else stands in its folder.

        Raises:
            RunError: if they do not fit.
        """

    def _parts(self) -> Any:
        """The functions of a Keras model.

        Raises:
            RunError: if they are those of a SavedModel.
        """
        if not isinstance(self.served, Served):
            raise RunError(
                f"{self.name}: is a SavedModel, which can only predict; name the run that it was exported from"
            )
        return self.served


def check_part(directory: Path, model: keras.Model, find: Callable[[keras.Model], Any]) -> None:
    """Raise unless a model has a part that its family needs.

    Args:
        directory: where the model stands.
        model: the model.
        find: a function of `keras_seq.zoo.parts`.

    Raises:
        RunError: if it does not find it.
    """
    try:
        find(model)
    except ValueError as error:
        raise RunError(f"{directory}: {error}") from None


def save_model(model: keras.Model, path: Path) -> None:
    """Save a model without its optimizer, which is three times as large."""
    bare = keras.Model.from_config(model.get_config())
    bare.set_weights(model.get_weights())
    bare.save(path)
