"""Raw text -> words and punctuation, with character offsets."""

import functools

import tensorflow as tf

from keras_seq.text import code_points as cp
from keras_seq.text.normalization import CharacterRun, nfc

# What a character can be besides its class: one bit each, looked up together.
_CHARACTERS = {
    "infix": ".,/-'’:°⁄&@–=+",
    "prefix": "#@",
    "underscore": "_",
    "ordinal": "°",
    "after_address": ".,;:!?)]}'\"’”»>",
    "eyes": ":;=",
    "nose": "-'",
    "mouth": ")(][",
    "letter_mouth": "DPpOo",
    "apostrophe": "'’",
    "slash": "/",
    "bracket": "()[]{}",
    "colon": ":",
}
_CLITICS = ("s", "m", "d", "re", "ve", "ll")
_LONGEST_CLITIC = 2


class WordTokenizer(tf.Module):
    """Splits text into words and punctuation with core TensorFlow ops, so that it is part of an exported graph.

    The same code runs in eager mode, in `tf.data` and in a SavedModel. The rules, over characters in NFC:

    - Spaces and control characters part tokens and belong to none.
    - Letters, digits, marks and underscores in a row are one word. One of `. , / - ' ’ : ° ⁄ & @ – = +` between two
      letters or digits stays inside it, and `°` stays with what it follows: `11.340/2006`, `24/08/2001`, `Trata-se`,
      `d'água`, `4°`. (`º` and `ª` are letters.)
    - An English clitic at the end of a word is a token: `It 's`, `we 'll`, `do n't`.
    - `#` and `@` at the beginning of a word stay with it.
    - `scheme://` begins an address, which goes on to the next space but for closing punctuation.
    - A face such as `:)` or `;-)` after a space is one token; so is a run of one symbol: `...`, `!!`, `--` (not of
      brackets).
    - Every other symbol is a token. Joiners, variation selectors and skin tones stay with their emoji.

    Text that is not UTF-8 is read as with `bytes.decode("utf-8", errors="replace")`: each damaged part becomes one
    character U+FFFD, which counts as one in the offsets.

    Call arguments:
        texts: String tensor of shape `(batch,)`, UTF-8.

    Returns:
        See `tokenize`.

    Example:

    >>> tokens, starts, ends = WordTokenizer().tokenize(tf.constant(["Lei 11.340/2006, de 2006."]))
    >>> [token.decode() for token in tokens.numpy()[0]]
    ['Lei', '11.340/2006', ',', 'de', '2006', '.']
    >>> starts.numpy()[0].tolist(), ends.numpy()[0].tolist()
    ([0, 4, 15, 17, 20, 24], [3, 15, 16, 19, 24, 25])
    """

    def tokenize(self, texts: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor, tf.Tensor]:
        """Split a batch of texts.

        Args:
            texts: String tensor of shape `(batch,)`; the batch may be empty, so may the texts.

        Returns:
            `(tokens, starts, ends)` of shape `(batch, steps)`, steps at least 1: the tokens in NFC (UTF-8), `""` after
            the last one; int32 offsets of each token in the text that was sent, counted in characters (Unicode code
            points), end exclusive, 0 after the last token.
        """
        texts = tf.convert_to_tensor(texts, tf.string)
        run = nfc(_decode(texts))
        classes = cp.class_table()(run.code_points)
        joined = _joined(run, classes)
        is_kept = classes < cp.SPACE
        begins = tf.cast(is_kept & ~joined, tf.int32)
        kept = tf.where(is_kept)[:, 0]
        words = tf.gather(tf.cumsum(begins) - 1, kept)
        characters = tf.RaggedTensor.from_value_rowids(
            tf.gather(run.code_points, kept), words, nrows=tf.reduce_sum(begins), validate=False
        )
        tokens = tf.strings.unicode_encode(characters, "UTF-8")
        rows = tf.math.segment_min(tf.gather(run.rows, kept), words)
        starts = tf.math.segment_min(tf.gather(run.starts, kept), words)
        ends = tf.math.segment_max(tf.gather(run.ends, kept), words)
        num_rows = tf.size(texts)
        lengths = tf.math.bincount(rows, minlength=num_rows, maxlength=num_rows, dtype=tf.int32)
        splits = tf.concat([[0], tf.cumsum(lengths)], axis=0)

        def to_rows(values: tf.Tensor) -> tf.Tensor:
            dense = tf.RaggedTensor.from_row_splits(values, splits, validate=False).to_tensor()
            # A batch without any token still gets one column.
            return tf.pad(dense, [[0, 0], [0, tf.cast(tf.equal(tf.shape(dense)[1], 0), tf.int32)]])

        return to_rows(tokens), to_rows(starts), to_rows(ends)

    def __call__(self, texts: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor, tf.Tensor]:
        return self.tokenize(texts)


