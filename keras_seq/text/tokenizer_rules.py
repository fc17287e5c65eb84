"""What makes one token of neighbouring characters: rules over a character, the one before it and the one after it."""

import functools
from typing import NamedTuple

import numpy as np

from keras_seq.text import code_points as cp


class Rule(NamedTuple):
    """Holds at a character when the one before, the character itself and the one after are among these.

    Beyond the ends of a text there are spaces. Each is a boolean array over all code points.
    """

    before: np.ndarray
    itself: np.ndarray
    after: np.ndarray


@functools.cache
def tokenizer_rules() -> dict[str, Rule]:
    """The rules by name."""
    classes, folded = cp.classes(), cp.folded()
    code_points = np.arange(cp.NUM_CODE_POINTS)

    def among(characters: str) -> np.ndarray:
        return np.isin(code_points, [ord(character) for character in characters])

    def letter(letters: str) -> np.ndarray:
        return np.isin(folded, [ord(character) for character in letters])

    anything = classes >= 0
    space = classes == cp.SPACE
    alphanumeric = classes <= cp.DIGIT
    word = alphanumeric | among("_")
    repeatable = (classes == cp.SYMBOL) & ~among("()[]{}")
    apostrophe = among("'’")
    return {
        "space": Rule(anything, space, anything),
        # The character belongs to the token of the one before it,
        "word": Rule(word, word, anything),
        "infix": Rule(alphanumeric, among(".,/-'’:°⁄&@–=+"), alphanumeric),
        "ordinal": Rule(alphanumeric, among("°"), anything),
        "attached": Rule(~space, (classes == cp.MARK) | (classes == cp.EXTENDER), anything),
        "after_joiner": Rule(among(chr(cp.ZERO_WIDTH_JOINER)), ~space, anything),
        # or does so when both are the same,
        "symbol": Rule(repeatable, repeatable, anything),
        # or takes the word after it along.
        "prefix": Rule(~word, among("#@"), word),
        # Parts of a face.
        "eyes": Rule(space, among(":;="), anything),
        "nose": Rule(anything, among("-'"), anything),
        "mouth": Rule(anything, among(")(]["), anything),
        "letter_mouth": Rule(anything, among("DPpOo"), space),
        # Parts of an address.
        "scheme_end": Rule(alphanumeric, among(":"), among("/")),
        "slashes": Rule(anything, among("/"), among("/")),
        "after_address": Rule(anything, among(".,;:!?)]}'\"’”»>"), anything),
        # English clitics: an apostrophe with s, m, d or re, ve, ll behind it, and n't.
        "apostrophe": Rule(alphanumeric, apostrophe, anything),
        "clitic_letter": Rule(anything, letter("smd"), ~alphanumeric),
        "clitic_re_ve": Rule(letter("rv"), letter("e"), ~alphanumeric),
        "clitic_ll": Rule(letter("l"), letter("l"), ~alphanumeric),
        "negation": Rule(alphanumeric, letter("n"), apostrophe),
        "negation_t": Rule(apostrophe, letter("t"), ~alphanumeric),
    }


def rule_bits(*names: str) -> int:
    """The number whose set bits stand for these rules."""
    return sum(1 << list(tokenizer_rules()).index(name) for name in names)


@functools.cache
def kinds() -> tuple[np.ndarray, np.ndarray]:
    """A number for each code point, the same for those that no rule tells apart, and what the rules say of a number.

    Returns:
        The numbers `(code points,)`, and int32 `(numbers, 3)`: the rules that allow such a character before the one in
        question, as the one in question, and after it, as bits.
    """
    bits = np.zeros((cp.NUM_CODE_POINTS, 3), "int32")
    for position, rule in enumerate(tokenizer_rules().values()):
        bits |= np.stack(rule, axis=1).astype("int32") << position
    packed = bits.astype("int64") @ (1 << 21 * np.arange(3, dtype="int64"))
    _, examples, numbers = np.unique(packed, return_index=True, return_inverse=True)
    return numbers, bits[examples]
