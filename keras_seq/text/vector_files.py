"""Files of word vectors, in the text formats of word2vec and GloVe."""

import os
import re
from collections.abc import Iterator
from typing import NamedTuple

import numpy as np

from keras_seq.core.checks import check_positive_integer
from keras_seq.core.errors import DataError
from keras_seq.core.files import atomic_write
from keras_seq.core.lines import read_lines
from keras_seq.text.encoding import normalized_words
from keras_seq.text.vocabulary import NUM_SPECIAL, Vocabulary

FORMAT = "a line is a word and its numbers, parted by spaces"
LINES_PER_CHUNK = 4096
# A number with a decimal point or an exponent: no part of a word that holds spaces. Neither is a whole number where all
# numbers of a line are whole ones.
_INTEGER = re.compile(r"[+-]?[0-9]+")
_NUMBER = re.compile(r"[+-]?(\d+\.\d*|\.\d+|\d+(?=[eE]))([eE][+-]?\d+)?")


def load_word_vectors(
    path: str | os.PathLike, vocabulary: Vocabulary, embedding_dim: int | None = None
) -> tuple[np.ndarray, np.ndarray]:
    """Read the vectors of known words from a file that others have trained.

    Two formats are told apart by their first line: that of word2vec begins with the number of words and of numbers a
    word, that of GloVe does not. Plain or gzip, told by content. Memory grows with the vocabulary, not with the file. A
    word of the file may hold spaces. Words are put in the form under which the encoder looks words up (lower case,
    every digit `0`); of several that become the same the first counts: files are sorted by frequency.

    Args:
        path: The file.
        vocabulary: The words that are wanted.
        embedding_dim: The numbers a word; `None` takes what the file has.

    Returns:
        `(vectors, found)`: float32 `(len(vocabulary), embedding_dim)`, zero where nothing was found, and a boolean
        array `(len(vocabulary),)`.

    Raises:
        DataError: naming file and line, if the file is missing, empty, cut short or damaged, has vectors of another
            size, a line with too few or too many numbers or with something else than numbers, or no known word.

    Example:

    >>> import tempfile, pathlib
    >>> path = pathlib.Path(tempfile.mkdtemp()) / "vectors.txt"
    >>> _ = path.write_text("Lei 0.5 1\\nde 0 2\\n")
    >>> vectors, found = load_word_vectors(path, Vocabulary(["lei", "zebra"]))
    >>> vectors.tolist(), found.tolist()
    ([[0.0, 0.0], [0.0, 0.0], [0.5, 1.0], [0.0, 0.0]], [False, False, True, False])
    """
    if embedding_dim is not None:
        check_positive_integer("embedding_dim", embedding_dim)
    lines = _read_lines(path)
    number, first = next(lines)
    expected_lines = None
    if re.fullmatch(r"\d+ \d+", first):
        expected_lines, size = map(int, first.split())
    else:
        size = first.count(" ")
        lines = _chain(number, first, lines)
    if embedding_dim is not None:
        # Without a header, what looks like too many numbers may be a word with spaces.
        if size < embedding_dim or (expected_lines is not None and size > embedding_dim):
            reason = f"vectors of {size} numbers where {embedding_dim} are expected"
            raise DataError(path, 1, reason, "set the size to that of the file")
        size = embedding_dim
    if not size:
        raise DataError(path, 1, "no numbers after the word", FORMAT)
    vectors = np.zeros((len(vocabulary), size), "float32")
    found = np.zeros(len(vocabulary), bool)
    chunk: list[_Line] = []
    count = 0
    for number, text in lines:
        count += 1
        chunk.append(_split(path, number, text, size))
        if len(chunk) == LINES_PER_CHUNK:
            _take(path, chunk, vocabulary, vectors, found)
            chunk.clear()
    _take(path, chunk, vocabulary, vectors, found)
    if expected_lines is not None and count < expected_lines:
        raise DataError(path, None, f"ends after {count} of {expected_lines} words", "fetch it again")
    if expected_lines is not None and count > expected_lines:
        reason = f"holds {count} words, but its first line announces {expected_lines}"
        raise DataError(path, None, reason, "correct the first line, or fetch it again")
    if not found.any():
        raise DataError(path, None, "holds no word of the vocabulary", "name a file of vectors for this language")
    return vectors, found


def save_word_vectors(path: str | os.PathLike, vocabulary: Vocabulary, vectors: np.ndarray) -> None:
    """Write the vectors of all words (not of padding and unknown) in the text format of word2vec.

    The file appears whole or not at all. `load_word_vectors` reads the same float32 numbers from it.

    Args:
        path: The file.
        vocabulary: The words.
        vectors: `(len(vocabulary), dim)`, finite.

    Raises:
        ValueError: if the shape does not fit, or a number is not finite.
    """
    vectors = np.asarray(vectors, "float32")
    if vectors.ndim != 2 or len(vectors) != len(vocabulary) or not vectors.shape[1]:
        raise ValueError(
            f"`vectors` must have a row for each of the {len(vocabulary)} ids. Received: shape {vectors.shape}. "
            "Pass the table that belongs to this vocabulary."
        )
    if not np.isfinite(vectors).all():
        raise ValueError("`vectors` must be finite. Received: infinite numbers, or NaN. Train with a lower rate.")
    with atomic_write(path, "w") as file:
        file.write(f"{len(vocabulary.tokens)} {vectors.shape[1]}\n")
        for word, vector in zip(vocabulary.tokens, vectors[NUM_SPECIAL:], strict=True):
            # Nine digits tell any two float32 numbers apart.
            file.write(f"{word} {' '.join(f'{value:.9g}' for value in vector.tolist())}\n")


class _Line(NamedTuple):
    number: int
    word: str
    values: list[str]


def _read_lines(path: str | os.PathLike) -> Iterator[tuple[int, str]]:
    """The lines, spaces in the place of tabs; published files hold words that were cut inside a character."""
    for number, line in read_lines(path, FORMAT, errors="replace"):
        yield number, line.rstrip(" \t").replace("\t", " ")


def _chain(number: int, first: str, lines: Iterator[tuple[int, str]]) -> Iterator[tuple[int, str]]:
    yield number, first
    yield from lines


def _split(path: str | os.PathLike, number: int, text: str, size: int) -> _Line:
    word, *values = text.rsplit(" ", size)
    if len(values) < size:
        raise DataError(path, number, f"{len(values)} numbers where {size} are expected", FORMAT)
    # More numbers than there should be look like a word with spaces.
    surplus = word.split(" ")[1:]
    is_number = _INTEGER if all(_INTEGER.fullmatch(value) for value in values) else _NUMBER
    if surplus and all(is_number.fullmatch(part) for part in surplus):
        raise DataError(path, number, f"{size + len(surplus)} numbers where {size} are expected", FORMAT)
    return _Line(number, word, values)


def _take(
    path: str | os.PathLike, lines: list[_Line], vocabulary: Vocabulary, vectors: np.ndarray, found: np.ndarray
) -> None:
    """Put the vectors of known words where they belong."""
    ids = vocabulary.lookup(normalized_words([line.word for line in lines]))
    for index, line in zip(ids.tolist(), lines, strict=True):
        if index < NUM_SPECIAL or found[index]:
            continue
        try:
            with np.errstate(over="ignore"):
                vectors[index] = [float(value) for value in line.values]
        except ValueError:
            wrong = next(value for value in line.values if not _is_number(value))
            raise DataError(path, line.number, f"{wrong[:40]!r} is no number", FORMAT) from None
        if not np.isfinite(vectors[index]).all():
            raise DataError(path, line.number, "a number is not finite", "remove the line")
        found[index] = True


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True
