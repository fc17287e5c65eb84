"""What is known of every Unicode code point, as small tables that a TensorFlow graph can hold.

The tables come from Python's `unicodedata` when they are first asked for. Code points of planes without letters, marks
and symbols (4 to 16, but for the tags and selectors of plane 14) keep the default.
"""

import functools
import re
import sys
import unicodedata
from collections.abc import Callable, Iterator, Mapping

import numpy as np
import tensorflow as tf

NUM_CODE_POINTS = sys.maxunicode + 1
_PAGE_BITS = 8
_PAGE_SIZE = 1 << _PAGE_BITS

# Character classes. Every test below relies on this order: words are up to DIGIT, tokens up to SYMBOL.
UPPER, LOWER, LETTER, MARK, DIGIT, EXTENDER, SYMBOL, SPACE = range(8)
NUM_CLASSES = 8

ZERO_WIDTH_JOINER = 0x200D
# The joiners and the soft hyphen stand inside words.
_INVISIBLE_MARKS = {ZERO_WIDTH_JOINER, 0x200C, 0xAD}
# Variation selectors, skin tones, tags of flags.
_SURROGATE = re.compile("[\ud800-\udfff]")
_EXTENDERS = {*range(0xFE00, 0xFE10), *range(0x1F3FB, 0x1F400), *range(0xE0020, 0xE0080), *range(0xE0100, 0xE01F0)}


class CodePointTable:
    """A map from code points to integers: two gathers, some kilobytes.

    Args:
        values: The values that differ from the default, or an array with the value of every code point. None may be
            negative.
        default: The value of all other code points.

    Call arguments:
        code_points: int32 tensor of any shape, from 0 to 0x10FFFF.

    Returns:
        int32 tensor of the same shape.

    Example:

    >>> CodePointTable({ord("a"): 7})(tf.constant([97, 98])).numpy().tolist()
    [7, 0]
    """

    def __init__(self, values: Mapping[int, int] | np.ndarray, default: int = 0):
        if not isinstance(values, np.ndarray):
            mapping, values = values, np.full(NUM_CODE_POINTS, default, "int32")
            values[np.fromiter(mapping, "int32", len(mapping))] = np.fromiter(mapping.values(), "int32", len(mapping))
        # A constant of two bytes or less is cast in the graph.
        smallest = np.min_scalar_type(values.max())
        rows = values.astype(smallest if smallest.itemsize <= 2 else "int32").reshape(-1, _PAGE_SIZE)
        # Equal pages are stored once.
        pages: dict[bytes, int] = {}
        page_of = [pages.setdefault(row.tobytes(), len(pages)) for row in rows]
        self._begin_of_page = np.array(page_of, "int32") * _PAGE_SIZE
        self._values = np.frombuffer(b"".join(pages), rows.dtype)

    def __call__(self, code_points: tf.Tensor) -> tf.Tensor:
        begin = tf.gather(tf.constant(self._begin_of_page), tf.bitwise.right_shift(code_points, _PAGE_BITS))
        position = tf.bitwise.bitwise_and(code_points, _PAGE_SIZE - 1)
        return tf.cast(tf.gather(tf.constant(self._values), begin + position), tf.int32)


def whole_characters(text: str) -> str:
    """The text with U+FFFD where half of a surrogate pair stands, which a Python string may hold and UTF-8 may not.

    All other characters keep their places; TensorFlow would read three characters where one stands.

    Example:
        >>> whole_characters("a\\udcffb") == "a\\ufffdb"
        True
    """
    return _SURROGATE.sub("\ufffd", text)


def assigned_code_points() -> Iterator[int]:
    """Code points that a table may have something to say about, in order; surrogates are left out."""
    yield from range(0xD800)
    yield from range(0xE000, 0x40000)
    yield from range(0xE0000, 0xE0200)


def values_of(function: Callable[[str], int], default: int) -> np.ndarray:
    """What `function` says of each character, int32, the default for code points without characters."""
    values = np.full(NUM_CODE_POINTS, default, "int32")
    code_points = np.fromiter(assigned_code_points(), "int32")
    values[code_points] = [function(chr(code_point)) for code_point in code_points]
    return values


@functools.cache
def classes() -> np.ndarray:
    """Class of each code point: UPPER, LOWER, LETTER, MARK, DIGIT, EXTENDER, SYMBOL or SPACE.

    Spaces are all separators and control characters, NUL and zero-width ones among them. Zero-width joiners and
    the soft hyphen are marks. Extenders (variation selectors, skin tones) belong to the character before them, but are
    no part of a word. Unassigned and private code points are symbols.
    """
    classes = {"Lu": UPPER, "Lt": UPPER, "Ll": LOWER, "Lm": LETTER, "Lo": LETTER, "Nd": DIGIT, "Nl": LETTER}
    classes |= {"No": DIGIT, "Mn": MARK, "Mc": MARK, "Me": MARK}
    classes |= {"Zs": SPACE, "Zl": SPACE, "Zp": SPACE, "Cc": SPACE, "Cf": SPACE}
    values = values_of(lambda character: classes.get(unicodedata.category(character), SYMBOL), SYMBOL)
    values[list(_INVISIBLE_MARKS)] = MARK
    values[list(_EXTENDERS)] = EXTENDER
    return values


@functools.cache
def folded() -> np.ndarray:
    """Code point of the lower-case letter, of `0` for a decimal digit, of `"` for a quotation mark, else its own.

    Letters whose lower case is several characters (the dotted capital I alone) get the first of them.
    """

    def fold(character: str) -> int:
        if character in "“”„‟«»＂":
            return ord('"')
        if unicodedata.category(character) == "Nd":
            return ord("0")
        return ord(character.lower()[0])

    folded = values_of(fold, 0)
    return np.where(folded > 0, folded, np.arange(NUM_CODE_POINTS))
