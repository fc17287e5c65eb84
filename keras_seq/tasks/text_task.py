"""What all tasks on text have in common: a text side beside the model, and calls with many texts."""

from __future__ import annotations

import itertools
from abc import abstractmethod
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any, ClassVar

import keras
import numpy as np

from keras_seq.core.errors import DataError
from keras_seq.core.files import atomic_write
from keras_seq.core.reading import read_text_file
from keras_seq.export import GOLDEN_TEXTS, Sample, Served
from keras_seq.tasks.encoder_fit import check_encoder
from keras_seq.tasks.results import Result
from keras_seq.tasks.trained_task import KerasTask
from keras_seq.text import TokenEncoder

ENCODER_FOLDER = "encoder"

# Texts that are served in one call hold about this many tokens, padding included.
TOKENS_PER_CALL = 4096


class TextTask(KerasTask):
    """A trained model joined to its text side."""

    encoder_class: ClassVar[Any] = TokenEncoder
    """The class of what turns text into ids."""
    encoder_folder: ClassVar[str] = ENCODER_FOLDER
    """Where its files stand; empty where the settings say all of it."""
    max_characters: ClassVar[int] = 100_000
    """A file with a longer line is of another kind."""

    def golden_samples(self) -> list[str | Sample]:
        return list(GOLDEN_TEXTS)

    @abstractmethod
    def predict(self, texts: Sequence[str]) -> Sequence[Result]:
        """What the model says of each raw text."""

    def _embedded(self, texts: Sequence[str]) -> np.ndarray:
        """The vectors `(texts, features)` that the signature `embed` gives; the settings say how much is read."""
        check_texts(texts)
        if not texts:
            return self.served.call("embed", text=[])["vector"].numpy()
        return np.stack([row["vector"] for row in self._rows("embed", texts)])

    def _rows(self, signature: str, texts: Sequence[str]) -> list[dict[str, Any]]:
        """What a signature answers to each text; the settings say how much is read."""
        return call_rows(lambda text: self.served.call(signature, text=text), texts, self.settings.max_tokens)

    @classmethod
    @abstractmethod
    def _join(cls, directory: Path, model: keras.Model, settings: Any, encoder: Any) -> Served:
        """Join a model with its settings and its encoder.

        Raises:
            RunError: if they do not fit.
        """

    def _folders(self) -> dict[str, Callable[[Path], None]]:
        return {self.encoder_folder: self._parts().encoder.save} if self.encoder_folder else {}

    @classmethod
    def _needed(cls) -> tuple[str, ...]:
        return (*super()._needed(), *([cls.encoder_folder] if cls.encoder_folder else []))

    @classmethod
    def _read(cls, directory: Path, model: keras.Model, settings: Any) -> Served:
        encoder = cls._encoder_of(directory, settings)
        cls._check_encoder(directory / cls.encoder_folder, model, encoder)
        return cls._join(directory, model, settings, encoder)

    @classmethod
    def _encoder_of(cls, directory: Path, settings: Any) -> Any:
        """The encoder of a model; here from its folder.

        Raises:
            InputError: if a file is missing or damaged.
        """
        return cls.encoder_class.load(directory / cls.encoder_folder)

    @classmethod
    def _check_encoder(cls, folder: Path, model: keras.Model, encoder: Any) -> None:
        """Raise unless the encoder has the sizes of the model.

        Raises:
            RunError: if it does not fit; the message names the file.
        """
        check_encoder(folder, model, encoder)


def write_names(path: Path, names: Sequence[str]) -> None:
    """Write names one a line, in the order of their ids."""
    with atomic_write(path, "w") as file:
        file.write("".join(f"{name}\n" for name in names))


def read_names(path: Path) -> list[str]:
    """The names in a `tags.txt` or `labels.txt` of version 0.1.0, one a line, in the order of their ids.

    Raises:
        DataError: if the file cannot be read, is not UTF-8, or a line is empty, repeated or cut.
    """
    remedy = "put the original back, or train or export the model again"
    text = read_text_file(path, remedy).replace("\r\n", "\n")
    if not text.endswith("\n"):
        raise DataError(path, None, "empty" if not text else "its last line is cut", remedy)
    names = text.split("\n")[:-1]
    seen: dict[str, int] = {}
    for number, name in enumerate(names, start=1):
        if not name:
            raise DataError(path, number, "an empty line", remedy)
        if name in seen:
            raise DataError(path, number, f"repeats line {seen[name]}", remedy)
        seen[name] = number
    return names


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
