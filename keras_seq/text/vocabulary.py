"""Tokens <-> ids."""

import collections
import os
import shutil
import tempfile
import weakref
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, ClassVar, Self

import numpy as np
import tensorflow as tf

from keras_seq.core.checks import check_positive_integer
from keras_seq.core.digests import digest_of
from keras_seq.core.errors import DataError
from keras_seq.core.files import atomic_write

PADDING_ID = 0
UNKNOWN_ID = 1
NUM_SPECIAL = 2
UNKNOWN_TOKEN = "[UNK]"


class SymbolVocabulary:
    """The base of vocabularies: an immutable list of strings, and their ids: 0 padding, 1 unknown, then in order.

    A subclass says which strings it takes and how one stands in a line of a file.

    Args:
        symbols: the known strings, each once.

    Raises:
        TypeError, ValueError: if a string is none of this vocabulary, or comes twice.
    """

    argument: ClassVar[str] = "symbols"
    """What messages call the list."""

    def __init__(self, symbols: Sequence[str]):
        self.symbols = tuple(symbols)
        self._ids: dict[str, int] = {}
        for index, symbol in enumerate(self.symbols):
            received = f"Received: {self.argument}[{index}]={symbol!r}"
            self._check(symbol, received)
            if symbol in self._ids:
                raise ValueError(f"`{self.argument}` must be distinct. {received}, the second time. Drop one.")
            self._ids[symbol] = index + NUM_SPECIAL

    @classmethod
    def build(cls, symbols: Iterable[str], min_count: int = 1, max_size: int | None = None) -> Self:
        """Count symbols and keep the frequent ones; equal counts are ordered by code point, so the order is fixed.

        Args:
            symbols: those of the training data, with repetitions; what the vocabulary does not take is skipped.
            min_count: rarer ones are left out.
            max_size: the most to keep (the two special ids not counted), or `None` for all.

        Returns:
            A vocabulary, the most frequent symbol first.
        """
        return cls.from_counts(collections.Counter(symbols), min_count, max_size)

    @classmethod
    def from_counts(cls, counts: Mapping[str, int], min_count: int = 1, max_size: int | None = None) -> Self:
        """As `build`, from the number of times each symbol occurs."""
        check_positive_integer("min_count", min_count)
        if max_size is not None:
            check_positive_integer("max_size", max_size)
        kept = sorted((-count, symbol) for symbol, count in counts.items() if count >= min_count and cls._takes(symbol))
        return cls([symbol for _, symbol in kept[:max_size]])

    @classmethod
    def load(cls, path: str | os.PathLike) -> Self:
        """Read what `save` wrote.

        Raises:
            DataError: if the file is missing, not UTF-8, or a line holds no symbol or repeats another.
        """
        seen: dict[str, int] = {}
        for number, line in enumerate(lines_of(path), start=1):
            try:
                symbol = cls._read(line)
            except ValueError as error:
                raise DataError(path, number, f"no such symbol ({line[:20]!r})", str(error)) from None
            if symbol in seen:
                raise DataError(path, number, f"repeats line {seen[symbol]}", "keep each once")
            seen[symbol] = number
        return cls(list(seen))

    def save(self, path: str | os.PathLike) -> None:
        """Write one symbol a line, UTF-8: line 1 has id 2."""
        with atomic_write(path, "w") as file:
            file.writelines(f"{self._line(symbol)}\n" for symbol in self.symbols)

    def __len__(self) -> int:
        """The number of ids, padding and unknown among them: the size of an embedding table."""
        return len(self.symbols) + NUM_SPECIAL

    def __contains__(self, symbol: object) -> bool:
        return symbol in self._ids

    def __eq__(self, other: object) -> bool:
        return type(other) is type(self) and self.symbols == other.symbols

    def __hash__(self) -> int:
        return hash(self.symbols)

    def lookup(self, symbols: Iterable[str]) -> np.ndarray:
        """Ids of a flat list of symbols: int32, 0 for `""`, 1 for unknown ones."""
        return np.array([self._ids.get(symbol, UNKNOWN_ID if symbol else PADDING_ID) for symbol in symbols], "int32")

    @classmethod
    def _takes(cls, symbol: str) -> bool:
        try:
            cls._check(symbol, "")
        except (TypeError, ValueError):
            return False
        return True

    @classmethod
    def _check(cls, symbol: Any, received: str) -> None:
        """Raise unless it is a symbol of this vocabulary; the message says what was received."""

    @classmethod
    def _read(cls, line: str) -> str:
        """The symbol of a line; a ValueError says how it is written."""
        return line

    @classmethod
    def _line(cls, symbol: str) -> str:
        return symbol


