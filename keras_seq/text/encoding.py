"""Tokens -> ids: words, characters, case."""

import json
import os
from collections.abc import Iterable
from pathlib import Path

import tensorflow as tf

from keras_seq.core.checks import check_positive_integer
from keras_seq.core.errors import DataError
from keras_seq.core.files import atomic_write
from keras_seq.text import code_points as cp
from keras_seq.text.character_vocabulary import CharacterVocabulary
from keras_seq.text.normalization import CharacterRun, nfc
from keras_seq.text.vocabulary import Vocabulary

CASE_CLASSES = (
    "padding",
    "lower",  # água, d'água; letters without case too
    "title",  # Lei, Trata-se
    "upper",  # STF
    "single_capital",  # A, J.
    "mixed",  # iPhone, São-Paulo
    "number",  # 11.340/2006
    "letters_and_digits",  # 4B, 1ª
    "other",  # punctuation, symbols
)
"""What `case_ids` means: the id is the position in this tuple."""

NUM_CASE_CLASSES = len(CASE_CLASSES)

_WORDS_FILE, _CHARACTERS_FILE, _OPTIONS_FILE = "words.txt", "characters.txt", "encoder.json"
_BUILD_CHUNK = 50_000


class TokenEncoder(tf.Module):
    """Turns tokens into ids of words, characters and case, with core TensorFlow ops.

    The same code runs in eager mode, in `tf.data` and in a SavedModel: pass the encoder to `archive.track`, the word
    list becomes an asset. Tokens are put in NFC first, so that tokens which were split elsewhere may be in any form.

    Args:
        vocabulary: The words, in the form `normalize` gives them.
        characters: The characters.
        max_characters: The most characters of a token. Of a longer one the first half and the end are kept, for the
            suffix says much of a word.

    Example:

    >>> encoder = TokenEncoder.build([["Lei", "11.340"], ["a", "lei"]])
    >>> ids = encoder.encode(tf.constant([["Lei", "11.341", ""]]))
    >>> ids["token_ids"].numpy().tolist(), ids["case_ids"].numpy().tolist()
    ([[2, 3, 0]], [[2, 6, 0]])
    >>> ids["character_ids"].shape
    TensorShape([1, 3, 20])
    """

    def __init__(self, vocabulary: Vocabulary, characters: CharacterVocabulary, max_characters: int = 20):
        super().__init__()
        check_positive_integer("max_characters", max_characters)
        for name, value, kind in (
            ("vocabulary", vocabulary, Vocabulary),
            ("characters", characters, CharacterVocabulary),
        ):
            if not isinstance(value, kind):
                raise TypeError(f"`{name}` must be a {kind.__name__}. Received: {name}={value!r}. Build one.")
        self.vocabulary = vocabulary
        self.characters = characters
        self.max_characters = max_characters
        self._words = vocabulary.table("words")

    @classmethod
    def build(
        cls,
        sentences: Iterable[Iterable[str]],
        min_count: int = 1,
        max_size: int | None = None,
        min_character_count: int = 1,
        max_characters: int = 20,
    ) -> "TokenEncoder":
        """Make both vocabularies from training sentences, read once.

        Args:
            sentences: Sentences of tokens: those of the training data only.
            min_count: Words seen less often (after `normalize`) are unknown.
            max_size: The most words, or `None` for all.
            min_character_count: Characters seen less often are unknown.
            max_characters: As of the constructor.

        Returns:
            A `TokenEncoder`.
        """
        check_positive_integer("min_count", min_count)
        check_positive_integer("min_character_count", min_character_count)
        counts: dict[str, int] = {}
        for sentence in sentences:
            for token in sentence:
                counts[token] = counts.get(token, 0) + 1
        word_counts: dict[str, int] = {}
        character_counts: dict[str, int] = {}
        tokens = list(counts)
        for begin in range(0, len(tokens), _BUILD_CHUNK):
            chunk = tokens[begin : begin + _BUILD_CHUNK]
            characters = _characters(tf.constant(chunk, tf.string))
            forms = _encoded(characters.code_points, characters.rows, len(chunk)).numpy()
            words = _folded(characters, len(chunk)).numpy()
            for token, form, word in zip(chunk, forms, words, strict=True):
                count = counts[token]
                word_counts[word.decode()] = word_counts.get(word.decode(), 0) + count
                for character in form.decode():
                    character_counts[character] = character_counts.get(character, 0) + count
        return cls(
            Vocabulary.from_counts(word_counts, min_count, max_size),
            CharacterVocabulary.from_counts(character_counts, min_character_count),
            max_characters,
        )

    @classmethod
    def load(cls, directory: str | os.PathLike) -> "TokenEncoder":
        """Read what `save` wrote.

        Raises:
            DataError: When a file is missing or damaged.
        """
        directory = Path(directory)
        path = directory / _OPTIONS_FILE
        try:
            max_characters = json.loads(path.read_text(encoding="utf-8"))["max_characters"]
            check_positive_integer("max_characters", max_characters)
        except OSError as error:
            raise DataError(path, None, f"cannot be read ({error.strerror})", "name the folder of an encoder") from None
        except (ValueError, TypeError, KeyError) as error:
            raise DataError(path, None, f"damaged ({error!r})", 'it should hold {"max_characters": 20}') from None
        return cls(
            Vocabulary.load(directory / _WORDS_FILE),
            CharacterVocabulary.load(directory / _CHARACTERS_FILE),
            max_characters,
        )

    def save(self, directory: str | os.PathLike) -> None:
        """Write `words.txt`, `characters.txt` and `encoder.json` into a folder, which is created when missing."""
        directory = Path(directory)
        directory.mkdir(parents=True, exist_ok=True)
        self.vocabulary.save(directory / _WORDS_FILE)
        self.characters.save(directory / _CHARACTERS_FILE)
        with atomic_write(directory / _OPTIONS_FILE, "w") as file:
            file.write(json.dumps({"max_characters": self.max_characters}) + "\n")

    def normalize(self, tokens: tf.Tensor) -> tf.Tensor:
        """The form under which words are looked up: NFC, lower case, every digit `0`, every quotation mark `"`.

        Args:
            tokens: String tensor of any shape, UTF-8 (damaged parts become U+FFFD).

        Returns:
            String tensor of the same shape.
        """
        tokens = tf.convert_to_tensor(tokens, tf.string)
        flat = tf.reshape(tokens, [-1])
        return tf.reshape(_folded(_characters(flat), tf.size(flat)), tf.shape(tokens))

    def encode(self, tokens: tf.Tensor) -> dict[str, tf.Tensor]:
        """Ids of tokens.

        Args:
            tokens: String tensor of shape `(batch, steps)`, padded with `""` on any side.

        Returns:
            A dictionary of int32 tensors, 0 wherever a token is `""`: `token_ids` of shape `(batch, steps)`;
            `character_ids` of shape `(batch, steps, max_characters)`, padded on the right with 0; `case_ids` of shape
            `(batch, steps)`, positions in `CASE_CLASSES`.
        """
        tokens = tf.convert_to_tensor(tokens, tf.string)
        shape = tf.shape(tokens)
        flat = tf.reshape(tokens, [-1])
        is_token = tf.not_equal(flat, "")
        real = tf.boolean_mask(flat, is_token)
        characters = _characters(real)
        num_tokens = tf.size(real)
        rows = [
            self._words(_folded(characters, num_tokens))[:, tf.newaxis],
            _case_ids(characters, num_tokens)[:, tf.newaxis],
            self._character_ids(characters, num_tokens),
        ]
        # Row 0 is the padding; each token finds its own row.
        table = tf.pad(tf.concat(rows, axis=1), [[1, 0], [0, 0]])
        index = tf.where(is_token, tf.cumsum(tf.cast(is_token, tf.int32)), 0)
        ids = tf.gather(table, tf.reshape(index, shape))
        return {"token_ids": ids[:, :, 0], "character_ids": ids[:, :, 2:], "case_ids": ids[:, :, 1]}

    def _character_ids(self, characters: CharacterRun, num_tokens: tf.Tensor) -> tf.Tensor:
        rows = characters.rows
        lengths = tf.math.bincount(rows, minlength=num_tokens, maxlength=num_tokens, dtype=tf.int32)
        position = tf.range(tf.size(rows)) - tf.gather(tf.cumsum(lengths, exclusive=True), rows)
        excess = tf.maximum(tf.gather(lengths, rows) - self.max_characters, 0)
        head = self.max_characters // 2
        kept = tf.where((position < head) | (position >= head + excess))[:, 0]
        column = tf.gather(tf.where(position < head, position, position - excess), kept)
        indices = tf.stack([tf.gather(rows, kept), column], axis=-1)
        ids = self.characters(tf.gather(characters.code_points, kept))
        return tf.scatter_nd(indices, ids, tf.stack([num_tokens, self.max_characters]))


