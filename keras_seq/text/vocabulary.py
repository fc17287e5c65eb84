"""Tokens <-> ids."""

import collections
import os
import shutil
import tempfile
import weakref
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

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


class Vocabulary:
    """An immutable list of tokens and their ids: 0 padding (`""`), 1 unknown (`"[UNK]"`), then the tokens in order.

    For words, tags, anything that is a string. Build it from training data only: what a vocabulary knows of the test
    data flatters the score.

    Args:
        tokens: The known tokens: none empty, none with a line break (a file has one token a line), each once,
            none of them `"[UNK]"`.

    Raises:
        TypeError: When a token is not a string.
        ValueError: When a token is empty or `"[UNK]"`, holds a line break, or comes twice.

    Example:

    >>> vocabulary = Vocabulary.build(["a", "b", "a"])
    >>> vocabulary.tokens
    ('a', 'b')
    >>> vocabulary.lookup(["b", "zebra", ""]).tolist()
    [3, 1, 0]
    >>> len(vocabulary)
    4
    """

    def __init__(self, tokens: Sequence[str]):
        self.tokens = tuple(tokens)
        self._ids = {"": PADDING_ID, UNKNOWN_TOKEN: UNKNOWN_ID}
        for index, token in enumerate(self.tokens):
            if not isinstance(token, str):
                raise TypeError(f"`tokens` must hold strings. Received: tokens[{index}]={token!r}. Decode bytes first.")
            if token in ("", UNKNOWN_TOKEN):
                raise ValueError(
                    f"`tokens` must not be '' or {UNKNOWN_TOKEN!r}, which have the ids 0 and 1. "
                    f"Received: tokens[{index}]={token!r}. Drop it."
                )
            if "\n" in token or "\r" in token:
                raise ValueError(
                    f"`tokens` must not hold line breaks. Received: tokens[{index}]={token!r}. Split or drop it."
                )
            if token in self._ids:
                first = self._ids[token] - NUM_SPECIAL
                raise ValueError(
                    f"`tokens` must be distinct. Received: tokens[{first}]=tokens[{index}]={token!r}. Drop one."
                )
            self._ids[token] = index + NUM_SPECIAL

    @classmethod
    def build(cls, tokens: Iterable[str], min_count: int = 1, max_size: int | None = None) -> "Vocabulary":
        """Count tokens and keep the frequent ones; equal counts are ordered by code point, so the order is fixed.

        Args:
            tokens: All tokens of the training data, with repetitions. `""`, `"[UNK]"` and tokens with a
                line break are skipped.
            min_count: Rarer tokens are left out.
            max_size: The most tokens to keep (the two special ids not counted), or `None` for all.

        Returns:
            A `Vocabulary`, the most frequent token first.
        """
        return cls.from_counts(collections.Counter(tokens), min_count, max_size)

    @classmethod
    def from_counts(cls, counts: Mapping[str, int], min_count: int = 1, max_size: int | None = None) -> "Vocabulary":
        """As `build`, from the number of times each token occurs."""
        check_positive_integer("min_count", min_count)
        if max_size is not None:
            check_positive_integer("max_size", max_size)
        kept = sorted((-count, token) for token, count in counts.items() if count >= min_count and _is_token(token))
        return cls([token for _, token in kept[:max_size]])

    @classmethod
    def load(cls, path: str | os.PathLike) -> "Vocabulary":
        """Read what `save` wrote.

        Raises:
            DataError: When the file is missing, not UTF-8, or holds an empty or repeated line.
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
        if lines and not lines[-1]:
            lines.pop()
        seen: dict[str, int] = {}
        for number, token in enumerate(lines, start=1):
            if not _is_token(token):
                raise DataError(
                    path, number, f"no token ({token!r})", "put one token on each line, none empty or [UNK]"
                )
            if token in seen:
                raise DataError(path, number, f"repeats line {seen[token]}", "keep each token once")
            seen[token] = number
        return cls(lines)

    def save(self, path: str | os.PathLike) -> None:
        """Write one token a line, UTF-8: line 1 has id 2."""
        with atomic_write(path, "w") as file:
            file.writelines(f"{token}\n" for token in self.tokens)

    def __len__(self) -> int:
        """The number of ids, padding and unknown among them: the size of an embedding table."""
        return len(self.tokens) + NUM_SPECIAL

    def __contains__(self, token: object) -> bool:
        return self._ids.get(token, UNKNOWN_ID) >= NUM_SPECIAL if isinstance(token, str) else False

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Vocabulary) and self.tokens == other.tokens

    def __hash__(self) -> int:
        return hash(self.tokens)

    def lookup(self, tokens: Iterable[str]) -> np.ndarray:
        """Ids of a flat list of tokens: int32, 0 for `""`, 1 for unknown ones."""
        return np.array([self._ids.get(token, UNKNOWN_ID) for token in tokens], dtype="int32")

    def token(self, token_id: int) -> str:
        """The token of one id: `""` for 0, `"[UNK]"` for 1.

        Raises:
            ValueError: When no token has this id.
        """
        if not 0 <= token_id < len(self):
            raise ValueError(
                f"`token_id` must be from 0 to {len(self) - 1}. Received: token_id={token_id!r}. "
                "Use the vocabulary the ids were made with."
            )
        if token_id < NUM_SPECIAL:
            return ("", UNKNOWN_TOKEN)[token_id]
        return self.tokens[token_id - NUM_SPECIAL]

    def table(self, name: str = "vocabulary") -> "VocabularyTable":
        """A new look-up table for TensorFlow graphs; `name` names its file among the assets of an export."""
        return VocabularyTable(self, name)


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
            file.writelines(f"{token}\n" for token in (UNKNOWN_TOKEN, *vocabulary.tokens))
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


def _is_token(text: str) -> bool:
    return text not in ("", UNKNOWN_TOKEN) and "\n" not in text and "\r" not in text
