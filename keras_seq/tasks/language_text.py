"""Running text, and lines, of a language model: read in pieces, and as ids; and what such a model is measured by."""

from __future__ import annotations

import collections
import dataclasses
import math
from array import array
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

import numpy as np

from keras_seq.core.errors import InputError
from keras_seq.core.lines import read_pieces
from keras_seq.data import Corpus, read_examples
from keras_seq.data.description import Description
from keras_seq.data.text_lines import LINES
from keras_seq.metrics.formulas import perplexity
from keras_seq.tasks.evaluation import Evaluation
from keras_seq.text.language_encoder import END_ID, LanguageEncoder, whole_words
from keras_seq.training.language_recipe import LanguageDataSection, LanguageTextSection

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


def selection_of(data: LanguageDataSection, language: LanguageTextSection, split: str) -> Selection:
    """What a recipe reads of the file for training, validation or test.

    Where the recipe names no file for validation, that for training is cut: of a running text the end validates, a
    share of `data.held_out`; lines are put into three splits, by themselves.

    Args:
        data, language: the sections of the recipe.
        split: `"train"`, `"validation"` or `"test"`.
    """
    is_cut = data.validation is None
    if language.layout == "lines":
        return Selection(split=split if is_cut else None, column=language.column, letter_case=language.letter_case)
    if not is_cut or split == "test":
        return WHOLE
    end = 1.0 - data.held_out
    return Selection(part=(0.0, end) if split == "train" else (end, 1.0))


def evaluation_of(data: LanguageDataSection, language: LanguageTextSection) -> Evaluation | None:
    """The test text of a recipe; where it names none, the part of the training text that tests or validates.

    Args:
        data, language: the sections of the recipe.
    """
    if data.test is not None:
        return Evaluation(data.test, {"selection": selection_of(data, language, "test")})
    if data.validation is not None:
        return None
    split = "test" if language.layout == "lines" else "validation"
    return Evaluation(data.train, {"selection": selection_of(data, language, split)}, split=split)


def described(path: Path, language: LanguageTextSection) -> Description | None:
    """What is understood of a file of lines; a running text is read as it stands, and there is nothing to tell.

    Args:
        path: the file.
        language: the section of the recipe.

    Raises:
        DataError: as `keras_seq.data.text_lines.LinesReader.sniff`.
    """
    columns = None if language.column is None else {"text": language.column}
    return LINES.sniff(path, columns) if language.layout == "lines" else None


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
    def num_examples(self) -> int:
        """Number of lines, where lines are texts, else of symbols."""
        return self.num_lines or len(self.corpus)

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


def read_language(
    data: LanguageDataSection, language: LanguageTextSection, paths: Mapping[str, Path]
) -> tuple[LanguageText, LanguageText]:
    """The texts that train and validate, with the encoder that knows the symbols of the first.

    Args:
        data, language: the sections of the recipe.
        paths: the text files `train` and, where the recipe names some, `validation` and `test`, which is checked.

    Raises:
        DataError: if a file is broken.
        InputError: if one of the texts is empty.
    """
    selection = selection_of(data, language, "train")
    encoder = LanguageEncoder.build(
        read_text(paths["train"], language.unit, language.layout, selection),
        unit=language.unit,
        layout=language.layout,
        min_count=data.min_count if language.unit == "word" else data.min_character_count,
        max_size=language.max_symbols,
    )
    train = LanguageText(paths["train"], encoder, selection)
    path = paths.get("validation", paths["train"])
    validation = LanguageText(path, encoder, selection_of(data, language, "validation"))
    for name, text in (("training", train), ("validation", validation)):
        if not len(text.corpus):
            raise InputError(f"{text.path}: holds no {name} text; give a longer one, or set data.validation")
    if "test" in paths:
        # Whatever is wrong with it is told before hours are spent.
        test = read_text(paths["test"], language.unit, language.layout, selection_of(data, language, "test"))
        collections.deque(test, maxlen=0)
    return train, validation


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
        "perplexity": perplexity(nats, num_tokens),
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
