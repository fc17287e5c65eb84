"""Characters <-> ids, by Unicode code point."""

import re
from collections.abc import Iterable, Sequence
from typing import Any, Self

import tensorflow as tf

from keras_seq.text.code_points import CodePointTable
from keras_seq.text.vocabulary import UNKNOWN_ID, SymbolVocabulary


class CharacterVocabulary(SymbolVocabulary):
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
        ValueError: if a string is not one character, or a character comes twice.

    Example:

    >>> vocabulary = CharacterVocabulary.build(["ab", "a"])
    >>> vocabulary.characters
    ('a', 'b')
    >>> vocabulary(tf.constant([ord("b"), ord("z")])).numpy().tolist()
    [3, 1]
    """

    argument = "characters"

    def __init__(self, characters: Sequence[str]):
        super().__init__(characters)
        ids = {ord(character): index for character, index in self._ids.items()}
        self._table = CodePointTable(ids, default=UNKNOWN_ID)

    @property
    def characters(self) -> tuple[str, ...]:
        """The characters in the order of their ids."""
        return self.symbols

    @classmethod
    def build(cls, symbols: Iterable[str], min_count: int = 1, max_size: int | None = None) -> Self:
        """As of every vocabulary, of the characters of tokens."""
        return super().build((character for token in symbols for character in token), min_count, max_size)

    def __call__(self, code_points: tf.Tensor) -> tf.Tensor:
        return self._table(code_points)

    @classmethod
    def _check(cls, symbol: Any, received: str) -> None:
        if not isinstance(symbol, str) or len(symbol) != 1:
            raise ValueError(f"`{cls.argument}` must hold strings of one character. {received}. Split it.")

    @classmethod
    def _read(cls, line: str) -> str:
        match = re.fullmatch(r"U\+([0-9A-F]{4,6})", line)
        if match is None or int(match[1], 16) > 0x10FFFF:
            raise ValueError("write a code point as U+0041")
        return chr(int(match[1], 16))

    @classmethod
    def _line(cls, symbol: str) -> str:
        return f"U+{ord(symbol):04X}"