def _characters(tokens: tf.Tensor) -> CharacterRun:
    decoded = tf.strings.unicode_decode(tokens, "UTF-8", errors="replace")
    rows = tf.cast(decoded.value_rowids(), tf.int32)
    # The offsets are not used here; any numbers do.
    return nfc(CharacterRun(decoded.values, rows, rows, rows))


def _encoded(points: tf.Tensor, rows: tf.Tensor, num_rows: tf.Tensor) -> tf.Tensor:
    characters = tf.RaggedTensor.from_value_rowids(points, rows, nrows=num_rows, validate=False)
    return tf.strings.unicode_encode(characters, "UTF-8")


def _folded(characters: CharacterRun, num_tokens: tf.Tensor) -> tf.Tensor:
    folded = cp.folding_table()(characters.code_points)
    points = tf.where(folded > 0, folded, characters.code_points)
    words = _encoded(points, characters.rows, num_tokens)
    # The quotation marks of treebanks.
    return tf.where(tf.equal(words, "``") | tf.equal(words, "''"), '"', words)


def _case_ids(characters: CharacterRun, num_tokens: tf.Tensor) -> tf.Tensor:
    classes, rows = cp.class_table()(characters.code_points), characters.rows
    is_letter = classes <= cp.LETTER
    indicators = tf.stack([tf.equal(classes, cp.UPPER), is_letter, tf.equal(classes, cp.DIGIT)], axis=-1)
    counts = tf.math.unsorted_segment_sum(tf.cast(indicators, tf.int32), rows, num_tokens)
    upper, letters, digits = tf.unstack(counts, axis=-1)
    # The class of the first letter: the smallest position decides, the class rides along.
    keys = tf.where(is_letter, tf.range(tf.size(rows)) * cp.NUM_CLASSES + classes, tf.int32.max)
    begins_upper = tf.equal(tf.math.unsorted_segment_min(keys, rows, num_tokens) % cp.NUM_CLASSES, cp.UPPER)
    case = tf.where(begins_upper & tf.equal(upper, 1), _case("title"), _case("mixed"))
    case = tf.where(tf.equal(upper, letters), _case("upper"), case)
    case = tf.where(tf.equal(upper, 1) & tf.equal(letters, 1), _case("single_capital"), case)
    case = tf.where(tf.equal(upper, 0), _case("lower"), case)
    with_digits = tf.where(tf.equal(letters, 0), _case("number"), _case("letters_and_digits"))
    without_digits = tf.where(tf.equal(letters, 0), _case("other"), case)
    return tf.where(digits > 0, with_digits, without_digits)


def _case(name: str) -> int:
    return CASE_CLASSES.index(name)
