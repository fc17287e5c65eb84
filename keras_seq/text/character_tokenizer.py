"""Text -> the characters of its words."""

import tensorflow as tf

from keras_seq.text.encoding import characters_of
from keras_seq.text.tokenizer import WORD_MARK, Tokenizer, WordParts, join_words


class CharacterTokenizer(Tokenizer):
    """The characters of words, in NFC; a mark stands before the first one of a word.

    Example:

    >>> tokens, starts, ends = CharacterTokenizer().tokenize(tf.constant(["já vi"]))
    >>> [token.decode() for token in tokens.numpy()[0]], starts.numpy()[0].tolist()
    (['▁j', 'á', '▁v', 'i'], [0, 1, 3, 4])
    """

    name = "characters"

    def split(self, words: tf.Tensor) -> WordParts:
        found = characters_of(words)
        characters = tf.strings.unicode_encode(found.points[:, tf.newaxis], "UTF-8")
        is_first = tf.scatter_nd(found.splits[:-1, tf.newaxis], tf.ones_like(found.lengths), tf.shape(characters)) > 0
        tokens = tf.where(is_first, tf.strings.join([WORD_MARK, characters]), characters)
        ragged = tf.RaggedTensor.from_row_splits(tokens, tf.cast(found.splits, tf.int64), validate=False)
        return WordParts.adjacent(ragged, tf.ones_like(found.points))

    def join(self, tokens: tf.Tensor) -> tf.Tensor:
        # The mark alone is the character itself.
        return join_words(tf.strings.regex_replace(tokens, f"^{WORD_MARK}(.)", r" \1"))


TOKENIZER = CharacterTokenizer
