"""Raw text -> words and punctuation, with the places of their characters."""

import functools
from typing import NamedTuple

import tensorflow as tf

from keras_seq.text import code_points as cp
from keras_seq.text import tokenizer_rules as rules
from keras_seq.text.normalization import CharacterRun, may_change, normalize

# Added to the kind of a character that may change when the text is normalised.
_MAY_CHANGE = 128


class SplitTexts(NamedTuple):
    """The words of a batch of texts, one after the other, and where they stand."""

    words: tf.Tensor  # string (words,), in NFC, none empty
    starts: tf.Tensor  # int32 (words,): offsets in the text of the word, in characters, end exclusive
    ends: tf.Tensor
    row_splits: tf.Tensor  # int64 (batch + 1,): the words of each text
    firsts: tf.Tensor  # int64 (words,): the first character of each word among those of the texts in NFC
    sizes: tf.Tensor  # int64 (words,): its characters in NFC
    character_starts: tf.Tensor  # int32 (characters,): where the source of each begins in all texts together
    character_ends: tf.Tensor
    origins: tf.Tensor  # int32 (words,): where its text begins in all texts together


def split_texts(texts: tf.Tensor) -> SplitTexts:
    """Split a batch of texts, string `(batch,)`, into words; the rules are those of `WordTokenizer`."""
    texts = tf.convert_to_tensor(texts, tf.string)
    # With a line break after each text no rule looks across the border of two texts.
    decoded = tf.strings.unicode_decode(tf.strings.join([texts, "\n"]), "UTF-8", errors="replace")
    sources = tf.cast(decoded.row_splits, tf.int32)
    positions = tf.range(tf.size(decoded.values))
    facts = _facts_table()(decoded.values)
    suspicious = tf.reduce_any(facts >= _MAY_CHANGE)

    def normalized() -> tuple[tf.Tensor, ...]:
        rows = tf.cast(decoded.value_rowids(), tf.int32)
        run = normalize(CharacterRun(decoded.values, rows, positions, positions + 1))
        splits = tf.searchsorted(run.rows, tf.range(tf.size(sources)))
        kinds = tf.bitwise.bitwise_and(_facts_table()(run.code_points), _MAY_CHANGE - 1)
        return run.code_points, kinds, splits, run.starts, run.ends

    points, kinds, splits, starts, ends = tf.cond(
        suspicious, normalized, lambda: (decoded.values, facts, sources, positions, positions + 1)
    )
    fired = _fired(kinds)
    joined = _joined(points, fired)
    # A piece is a word or one space.
    firsts = tf.where(~joined)[:, 0]
    borders = tf.concat([firsts, [tf.size(points, tf.int64)]], axis=0)
    pieces = tf.strings.unicode_encode(tf.RaggedTensor.from_row_splits(points, borders, validate=False), "UTF-8")
    piece_starts, piece_ends = tf.cond(
        suspicious,
        lambda: _reach(starts, ends, joined),
        lambda: (tf.cast(firsts, tf.int32), tf.cast(borders[1:], tf.int32)),
    )
    words = tf.where(~_holds(tf.gather(fired, firsts), "space"))[:, 0]
    word_firsts = tf.gather(firsts, words)
    row_splits = tf.searchsorted(word_firsts, tf.cast(splits, tf.int64), out_type=tf.int64)
    origins = tf.repeat(sources[:-1], row_splits[1:] - row_splits[:-1])
    return SplitTexts(
        words=tf.gather(pieces, words),
        starts=tf.gather(piece_starts, words) - origins,
        ends=tf.gather(piece_ends, words) - origins,
        row_splits=row_splits,
        firsts=word_firsts,
        sizes=tf.gather(borders, words + 1) - word_firsts,
        character_starts=starts,
        character_ends=ends,
        origins=origins,
    )


def padded(values: tf.Tensor, row_splits: tf.Tensor, filler: str | int) -> tf.Tensor:
    """Values of rows one after the other as `(rows, steps)`, filled up on the right; at least one step."""
    steps = tf.reduce_max(tf.concat([row_splits[1:] - row_splits[:-1], [1]], axis=0))
    return tf.raw_ops.RaggedTensorToTensor(
        shape=tf.stack([tf.size(row_splits, tf.int64) - 1, steps]),
        values=values,
        default_value=filler,
        row_partition_tensors=[row_splits],
        row_partition_types=["ROW_SPLITS"],
    )


