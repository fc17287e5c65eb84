"""Words -> ids of their character n-grams, by hashing."""

import dataclasses

import tensorflow as tf

from keras_seq.core.checks import check_positive_integer

# The polynomial hash: below 2 ** 31 * 2 ** 20, so that int64 never overflows.
PRIME, BASE = 2**31 - 1, 1_000_003
MAX_BUCKETS = 2**24
# The n-grams of one token are at most this long: beyond it they are the token itself.
LONGEST = 32


@dataclasses.dataclass(frozen=True)
class SubwordHashing:
    """Gives each n-gram of characters of a word, with marks at its borders (`<where>`), one of `num_buckets` ids.

    For models that see into words: forms of one word share n-grams, and a word that training never saw has some that it
    did see. N-grams that meet in one bucket share a vector.

    An id is `1 + hash % num_buckets`; the hash of the code points `c` is `h = (1_000_003 * h + c) % (2 ** 31 - 1)`,
    from 0 on.

    Args:
        num_buckets: The number of ids; 0, the padding, is not among them.
        min_length: Characters of the shortest n-gram, border marks counted.
        max_length: Characters of the longest one.

    Call arguments:
        words: String tensor of shape `(tokens,)` in the form `TokenEncoder.normalize` gives; none is empty.
        max_characters: Of a longer word the first half and the end are used, as for the characters of a token.

    Returns:
        int32 tensor of shape `(tokens, subwords)`: the n-grams of a word from the shortest to the longest, each length
        from left to right, padded on the right with 0. `subwords` is the most that a word here has, at least 1.

    Raises:
        TypeError: if an argument is no integer.
        ValueError: if an argument is not positive or too large, or `max_length` is below `min_length`.

    Example:

    >>> hashing = SubwordHashing(num_buckets=1000, min_length=3, max_length=4)
    >>> hashing(tf.constant(["an", "a"]), max_characters=20).shape  # <an, an> and <an>; <a>
    TensorShape([2, 3])

    Reference:
        Bojanowski, Grave, Joulin and Mikolov, "Enriching Word Vectors with Subword Information", TACL 5, 2017.
    """

    num_buckets: int = 50_000
    min_length: int = 3
    max_length: int = 5

    def __post_init__(self) -> None:
        for name in ("num_buckets", "min_length", "max_length"):
            check_positive_integer(name, getattr(self, name))
        for name, most in (("num_buckets", MAX_BUCKETS), ("max_length", LONGEST)):
            if getattr(self, name) > most:
                raise ValueError(
                    f"`{name}` must be at most {most}. Received: {name}={getattr(self, name)}. Pass a smaller number."
                )
        if self.max_length < self.min_length:
            raise ValueError(
                "`max_length` must be at least `min_length`. "
                f"Received: min_length={self.min_length}, max_length={self.max_length}. Exchange them."
            )

    def __call__(self, words: tf.Tensor, max_characters: int) -> tf.Tensor:
        decoded = tf.strings.unicode_decode(tf.strings.join(["<", words, ">"]), "UTF-8", errors="replace")
        points, splits = decoded.values, tf.cast(decoded.row_splits, tf.int32)
        most = max_characters + 2
        is_long = tf.reduce_any(splits[1:] - splits[:-1] > most)
        points, splits = tf.cond(is_long, lambda: _cut(points, splits, most), lambda: (points, splits))
        size = tf.size(points)
        begins, lengths = splits[:-1, tf.newaxis], (splits[1:] - splits[:-1])[:, tf.newaxis]
        ids = tf.concat([[0], *self._ids_at(points)], axis=0)
        # The n-grams of each length stand one after the other in `ids`: that of the shortest ones comes first.
        counts = [tf.maximum(lengths - length + 1, 0) for length in range(self.min_length, self.max_length + 1)]
        total = tf.add_n(counts)
        columns = tf.range(tf.reduce_max(tf.concat([total[:, 0], [1]], axis=0)))
        places, passed = 1 + begins + columns, tf.zeros_like(lengths)
        for count in counts[:-1]:
            passed += count
            places += tf.where(columns >= passed, size - count, 0)
        return tf.gather(ids, tf.where(columns < total, places, 0))

    def _ids_at(self, points: tf.Tensor) -> list[tf.Tensor]:
        """For each length the id of the n-gram that begins at each character, whatever word it runs into."""
        size = tf.size(points)
        following = tf.pad(tf.cast(points, tf.int64), [[0, self.max_length - 1]])
        hashes, ids = tf.zeros([size], tf.int64), []
        for length in range(1, self.max_length + 1):
            hashes = (hashes * BASE + following[length - 1 : length - 1 + size]) % PRIME
            if length >= self.min_length:
                ids.append(tf.cast(hashes % self.num_buckets, tf.int32) + 1)
        return ids


def _cut(points: tf.Tensor, splits: tf.Tensor, most: int) -> tuple[tf.Tensor, tf.Tensor]:
    """Words with border marks of at most `most` characters: head and tail."""
    rows = tf.cast(tf.RaggedTensor.from_row_splits(points, splits, validate=False).value_rowids(), tf.int32)
    lengths = splits[1:] - splits[:-1]
    positions = tf.range(tf.size(points)) - tf.gather(splits, rows)
    head = (most - 2) // 2 + 1
    excess = tf.gather(tf.maximum(lengths - most, 0), rows)
    kept = tf.boolean_mask(points, (positions < head) | (positions >= head + excess))
    return kept, tf.concat([[0], tf.cumsum(tf.minimum(lengths, most))], axis=0)
