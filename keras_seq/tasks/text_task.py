"""What all tasks on text have in common: a text side beside the model, and calls with many texts."""

from __future__ import annotations

import itertools
import reprlib
from abc import abstractmethod
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any, ClassVar

import keras
import numpy as np

from keras_seq.core.errors import RunError
from keras_seq.core.files import atomic_write
from keras_seq.core.notices import notify
from keras_seq.export import GOLDEN_TEXTS, Sample, Served
from keras_seq.export.text_functions import COUNTS
from keras_seq.tasks.encoder_fit import check_encoder
from keras_seq.tasks.results import Result
from keras_seq.tasks.trained_task import KerasTask
from keras_seq.text import TokenEncoder, load_tokenizer, save_tokenizer
from keras_seq.text.code_points import whole_characters

ENCODER_FOLDER = "encoder"

# Texts that are served in one call hold about this many tokens, padding included.
TOKENS_PER_CALL = 4096


class TextTask(KerasTask):
    """A trained model that reads text."""

    max_characters: ClassVar[int] = 4_000_000
    """A file with a longer line is of another kind."""

    def golden_samples(self) -> list[str | Sample]:
        return list(GOLDEN_TEXTS)

    @abstractmethod
    def predict(self, texts: Sequence[str]) -> Sequence[Result]:
        """What the model says of each raw text."""


class TokenTask(TextTask):
    """A trained model that reads tokens: its encoder stands in a folder beside it, and in the graph of a SavedModel."""

    functions_class: ClassVar[Callable[..., Served]]
    """What it serves, made of the model, the tokenizer, the encoder and the settings."""

    def _beside(self) -> dict[str, Callable[[Path], None]]:
        parts = self._parts()

        def write(folder: Path) -> None:
            parts.encoder.save(folder)
            save_tokenizer(parts.tokenizer, folder)

        return {ENCODER_FOLDER: write, **super()._beside()}

    @classmethod
    def _read(cls, directory: Path, model: keras.Model, settings: Any) -> Served:
        folder = directory / ENCODER_FOLDER
        tokenizer = load_tokenizer(folder)
        encoder = TokenEncoder.load(folder, tokenizer.vocabulary)
        check_encoder(folder, model, encoder)
        cls._check(directory, model, settings)
        return cls.functions_class(model, tokenizer, encoder, settings)

    @classmethod
    @abstractmethod
    def _check(cls, directory: Path, model: keras.Model, settings: Any) -> None:
        """Raise unless the model is one of this family, and fits its settings.

        Raises:
            RunError: if it does not.
        """


class EmbeddingTask(TokenTask):
    """A trained model of texts that serves their vectors, as the signature `embed`.

    It reads no more than `settings.max_tokens` of a text; that a rest was not read is told once.
    """

    _has_told = False

    def embed(self, texts: Sequence[str]) -> np.ndarray:
        """The vectors of texts: what the last layer of a classifier reads; of a matcher, of length 1.

        Args:
            texts: the texts.

        Returns:
            float32 `(texts, features)`.

        Raises:
            TypeError: if `texts` is one string, or holds something else than strings.
        """
        check_texts(texts)
        if not texts:
            return self.served.call("embed", text=[])["vector"].numpy()
        return np.stack([row["vector"] for row in self._rows("embed", texts)])

    def _rows(
        self, signature: str, texts: Sequence[str], options: Callable[[int], dict[str, Any]] = lambda rows: {}
    ) -> list[dict[str, Any]]:
        """What a signature answers to each text; `options` gives its other inputs, of so many rows."""
        rows = call_rows(
            lambda text: self.served.call(signature, text=text, **options(len(text))), texts, self.settings.max_tokens
        )
        # Older exports do not say it.
        for read, total in ([row[name] for name in COUNTS] for row in rows if COUNTS[0] in row):
            if read < total and not self._has_told:
                self._has_told = True
                notify(
                    f"{self.name}: the first {read:,} of {total:,} tokens of a text were read, as of all longer texts; "
                    "give it in parts, or train with a larger `data.max_tokens`"
                )
        return rows


def check_size(directory: Path, model: keras.Model, size: int, unit: str) -> None:
    """Raise unless a model puts out as many numbers as its settings have names.

    Args:
        directory: where both stand.
        model: the model.
        size: how many names.
        unit: of what, in the plural.

    Raises:
        RunError: if they differ.
    """
    if size != model.output_shape[-1]:
        raise RunError(
            f"{directory}: its settings name {size} {unit}, the model has {model.output_shape[-1]}; train or export it "
            "again"
        )


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
        raise TypeError(
            f"`texts` must be a list of strings. Received: texts={reprlib.repr(texts)}. Put one text in a list."
        )


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
        encoded = [whole_characters(texts[row]).encode() for row in rows]
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