@functools.cache
def _facts_table() -> cp.CodePointTable:
    """The kind of each character, plus `_MAY_CHANGE` when the text may have to be normalised."""
    numbers, _ = rules.kinds()
    return cp.CodePointTable(numbers + _MAY_CHANGE * may_change())


def _fired(kinds: tf.Tensor) -> tf.Tensor:
    """The rules that hold at each character, as bits."""
    numbers, bits = rules.kinds()
    before, itself, after = (tf.gather(tf.constant(column), kinds) for column in bits.T)
    before_space, _, after_space = bits[numbers[ord(" ")]]
    neighbours = tf.bitwise.bitwise_and(_shift(before, 1, before_space), _shift(after, -1, after_space))
    return tf.bitwise.bitwise_and(itself, neighbours)


def _holds(fired: tf.Tensor, *names: str) -> tf.Tensor:
    """Where at least one of these rules holds."""
    return tf.not_equal(tf.bitwise.bitwise_and(fired, rules.rule_bits(*names)), 0)


def _joined(points: tf.Tensor, fired: tf.Tensor) -> tf.Tensor:
    """Whether each character continues the token of the character before it."""
    joined = _holds(fired, "word", "infix", "ordinal", "attached", "after_joiner")
    joined |= _holds(fired, "symbol") & tf.equal(_shift(points, 1), points)
    joined |= _shift(_holds(fired, "infix", "prefix"), 1)

    eyes_before = _shift(_holds(fired, "eyes"), 1)
    is_nose = _holds(fired, "nose") & eyes_before
    is_mouth = _holds(fired, "mouth", "letter_mouth") & (eyes_before | _shift(is_nose, 1))
    joined |= is_mouth | (is_nose & _shift(is_mouth, -1))

    next_fired, second_next_fired = _shift(fired, -1), _shift(fired, -2)
    is_scheme_end = _holds(fired, "scheme_end") & _holds(next_fired, "slashes")
    is_address = tf.cond(
        tf.reduce_any(is_scheme_end), lambda: _address(is_scheme_end, fired), lambda: tf.zeros_like(is_scheme_end)
    )
    has_clitic = _holds(next_fired, "clitic_letter") | _holds(second_next_fired, "clitic_re_ve", "clitic_ll")
    is_split = _holds(fired, "apostrophe") & has_clitic
    is_split |= _holds(fired, "negation") & _holds(second_next_fired, "negation_t")
    return is_address | (joined & ~is_split)


def _address(is_scheme_end: tf.Tensor, fired: tf.Tensor) -> tf.Tensor:
    """From `://` to the next space, without closing punctuation."""
    is_space = _holds(fired, "space")
    chunks = tf.cumsum(tf.cast(is_space | _shift(is_space, 1), tf.int32))
    positions = tf.range(tf.size(chunks))
    begin = tf.math.segment_min(tf.where(is_scheme_end, positions, tf.size(chunks)), chunks)
    end = tf.math.segment_max(tf.where(_holds(fired, "after_address"), 0, positions), chunks)
    return (positions >= tf.gather(begin, chunks)) & (positions <= tf.gather(end, chunks))


def _reach(starts: tf.Tensor, ends: tf.Tensor, joined: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
    """The first start and the last end in each piece: the marks of a letter may have changed places."""
    pieces = tf.cumsum(tf.cast(~joined, tf.int32)) - 1
    return tf.math.segment_min(starts, pieces), tf.math.segment_max(ends, pieces)


def _shift(values: tf.Tensor, offset: int, fill: int = 0) -> tf.Tensor:
    """Values moved `offset` places to the right, or to the left when it is negative."""
    if offset > 0:
        return tf.pad(values, [[offset, 0]], constant_values=tf.cast(fill, values.dtype))[:-offset]
    return tf.pad(values, [[0, -offset]], constant_values=tf.cast(fill, values.dtype))[-offset:]