def _decode(texts: tf.Tensor) -> CharacterRun:
    decoded = tf.strings.unicode_decode(texts, "UTF-8", errors="replace")
    rows = tf.cast(decoded.value_rowids(), tf.int32)
    starts = tf.range(tf.size(rows)) - tf.cast(tf.gather(decoded.row_splits, rows), tf.int32)
    return CharacterRun(decoded.values, rows, starts, starts + 1)


@functools.cache
def _property_table() -> cp.CodePointTable:
    mapping: dict[int, int] = {}
    for bit, characters in enumerate(_CHARACTERS.values()):
        for character in characters:
            mapping[ord(character)] = mapping.get(ord(character), 0) | 1 << bit
    return cp.CodePointTable(mapping)


def _joined(run: CharacterRun, classes: tf.Tensor) -> tf.Tensor:
    """Whether each character continues the token of the character before it."""
    points, rows = run.code_points, run.rows
    bits = _property_table()(points)

    def has(name: str) -> tf.Tensor:
        return tf.not_equal(tf.bitwise.bitwise_and(bits, 1 << list(_CHARACTERS).index(name)), 0)

    # Beyond the ends of a text there are spaces. `offset` 1 looks at the character before, -1 at the one after.
    def at(values: tf.Tensor, offset: int, fill: int | bool = False) -> tf.Tensor:
        return tf.where(tf.equal(_shift(rows, offset, -1), rows), _shift(values, offset, fill), fill)

    is_space = tf.equal(classes, cp.SPACE)
    space_before, space_after = at(is_space, 1, True), at(is_space, -1, True)
    is_alphanumeric = classes <= cp.DIGIT
    alphanumeric_before, alphanumeric_after = at(is_alphanumeric, 1), at(is_alphanumeric, -1)
    is_word = is_alphanumeric | has("underscore")
    word_before = at(is_word, 1)
    before = at(points, 1, 0)

    is_infix = has("infix") & alphanumeric_before & alphanumeric_after
    is_prefix = has("prefix") & ~word_before & at(is_word, -1)
    joined = is_infix | (is_word & (word_before | at(is_infix, 1) | at(is_prefix, 1)))
    joined |= has("ordinal") & alphanumeric_before
    joined |= tf.equal(classes, cp.SYMBOL) & tf.equal(before, points) & ~has("bracket")
    joined |= tf.equal(classes, cp.MARK) | tf.equal(classes, cp.EXTENDER) | tf.equal(before, cp.ZERO_WIDTH_JOINER)

    is_eyes = has("eyes") & space_before
    is_nose = has("nose") & at(is_eyes, 1)
    is_mouth = (has("mouth") | (has("letter_mouth") & space_after)) & at(is_eyes | is_nose, 1)
    joined |= is_mouth | (is_nose & at(is_mouth, -1))

    # An address: from `://` to the next space, without closing punctuation.
    positions = tf.range(tf.size(points))
    chunks = tf.cumsum(tf.cast(space_before | is_space, tf.int32))
    is_scheme_end = has("colon") & alphanumeric_before & at(has("slash"), -1) & at(has("slash"), -2)
    address = tf.math.segment_min(tf.where(is_scheme_end, positions, tf.size(points)), chunks)
    address_end = tf.math.segment_max(tf.where(has("after_address"), 0, positions), chunks)
    is_address = (positions >= tf.gather(address, chunks)) & (positions <= tf.gather(address_end, chunks))
    joined |= is_address

    # English clitics: an apostrophe and its letters, or n't, at the end of a word.
    folded = cp.folding_table()(points)
    lower = tf.where(folded > 0, folded, points)
    is_apostrophe = has("apostrophe") & alphanumeric_before & ~is_address
    ends_after = [~at(is_alphanumeric, -1 - length) for length in range(1, _LONGEST_CLITIC + 1)]
    letters = [at(lower, -1, 0), at(lower, -2, 0)]
    is_clitic = tf.zeros_like(joined)
    for clitic in _CLITICS:
        matches = [tf.equal(letters[index], ord(letter)) for index, letter in enumerate(clitic)]
        is_clitic |= functools.reduce(tf.logical_and, matches) & ends_after[len(clitic) - 1]
    is_negation = is_apostrophe & tf.equal(letters[0], ord("t")) & ends_after[0] & tf.equal(at(lower, 1, 0), ord("n"))
    joined &= ~(is_apostrophe & is_clitic)
    joined &= ~(at(is_negation, -1) & alphanumeric_before)
    return joined & ~space_before & ~is_space


def _shift(values: tf.Tensor, offset: int, fill: int | bool) -> tf.Tensor:
    """Values moved `offset` places to the right, or to the left when it is negative."""
    filler = tf.fill([tf.minimum(abs(offset), tf.size(values))], tf.cast(fill, values.dtype))
    if offset > 0:
        return tf.concat([filler, values[:-offset]], axis=0)
    return tf.concat([values[-offset:], filler], axis=0)
