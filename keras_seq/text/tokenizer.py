"""Raw text -> words and punctuation, with character offsets."""

import functools

import tensorflow as tf

from keras_seq.text import code_points as cp
from keras_seq.text import tokenizer_rules as rules
from keras_seq.text.normalization import CharacterRun, may_change, normalize

# Added to the kind of a character that may change when the text is normalised.
_MAY_CHANGE = 128


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
            suspicious, normalized, lambda: (decoded.values, facts, sources, positions, positions)
        )
        fired = _fired(kinds)
        joined = _joined(points, fired)
        # A piece is a token or one space.
        firsts = tf.where(~joined)[:, 0]
        borders = tf.concat([firsts, [tf.size(points, tf.int64)]], axis=0)
        pieces = tf.strings.unicode_encode(tf.RaggedTensor.from_row_splits(points, borders, validate=False), "UTF-8")
        starts, ends = tf.cond(
            suspicious,
            lambda: _reach(starts, ends, joined),
            lambda: (tf.cast(firsts, tf.int32), tf.cast(borders[1:], tf.int32)),
        )
        tokens = tf.where(~_holds(tf.gather(fired, firsts), "space"))[:, 0]
        token_splits = tf.searchsorted(tf.gather(firsts, tokens), tf.cast(splits, tf.int64), out_type=tf.int64)
        lengths = token_splits[1:] - token_splits[:-1]
        # A batch without any token still gets one column.
        steps = tf.reduce_max(tf.concat([lengths, [1]], axis=0))

        def to_rows(values: tf.Tensor, filler: str | int) -> tf.Tensor:
            return tf.raw_ops.RaggedTensorToTensor(
                shape=tf.stack([tf.size(lengths, tf.int64), steps]),
                values=tf.gather(values, tokens),
                default_value=filler,
                row_partition_tensors=[token_splits],
                row_partition_types=["ROW_SPLITS"],
            )

        is_token = tf.sequence_mask(lengths, steps)
        origins = sources[:-1, tf.newaxis]
        starts, ends = (tf.where(is_token, to_rows(places, 0) - origins, 0) for places in (starts, ends))
        return to_rows(pieces, ""), starts, ends

    def __call__(self, texts: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor, tf.Tensor]:
        return self.tokenize(texts)


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
