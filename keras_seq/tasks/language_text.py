"""Running text, and lines, of a language model: read in pieces, and as ids; and what such a model is measured by."""

from __future__ import annotations

import dataclasses
import math
from array import array
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import numpy as np

from keras_seq.data import Corpus, read_examples
from keras_seq.data.lines import read_pieces
from keras_seq.text.language_encoder import END_ID, LanguageEncoder, whole_words
from keras_seq.training import Recipe

FILE_FORMAT = "a text file with at least one symbol is needed"


@dataclasses.dataclass(frozen=True)
class Selection:
    """What of a file is read.

    Args:
        part: of a running text, where it begins and ends, as shares of its characters.
        split, column, letter_case: of lines, as of `keras_seq.data.read_examples`.
    """

    part: tuple[float, float] = (0.0, 1.0)
    split: str | None = None
    column: str | None = None
    letter_case: str = "unchanged"


WHOLE = Selection()


def selection_of(recipe: Recipe, split: str) -> Selection:
    """What a recipe reads of the file for training, validation or test.

    Where the recipe names no file for validation, that for training is cut: of a running text the end validates, a
    share of `data.held_out`; lines are put into three splits, by themselves.
    """
    language, is_cut = recipe.language, recipe.data.validation is None
    if language.layout == "lines":
        return Selection(split=split if is_cut else None, column=language.column, letter_case=language.letter_case)
    if not is_cut or split == "test":
        return WHOLE
    end = 1.0 - recipe.data.held_out
    return Selection(part=(0.0, end) if split == "train" else (end, 1.0))


def has_own_test(recipe: Recipe) -> bool:
    """Whether the file for training holds test texts as well."""
    data = recipe.data
    return recipe.language.layout == "lines" and data.validation is None and data.test is None


def evaluation_of(recipe: Recipe) -> tuple[str | None, dict[str, Any]]:
    """The test text of a recipe; where it names none, the part of the training text that tests or validates.

    Returns:
        The reference of a file, `None` where there is no test text, and the option `selection` of `evaluate`.
    """
    data = recipe.data
    if data.test is None and data.validation is None:
        split = "test" if has_own_test(recipe) else "validation"
        return data.train, {"selection": selection_of(recipe, split)}
    return data.test, {"selection": selection_of(recipe, "test")}


def data_sentences(recipe: Recipe) -> tuple[str, ...]:
    """What a card says of the data where the recipe names no file that validates."""
    if recipe.data.validation is not None:
        return ()
    if recipe.language.layout == "lines":
        return ("of its texts 90% train, 5% validate and 5% test, by their hash",)
    return (f"validation: its last {recipe.data.held_out:.0%}",)


def read_text(path: str | Path, unit: str, layout: str, selection: Selection = WHOLE) -> Iterator[str]:
    """A text in pieces of whole words, or of whole lines.

    In a stream of words, and in lines, the last line ends with a line break.

    Args:
        path: the file.
        unit, layout: as of `LanguageEncoder`.
        selection: what of it is read.
    """
    if layout == "lines":
        texts = read_examples(path, column=selection.column, split=selection.split, letter_case=selection.letter_case)
        yield from (f"{text}\n" for text in texts)
        return
    pieces = read_pieces(path, FILE_FORMAT)
    if selection.part != (0.0, 1.0):
        length = sum(map(len, read_pieces(path, FILE_FORMAT)))
        pieces = _cut(pieces, *(int(length * share) for share in selection.part))
    if unit == "character":
        yield from pieces
        return
    last = "\n"
    for piece in whole_words(pieces):
        yield piece
        last = piece[-1]
    if last != "\n":
        yield "\n"


class LanguageText:
    """A whole text as ids.

    Args:
        path: the file.
        encoder: turns symbols into ids.
        selection: as of `read_text`.
    """

    def __init__(self, path: str | Path, encoder: LanguageEncoder, selection: Selection = WHOLE) -> None:
        self.path = path
        self.encoder = encoder
        self.num_characters = 0
        self._ends = array("q", [0])
        self.corpus = Corpus(self._encoded(selection), len(encoder))

    @property
    def num_lines(self) -> int:
        """Number of texts, where lines are texts."""
        return len(self._ends) - 1

    @property
    def lengths(self) -> np.ndarray:
        """Number of ids of each line, its end mark among them."""
        return np.diff(np.frombuffer(self._ends, np.int64))

    def line(self, index: int) -> np.ndarray:
        """The ids of one line, and the end mark."""
        return self.corpus.read(self._ends[index], self._ends[index + 1])

    def _encoded(self, selection: Selection) -> Iterator[np.ndarray]:
        encoder = self.encoder
        for piece in read_text(self.path, encoder.unit, encoder.layout, selection):
            self.num_characters += len(piece)
            if encoder.layout == "stream":
                yield encoder.ids(piece)
            else:
                ids = np.append(encoder.ids(piece.removesuffix("\n")), END_ID)
                self._ends.append(self._ends[-1] + len(ids))
                yield ids


def language_scores(nats: float, num_tokens: int, num_characters: int) -> dict[str, float]:
    """What a language model is measured by.

    Args:
        nats: minus the sum of the natural logarithms of all probabilities.
        num_tokens: how many were summed.
        num_characters: characters of the text, line breaks among them.

    Returns:
        `nll` nats a token, `perplexity` its exponential, `nats_per_character`, `bits_per_character`, `num_tokens`.

    Example:
        >>> scores = language_scores(nats=4 * math.log(2), num_tokens=2, num_characters=4)
        >>> round(scores["perplexity"], 6), round(scores["bits_per_character"], 6)
        (4.0, 1.0)
    """
    nll = nats / max(num_tokens, 1)
    per_character = nats / max(num_characters, 1)
    return {
        "perplexity": math.exp(min(nll, 700.0)),
        "nll": nll,
        "nats_per_character": per_character,
        "bits_per_character": per_character / math.log(2),
        "num_tokens": num_tokens,
    }


def _cut(pieces: Iterable[str], begin: int, end: int) -> Iterator[str]:
    """The characters of a text between two places."""
    place = 0
    for piece in pieces:
        part = piece[max(begin - place, 0) : max(end - place, 0)]
        place += len(piece)
        if part:
            yield part