class Vocabulary(SymbolVocabulary):
    """An immutable list of tokens and their ids: 0 padding (`""`), 1 unknown (`"[UNK]"`), then the tokens in order.

    For words, tags, anything that is a string. Build it from training data only: what a vocabulary knows of the test
    data flatters the score.

    Args:
        tokens: The known tokens: none empty, none with a line break (a file has one token a line), each once,
            none of them `"[UNK]"`.

    Raises:
        TypeError: if a token is not a string.
        ValueError: if a token is empty or `"[UNK]"`, holds a line break, or comes twice.

    Example:

    >>> vocabulary = Vocabulary.build(["a", "b", "a"])
    >>> vocabulary.tokens
    ('a', 'b')
    >>> vocabulary.lookup(["b", "zebra", ""]).tolist()
    [3, 1, 0]
    >>> len(vocabulary)
    4
    """

    argument = "tokens"

    @property
    def tokens(self) -> tuple[str, ...]:
        """The tokens in the order of their ids."""
        return self.symbols

    def token(self, token_id: int) -> str:
        """The token of one id: `""` for 0, `"[UNK]"` for 1.

        Raises:
            ValueError: if no token has this id.
        """
        if not 0 <= token_id < len(self):
            raise ValueError(
                f"`token_id` must be from 0 to {len(self) - 1}. Received: token_id={token_id!r}. "
                "Use the vocabulary the ids were made with."
            )
        return self.names[token_id]

    @property
    def names(self) -> tuple[str, ...]:
        """The tokens of all ids, those of padding and of what is unknown too."""
        return ("", UNKNOWN_TOKEN, *self.symbols)

    def table(self, name: str = "vocabulary") -> "VocabularyTable":
        """A new look-up table for TensorFlow graphs; `name` names its file among the assets of an export."""
        return VocabularyTable(self, name)

    @classmethod
    def _check(cls, symbol: Any, received: str) -> None:
        if not isinstance(symbol, str):
            raise TypeError(f"`{cls.argument}` must hold strings. {received}. Decode bytes first.")
        if symbol in ("", UNKNOWN_TOKEN):
            raise ValueError(
                f"`{cls.argument}` must not be '' or {UNKNOWN_TOKEN!r}, whose ids are 0 and 1. {received}. Drop it."
            )
        if "\n" in symbol or "\r" in symbol:
            raise ValueError(f"`{cls.argument}` must not hold line breaks. {received}. Split or drop it.")

    @classmethod
    def _read(cls, line: str) -> str:
        if not cls._takes(line):
            raise ValueError("put one token on each line, none empty or [UNK]")
        return line


class VocabularyTable(tf.Module):
    """The look-up of a `Vocabulary` in eager code, in `tf.data` and inside an exported graph.

    The tokens are a text file among the SavedModel's assets. Keep the table as an attribute of a `tf.Module` that is
    passed to `archive.track`, so that the export finds it.

    Args:
        vocabulary: What to look up.
        name: The asset is `<name>.txt`.

    Call arguments:
        tokens: String tensor (UTF-8), any shape.

    Returns:
        int32 tensor of the same shape: 0 for `""`, 1 for unknown tokens.

    Example:

    >>> table = Vocabulary(["a", "b"]).table()
    >>> table(tf.constant([["b", "c", ""]])).numpy().tolist()
    [[3, 1, 0]]
    """

    def __init__(self, vocabulary: Vocabulary, name: str = "vocabulary"):
        super().__init__()
        # The export copies the file, so it lives as long as the table does.
        folder = tempfile.mkdtemp(prefix="keras_seq_")
        weakref.finalize(self, shutil.rmtree, folder, ignore_errors=True)
        path = os.path.join(folder, f"{name}.txt")
        # The first line stands for the unknown token: TensorFlow cannot read a file without any line.
        with open(path, "w", encoding="utf-8", newline="\n") as file:
            file.writelines(f"{token}\n" for token in vocabulary.names[UNKNOWN_ID:])
        self._table = tf.lookup.StaticHashTable(_LinesOfFile(path), default_value=0)

    def __call__(self, tokens: tf.Tensor) -> tf.Tensor:
        # Line 0, like the default, becomes id 1; line 1 has id 2.
        ids = tf.cast(self._table.lookup(tokens), tf.int32) + 1
        return tf.where(tf.equal(tokens, ""), PADDING_ID, ids)


class _LinesOfFile(tf.lookup.TextFileInitializer):
    """The lines of a file and their numbers, in a table whose name tells the content.

    TensorFlow names a table after the path of its file, which would stand in an exported graph. Tables of one name are
    one table in a process, so what is named alike must be alike.
    """

    def __init__(self, path: str):
        # Before the constructor of the base, which may ask for the name.
        self._name_of_table = f"{os.path.basename(path)}_{digest_of(path)}"
        lines = tf.lookup.TextFileIndex
        super().__init__(path, tf.string, lines.WHOLE_LINE, tf.int64, lines.LINE_NUMBER)

    @property
    def _shared_name(self) -> str:
        return self._name_of_table


def lines_of(path: str | os.PathLike) -> list[str]:
    """The lines of a vocabulary file, UTF-8, that end with a line feed (or the line ends of Windows).

    Raises:
        DataError: if it cannot be read, or is not UTF-8.
    """
    try:
        content = Path(path).read_bytes()
    except OSError as error:
        raise DataError(path, None, f"cannot be read ({error.strerror})", "name a vocabulary file") from error
    try:
        lines = content.decode("utf-8").replace("\r\n", "\n").split("\n")
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        raise DataError(path, line, "not UTF-8", "save the vocabulary as UTF-8") from error
    return lines if lines[-1] else lines[:-1]
