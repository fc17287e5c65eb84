"""Characters <-> ids, by Unicode code point."""

import collections
import os
import re
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

import tensorflow as tf

from keras_seq.core.checks import check_positive_integer
from keras_seq.core.errors import DataError
from keras_seq.core.files import atomic_write
from keras_seq.text.code_points import CodePointTable
from keras_seq.text.vocabulary import NUM_SPECIAL, UNKNOWN_ID


class CharacterVocabulary:
    """An immutable list of characters and their ids: 0 padding, 1 unknown, then the characters in order.

    Looked up by code point in a small table that is part of the graph. In a file a character is its code point
    (`U+0041`), so that spaces, line breaks and combining marks survive any editor.

    Args:
        characters: Strings of one character, each once.

    Call arguments:
        code_points: int32 tensor of Unicode code points, any shape.

    Returns:
        int32 tensor of ids of the same shape, 1 for unknown characters.

    Raises:
        ValueError: When a string is not one character, or a character comes twice.

    Example:

    >>> vocabulary = CharacterVocabulary.build(["ab", "a"])
    >>> vocabulary.characters
    ('a', 'b')
    >>> vocabulary(tf.constant([ord("b"), ord("z")])).numpy().tolist()
    [3, 1]
    """

    def __init__(self, characters: Sequence[str]):
        self.characters = tuple(characters)
        for index, character in enumerate(self.characters):
            if not isinstance(character, str) or len(character) != 1:
                raise ValueError(
                    f"`characters` must hold strings of one character. Received: characters[{index}]={character!r}. "
                    "Split it."
                )
        ids = {ord(character): index + NUM_SPECIAL for index, character in enumerate(self.characters)}
        if len(ids) < len(self.characters):
            repeated = [item for item, count in collections.Counter(self.characters).items() if count > 1]
            raise ValueError(f"`characters` must be distinct. Received: {repeated[0]!r} twice. Drop one.")
        self._table = CodePointTable(ids, default=UNKNOWN_ID)

    @classmethod
    def build(cls, tokens: Iterable[str], min_count: int = 1, max_size: int | None = None) -> "CharacterVocabulary":
        """Count the characters of tokens and keep the frequent ones; equal counts are ordered by code point.

        Args:
            tokens: All tokens of the training data, with repetitions.
            min_count: Rarer characters are left out.
            max_size: The most characters to keep, or `None` for all.

        Returns:
            A `CharacterVocabulary`, the most frequent character first.
        """
        counts: collections.Counter[str] = collections.Counter()
        for token, count in collections.Counter(tokens).items():
            for character in token:
                counts[character] += count
        return cls.from_counts(counts, min_count, max_size)

    @classmethod
    def from_counts(
        cls, counts: Mapping[str, int], min_count: int = 1, max_size: int | None = None
    ) -> "CharacterVocabulary":
        """As `build`, from the number of times each character occurs."""
        check_positive_integer("min_count", min_count)
        if max_size is not None:
            check_positive_integer("max_size", max_size)
        kept = sorted((-count, character) for character, count in counts.items() if count >= min_count)
        return cls([character for _, character in kept[:max_size]])

    @classmethod
    def load(cls, path: str | os.PathLike) -> "CharacterVocabulary":
        """Read what `save` wrote.

        Raises:
            DataError: When the file is missing, or a line is no code point or repeats another.
        """
        try:
            lines = Path(path).read_text(encoding="utf-8", errors="replace").splitlines()
        except OSError as error:
            raise DataError(path, None, f"cannot be read ({error.strerror})", "name a file of characters") from error
        characters: dict[str, int] = {}
        for number, line in enumerate(lines, start=1):
            match = re.fullmatch(r"U\+([0-9A-F]{4,6})", line)
            if match is None or int(match[1], 16) > 0x10FFFF:
                raise DataError(path, number, f"no code point ({line[:20]!r})", "write it as U+0041")
            character = chr(int(match[1], 16))
            if character in characters:
                raise DataError(path, number, f"repeats line {characters[character]}", "keep each character once")
            characters[character] = number
        return cls(list(characters))

    def save(self, path: str | os.PathLike) -> None:
        """Write one code point a line, as `U+0041`: line 1 has id 2."""
        with atomic_write(path, "w") as file:
            file.writelines(f"U+{ord(character):04X}\n" for character in self.characters)

    def __len__(self) -> int:
        """The number of ids, padding and unknown among them: the size of an embedding table."""
        return len(self.characters) + NUM_SPECIAL

    def __eq__(self, other: object) -> bool:
        return isinstance(other, CharacterVocabulary) and self.characters == other.characters

    def __hash__(self) -> int:
        return hash(self.characters)

    def __call__(self, code_points: tf.Tensor) -> tf.Tensor:
        return self._table(code_points)
