"""What all tasks on text have in common: keeping, reading and exporting a trained model."""

from __future__ import annotations

import itertools
import tempfile
import zipfile
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any, ClassVar, Self

import keras

from keras_seq.core.errors import RunError
from keras_seq.core.files import atomic_write
from keras_seq.export import GOLDEN_TEXTS, Asset, Sample, verify, write_saved_model
from keras_seq.text import TokenEncoder
from keras_seq.training import Recipe

MODEL_FILE, ENCODER_FOLDER = "model.keras", "encoder"

# Texts that are served in one call hold about this many tokens, padding included.
TOKENS_PER_CALL = 4096


class TextTask(ABC):
    """A trained model joined to its text side; the base of what `keras_seq.load` gives.

    Args:
        functions: what the model serves, or what its SavedModel does.
        name: what the model is called.
    """

    task: ClassVar[str]
    """The name of the task in recipes."""
    unit: ClassVar[str]
    """What an example is called, in the plural."""
    encoder_class: ClassVar[Any] = TokenEncoder
    """The class of what turns text into ids."""
    encoder_folder: ClassVar[str] = ENCODER_FOLDER
    """Where its files stand; empty where they are among the files of names and settings."""
    max_characters: ClassVar[int] = 100_000
    """A file with a longer line is of another kind."""
    functions_class: ClassVar[type]
    """The class of `functions` where there is a Keras model."""
    saved_functions_class: ClassVar[Any]
    """The class of `functions` that are those of a SavedModel."""

    def __init__(self, functions: Any, name: str) -> None:
        self.functions = functions
        self.name = name

    @property
    def model(self) -> keras.Model:
        """The Keras model.

        Raises:
            RunError: if the task was loaded from a SavedModel, which holds no Keras model.
        """
        return self._parts().model

    def save(self, directory: str | Path) -> None:
        """Write `model.keras`, `encoder/` and the files of names and settings into a folder."""
        parts = self._parts()
        directory = Path(directory)
        if self.encoder_folder:
            parts.encoder.save(directory / self.encoder_folder)
        for name, write in self._files().items():
            write(directory / name)
        # Last: its presence says that the others are there.
        temporary = directory / f".{MODEL_FILE}.tmp.keras"
        save_model(parts.model, temporary)
        temporary.replace(directory / MODEL_FILE)

    @classmethod
    def load(cls, directory: str | Path, name: str | None = None) -> Self:
        """Read what `save` wrote.

        Raises:
            RunError: if something is missing or does not fit.
        """
        directory = Path(directory)
        for part in (MODEL_FILE, cls.encoder_folder, *cls.saved_functions_class.files):
            if not (directory / part).exists():
                raise RunError(f"{directory}: holds no {part}; name a run that `keras-seq train` has ended")
        try:
            model = keras.saving.load_model(directory / MODEL_FILE, compile=False)
        except (OSError, ValueError, TypeError, KeyError, zipfile.BadZipFile) as error:
            reason = " ".join(str(error).split())[:200]
            raise RunError(
                f"{directory / MODEL_FILE}: cannot be loaded ({reason}); train or export it again"
            ) from error
        encoder = cls.encoder_class.load(directory / cls.encoder_folder)
        return cls(cls._read_functions(directory, model, encoder), name or directory.resolve().name)

    def export(
        self, target: str | Path, version: int = 1, beside: dict[str, Callable[[Path], None]] | None = None
    ) -> Path:
        """Write a SavedModel that takes raw text, and verify it in a fresh process.

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
                    **({self.encoder_folder: functions.encoder.save} if self.encoder_folder else {}),
                    **self._files(),
                    **(beside or {}),
                },
                check=lambda folder: verify(folder, functions, self.verification_samples()),
            )

    def verification_samples(self) -> list[Sample]:
        """What an export is verified on, beside odd texts."""
        return []

    def golden_samples(self) -> list[str | Sample]:
        """What golden outputs are written for."""
        return list(GOLDEN_TEXTS)

    @classmethod
    def evaluation_of(cls, recipe: Recipe) -> tuple[str | None, dict[str, Any]]:
        """What a recipe tests its model on.

        Returns:
            The reference of a file, `None` where the recipe names none, and options of `evaluate`, in which files are
            references as well.
        """
        return recipe.data.test, {}

    @abstractmethod
    def evaluate(self, data: str | Path, on_progress: Callable[[int], None] | None = None) -> dict[str, Any]:
        """The scores of the model on a file, and `examples`, the number of them."""

    @abstractmethod
    def predict(self, texts: Sequence[str]) -> list[dict[str, Any]]:
        """What the model says of each raw text."""

    @abstractmethod
    def _files(self) -> dict[str, Callable[[Path], None]]:
        """The files of names and settings, which stand beside the model and among the assets of its SavedModel."""

    @classmethod
    @abstractmethod
    def _read_functions(cls, directory: Path, model: keras.Model, encoder: Any) -> Any:
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


def write_names(path: Path, names: Sequence[str]) -> None:
    """Write names one a line, in the order of their ids."""
    with atomic_write(path, "w") as file:
        file.write("".join(f"{name}\n" for name in names))


def check_texts(texts: Any) -> None:
    """Raise unless `texts` is a list of strings.

    Raises:
        TypeError: if it is one string, or holds something else.
    """
    if isinstance(texts, (str, bytes)) or not all(isinstance(text, str) for text in texts):
        raise TypeError(f"`texts` must be a list of strings. Received: texts={texts!r}. Put one text in a list.")


def call_rows(
    function: Callable[[list[bytes]], dict[str, Any]], texts: Sequence[str], longest: int | None = None
) -> list[dict[str, Any]]:
    """Call a served function on raw texts, those of similar length together.

    Args:
        function: takes encoded texts, gives a dictionary of tensors `(batch, ...)`.
        texts: the texts.
        longest: of a text, no more tokens are read.

    Returns:
        For each text the dictionary of its rows, as arrays.
    """
    results: list[dict[str, Any]] = [{} for _ in texts]
    # A token has four characters or more, as a rule.
    lengths = [len(text) // 4 + 1 for text in texts]
    for rows in calls([min(length, longest) if longest else length for length in lengths]):
        # What a Python string holds and UTF-8 does not (lone surrogates) counts as one character either way.
        encoded = [texts[row].encode("utf-8", errors="surrogatepass") for row in rows]
        outputs = {key: value.numpy() for key, value in function(encoded).items()}
        for position, row in enumerate(rows):
            results[row] = {key: value[position] for key, value in outputs.items()}
    return results


def calls(lengths: Sequence[int], size: int = TOKENS_PER_CALL) -> list[list[int]]:
    """Rows to send together: of similar length, so that little is padded, and at most `size` in all, padding too."""
    found: list[list[int]] = []
    for row in sorted(range(len(lengths)), key=lengths.__getitem__):
        width = max(lengths[row], 1)
        if found and width * (len(found[-1]) + 1) <= size:
            found[-1].append(row)
        else:
            found.append([row])
    return found


def chunks(items: Iterable[Any], size: int) -> Iterator[list[Any]]:
    """Lists of at most `size` items."""
    iterator = iter(items)
    while chunk := list(itertools.islice(iterator, size)):
        yield chunk
