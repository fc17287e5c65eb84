"""Texts <-> ids of the symbols that a language model predicts: characters or words."""

from __future__ import annotations

import collections
import json
import os
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import tensorflow as tf

from keras_seq.core.checks import check_choice
from keras_seq.core.errors import DataError
from keras_seq.core.files import atomic_write
from keras_seq.core.reading import read_json_object
from keras_seq.text.character_vocabulary import CharacterVocabulary
from keras_seq.text.code_points import NUM_CODE_POINTS, whole_characters
from keras_seq.text.vocabulary import NUM_SPECIAL, PADDING_ID, UNKNOWN_ID, UNKNOWN_TOKEN, Vocabulary

VOCABULARIES: dict[str, Any] = {"character": CharacterVocabulary, "word": Vocabulary}
UNITS = tuple(VOCABULARIES)
LAYOUTS = ("stream", "lines")
BEGIN_ID, END_ID = 2, 3
BEGIN_TOKEN, END_TOKEN = "[BEGIN]", "[END]"
# Padding, unknown, begin, end.
NUM_MARKS = 4
SETTINGS_FILE, SYMBOLS_FILE = "language.json", "symbols.txt"
REPLACEMENT = "\N{REPLACEMENT CHARACTER}"


class LanguageEncoder(tf.Module):
    """The symbols of a language model and their ids: 0 padding, 1 unknown, 2 begin mark, 3 end mark, then the symbols.

    Text is read as it stands: no case folding, no normalization. Words are what stands between spaces (ASCII white
    space), as corpora for word models are split already.

    In a `stream` lines follow each other and a model reads on from one to the next. A line break is a character like
    any other to a character model, and the end mark to a word model (`<eos>` in the literature). With `lines` each line
    is a text of its own, between begin and end mark.

    Args:
        unit: `"character"` or `"word"`.
        layout: `"stream"` or `"lines"`.
        symbols: the known characters or words, the most frequent first.

    Raises:
        ValueError: if `unit` or `layout` is unknown, or a symbol is not one character, or no word.

    Example:
        >>> encoder = LanguageEncoder("character", "lines", ["a", "n"])
        >>> encoder.ids("ana").tolist(), encoder.text([4, 5, 4, 3])
        ([4, 5, 4], 'ana')
        >>> encoder.encode(tf.constant(["na", "x"])).numpy().tolist()
        [[5, 4], [1, 0]]
    """

    def __init__(self, unit: str, layout: str, symbols: Sequence[str]) -> None:
        super().__init__()
        check_choice("unit", unit, UNITS)
        check_choice("layout", layout, LAYOUTS)
        self.unit = unit
        self.layout = layout
        self.symbols = tuple(symbols)
        self._vocabulary = VOCABULARIES[unit](self.symbols)
        if unit == "character":
            self._of_code_point = np.full(NUM_CODE_POINTS, UNKNOWN_ID, "int32")
            self._of_code_point[[ord(symbol) for symbol in self.symbols]] = np.arange(len(self.symbols)) + NUM_MARKS
        else:
            self._table = Vocabulary([BEGIN_TOKEN, END_TOKEN, *self.symbols]).table("words")
            self._of_word = {word.encode(): NUM_MARKS + index for index, word in enumerate(self.symbols)}

    @classmethod
    def build(
        cls,
        pieces: Iterable[str],
        *,
        unit: str,
        layout: str,
        min_count: int = 1,
        max_size: int | None = None,
    ) -> LanguageEncoder:
        """Count the symbols of a training text and keep the frequent ones.

        Args:
            pieces: the text in pieces, none of which ends within a word.
            unit, layout: as above.
            min_count: rarer symbols are unknown.
            max_size: the most symbols to keep, or `None` for all.
        """
        check_choice("unit", unit, UNITS)
        if unit == "character":
            numbers = np.zeros(NUM_CODE_POINTS, "int64")
            for piece in pieces:
                numbers += np.bincount(_code_points(piece), minlength=NUM_CODE_POINTS)
            # The replacement character is what is shown where a character is unknown.
            numbers[ord(REPLACEMENT)] = 0
            if layout == "lines":
                numbers[ord("\n")] = 0
            counts = {chr(code): int(numbers[code]) for code in np.flatnonzero(numbers)}
        else:
            found: collections.Counter[bytes] = collections.Counter()
            for piece in pieces:
                found.update(whole_characters(piece).encode().split())
            counts = {word.decode("utf-8", "replace"): count for word, count in found.items()}
            counts = {word: count for word, count in counts.items() if word not in (BEGIN_TOKEN, END_TOKEN)}
        return cls(unit, layout, VOCABULARIES[unit].from_counts(counts, min_count, max_size).symbols)

    def __len__(self) -> int:
        """The number of ids: the size of an embedding table."""
        return NUM_MARKS + len(self.symbols)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, LanguageEncoder) and self._key() == other._key()

    def __hash__(self) -> int:
        return hash(self._key())

    @property
    def start_id(self) -> int:
        """What a model has read before the first symbol of a text: the begin mark; in a stream the line break."""
        if self.layout == "lines":
            return BEGIN_ID
        if self.unit == "word":
            return END_ID
        line_break = int(self._of_code_point[ord("\n")])
        return line_break if line_break != UNKNOWN_ID else BEGIN_ID

    @property
    def stop_id(self) -> int | None:
        """What ends a text that is generated: the end mark; in a stream nothing does."""
        return END_ID if self.layout == "lines" else None

    @property
    def banned_ids(self) -> tuple[int, ...]:
        """Ids that are never generated: padding, unknown and the begin mark, in a stream of characters the end mark."""
        end = () if self.layout == "lines" or self.unit == "word" else (END_ID,)
        return (PADDING_ID, UNKNOWN_ID, BEGIN_ID, *end)

    def ids(self, text: str) -> np.ndarray:
        """The ids of a text, int32 `(symbols,)`, without marks around it."""
        if self.unit == "character":
            return self._of_code_point[_code_points(text)]
        lookup, lines = self._of_word.get, whole_characters(text).encode().split(b"\n")
        found: list[int] = []
        for number, line in enumerate(lines):
            if number:
                found.append(END_ID)
            found.extend(lookup(word, UNKNOWN_ID) for word in line.split())
        return np.array(found, "int32")

    def text(self, ids: Iterable[int]) -> str:
        """The text of ids; it ends before padding and, where lines are texts, before the end mark."""
        names = []
        for token_id in np.asarray(list(ids), "int64").tolist():
            if token_id == PADDING_ID or (token_id == END_ID and self.layout == "lines"):
                break
            if token_id != BEGIN_ID:
                names.append(self.symbol(token_id))
        if self.unit == "character":
            return "".join(names)
        return " ".join(names).replace(" \n", "\n").replace("\n ", "\n")

    def symbol(self, token_id: int) -> str:
        """What one id stands for in a text: `"\\n"` for the end mark, nothing for padding and the begin mark."""
        if token_id >= NUM_MARKS:
            return self.symbols[token_id - NUM_MARKS]
        return {UNKNOWN_ID: REPLACEMENT if self.unit == "character" else UNKNOWN_TOKEN, END_ID: "\n"}.get(token_id, "")

    def unknown_symbols(self, text: str) -> list[str]:
        """The symbols of a text that have no id, each once, in order."""
        parts: Iterable[str] = text if self.unit == "character" else text.split()
        return list(dict.fromkeys(part for part in parts if UNKNOWN_ID in self.ids(part)))

    def encode(self, texts: tf.Tensor) -> tf.Tensor:
        """Ids in a graph.

        Args:
            texts: string `(batch,)`, UTF-8; what is not UTF-8 is unknown.

        Returns:
            int32 `(batch, symbols)`, padded with 0 on the right.
        """
        if self.unit == "character":
            code_points = tf.strings.unicode_decode(texts, "UTF-8", errors="replace")
            ids = self._vocabulary(code_points.flat_values)
            ids = tf.where(ids >= NUM_SPECIAL, ids + (NUM_MARKS - NUM_SPECIAL), ids)
            return code_points.with_flat_values(ids).to_tensor(PADDING_ID)
        words = tf.strings.split(tf.strings.regex_replace(texts, "\n", f" {END_TOKEN} "))
        return tf.ragged.map_flat_values(self._table, words).to_tensor(PADDING_ID)

    def decode(self, ids: tf.Tensor) -> tf.Tensor:
        """The texts of ids in a graph.

        Args:
            ids: int32 `(batch, symbols)`; padding and marks have no text, but for the end mark in a stream of words.

        Returns:
            string `(batch,)`, UTF-8.
        """
        names = [self.symbol(token_id) for token_id in range(NUM_MARKS)]
        if self.layout == "lines":
            names[END_ID] = ""
        if self.unit == "word" and self.layout == "stream":
            names[END_ID] = "\n"
        pieces = tf.gather(tf.constant([name.encode() for name in (*names, *self.symbols)]), ids)
        if self.unit == "character":
            return tf.strings.reduce_join(pieces, axis=1)
        spaced = tf.where(tf.equal(pieces, ""), "", tf.strings.join([pieces, " "]))
        joined = tf.strings.reduce_join(spaced, axis=1)
        return tf.strings.regex_replace(tf.strings.regex_replace(joined, " ?\n ?", "\n"), " $", "")

    def save(self, folder: str | os.PathLike) -> None:
        """Write `language.json` and `symbols.txt` into a folder, which is made."""
        Path(folder).mkdir(parents=True, exist_ok=True)
        for name, write in self.files().items():
            write(Path(folder) / name)

    def files(self) -> dict:
        """What `save` writes: file name -> function that writes the file."""

        def write_settings(path: Path) -> None:
            with atomic_write(path, "w") as file:
                json.dump({"unit": self.unit, "layout": self.layout}, file, indent=2)

        return {SETTINGS_FILE: write_settings, SYMBOLS_FILE: self._vocabulary.save}

    @classmethod
    def load(cls, folder: str | os.PathLike) -> LanguageEncoder:
        """Read what `save` wrote.

        Raises:
            DataError: if a file is missing or damaged.
        """
        path = Path(folder) / SETTINGS_FILE
        remedy = "put the original back, or train or export the model again"
        settings = read_json_object(path, remedy)
        try:
            unit, layout = settings["unit"], settings["layout"]
            check_choice("unit", unit, UNITS)
            check_choice("layout", layout, LAYOUTS)
        except (ValueError, KeyError) as error:
            raise DataError(path, None, f"damaged ({error})", remedy) from None
        path = Path(folder) / SYMBOLS_FILE
        symbols = VOCABULARIES[unit].load(path).symbols
        for mark in (BEGIN_TOKEN, END_TOKEN):
            if mark in symbols:
                raise DataError(path, symbols.index(mark) + 1, f"{mark} is no word but a mark", remedy)
        return cls(unit, layout, symbols)

    def _key(self) -> tuple:
        return (self.unit, self.layout, self.symbols)


def whole_words(pieces: Iterable[str]) -> Iterator[str]:
    """Pieces of the same text that end at white space, so that no word is cut; a word that never ends is kept whole."""
    rest: list[str] = []
    for piece in pieces:
        cut = max(piece.rfind(" "), piece.rfind("\n"), piece.rfind("\t")) + 1
        if not cut:
            rest.append(piece)
            continue
        yield "".join((*rest, piece[:cut]))
        rest = [piece[cut:]]
    if any(rest):
        yield "".join(rest)


def _code_points(text: str) -> np.ndarray:
    return np.frombuffer(whole_characters(text).encode("utf-32-le"), "<u4")
