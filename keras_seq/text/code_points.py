"""What is known of every Unicode code point, as small tables that a TensorFlow graph can hold.

The tables come from Python's `unicodedata` when they are first asked for. Code points of planes without letters, marks
and symbols (4 to 16, but for the tags and selectors of plane 14) keep the default.
"""

import functools
import sys
import unicodedata
from collections.abc import Callable, Iterator

import numpy as np
import tensorflow as tf

_PAGE_BITS = 8
_PAGE_SIZE = 1 << _PAGE_BITS
_NUM_PAGES = (sys.maxunicode + 1) >> _PAGE_BITS

# Character classes. Every test below relies on this order: words are up to DIGIT, tokens up to SYMBOL.
UPPER, LOWER, LETTER, MARK, DIGIT, EXTENDER, SYMBOL, SPACE = range(8)
NUM_CLASSES = 8

ZERO_WIDTH_JOINER = 0x200D
# The joiners and the soft hyphen stand inside words.
_INVISIBLE_MARKS = {ZERO_WIDTH_JOINER, 0x200C, 0xAD}
# Variation selectors, skin tones, tags of flags.
_EXTENDERS = {*range(0xFE00, 0xFE10), *range(0x1F3FB, 0x1F400), *range(0xE0020, 0xE0080), *range(0xE0100, 0xE01F0)}


class CodePointTable:
    """A map from code points to integers: two gathers, some kilobytes.

    Args:
        mapping: The values that differ from the default.
        default: The value of all other code points. No value may be negative.

    Call arguments:
        code_points: int32 tensor of any shape, from 0 to 0x10FFFF.

    Returns:
        int32 tensor of the same shape.

    Example:

    >>> CodePointTable({ord("a"): 7})(tf.constant([97, 98])).numpy().tolist()
    [7, 0]
    """

    def __init__(self, mapping: dict[int, int], default: int = 0):
        self.default = default
        pages: dict[bytes, int] = {}
        rows: list[np.ndarray] = []
        page_of = np.zeros(_NUM_PAGES, dtype="int32")
        dtype = np.min_scalar_type(max([default, *mapping.values()]))
        by_page: dict[int, list[tuple[int, int]]] = {}
        for code_point, value in mapping.items():
            by_page.setdefault(code_point >> _PAGE_BITS, []).append((code_point & (_PAGE_SIZE - 1), value))
        for page in [-1, *sorted(by_page)]:
            row = np.full(_PAGE_SIZE, default, dtype=dtype)
            for position, value in by_page.get(page, ()):
                row[position] = value
            # Equal pages, most of all the page of defaults, are stored once.
            index = pages.setdefault(row.tobytes(), len(rows))
            if index == len(rows):
                rows.append(row)
            if page >= 0:
                page_of[page] = index
        self._page_of = page_of.astype(np.min_scalar_type(len(rows)))
        self._values = np.concatenate(rows)

    def __call__(self, code_points: tf.Tensor) -> tf.Tensor:
        page = tf.gather(tf.constant(self._page_of), tf.bitwise.right_shift(code_points, _PAGE_BITS))
        position = tf.bitwise.bitwise_and(code_points, _PAGE_SIZE - 1)
        values = tf.gather(tf.constant(self._values), tf.cast(page, tf.int32) * _PAGE_SIZE + position)
        return tf.cast(values, tf.int32)


def assigned_code_points() -> Iterator[int]:
    """Code points that a table may have something to say about, in order; surrogates are left out."""
    yield from range(0xD800)
    yield from range(0xE000, 0x40000)
    yield from range(0xE0000, 0xE0200)


def table_of(function: Callable[[str], int], default: int) -> CodePointTable:
    """A table of what `function` says of each character, where that is not the default."""
    values = ((code_point, function(chr(code_point))) for code_point in assigned_code_points())
    return CodePointTable({code_point: value for code_point, value in values if value != default}, default)


@functools.cache
def class_table() -> CodePointTable:
    """Class of each code point: UPPER, LOWER, LETTER, MARK, DIGIT, EXTENDER, SYMBOL or SPACE.

    Spaces are all separators and control characters, NUL and zero-width ones among them. Zero-width joiners and
    the soft hyphen are marks. Extenders (variation selectors, skin tones) belong to the character before them, but are
    no part of a word. Unassigned and private code points are symbols.
    """
    classes = {"Lu": UPPER, "Lt": UPPER, "Ll": LOWER, "Lm": LETTER, "Lo": LETTER, "Nd": DIGIT, "Nl": LETTER}
    classes |= {"No": DIGIT, "Mn": MARK, "Mc": MARK, "Me": MARK}
    classes |= {"Zs": SPACE, "Zl": SPACE, "Zp": SPACE, "Cc": SPACE, "Cf": SPACE}

    def class_of(character: str) -> int:
        if ord(character) in _EXTENDERS:
            return EXTENDER
        if ord(character) in _INVISIBLE_MARKS:
            return MARK
        return classes.get(unicodedata.category(character), SYMBOL)

    return table_of(class_of, SYMBOL)


@functools.cache
def folding_table() -> CodePointTable:
    """Code point of the lower-case letter, of `0` for a decimal digit, of `"` for a quotation mark; else 0.

    Letters whose lower case is several characters (the dotted capital I alone) get the first of them.
    """

    def fold(character: str) -> int:
        if character in "“”„‟«»＂":
            return ord('"')
        if unicodedata.category(character) == "Nd":
            return ord("0")
        lower = ord(character.lower()[0])
        return 0 if lower == ord(character) else lower

    return table_of(fold, 0)
