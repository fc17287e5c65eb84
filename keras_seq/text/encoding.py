"""Tokens -> ids: words, characters, case, subwords."""

import dataclasses
import functools
import json
import os
from collections.abc import Collection, Iterable, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import tensorflow as tf

from keras_seq.core.checks import check_choice, check_positive_integer
from keras_seq.core.errors import DataError
from keras_seq.core.files import atomic_write
from keras_seq.core.reading import read_json_object
from keras_seq.text import code_points as cp
from keras_seq.text.character_vocabulary import CharacterVocabulary
from keras_seq.text.normalization import CharacterRun, may_change, normalize
from keras_seq.text.subwords import SubwordHashing
from keras_seq.text.vocabulary import NUM_SPECIAL, Vocabulary

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

FEATURES = ("token_ids", "character_ids", "case_ids", "subword_ids")
"""What `TokenEncoder.encode` can give."""

WORDS_FILE, CHARACTERS_FILE, OPTIONS_FILE = "words.txt", "characters.txt", "encoder.json"
_BUILD_CHUNK = 50_000
# A file with more of a token is damaged.
_MOST_CHARACTERS = 100_000


class TokenEncoder(tf.Module):
    """Turns tokens into ids of words, characters, case and subwords, with core TensorFlow ops.

    The same code runs in eager mode, in `tf.data` and in a SavedModel: pass the encoder to `archive.track`, the word
    list becomes an asset. Tokens are put in NFC first, so that tokens which were split elsewhere may be in any form.

    Args:
        vocabulary: The words, in the form `normalize` gives them.
        characters: The characters.
        max_characters: The most characters of a token. Of a longer one the first half and the end are kept, for the
            suffix says much of a word.
        subwords: How n-grams of characters become ids, or `None` for no subwords.
        is_closed: Whether the vocabulary is that of a tokenizer: then tokens are looked up as they are.

    Example:

    >>> encoder = TokenEncoder.build([["Lei", "11.340"], ["a", "lei"]])
    >>> ids = encoder.encode(tf.constant([["Lei", "11.341", ""]]))
    >>> ids["token_ids"].numpy().tolist(), ids["case_ids"].numpy().tolist()
    ([[2, 3, 0]], [[2, 6, 0]])
    >>> ids["character_ids"].shape
    TensorShape([1, 3, 20])
    """

    def __init__(
        self,
        vocabulary: Vocabulary,
        characters: CharacterVocabulary,
        max_characters: int = 20,
        *,
        subwords: SubwordHashing | None = None,
        is_closed: bool = False,
    ):
        super().__init__()
        check_positive_integer("max_characters", max_characters)
        for name, value, kind in (
            ("vocabulary", vocabulary, Vocabulary),
            ("characters", characters, CharacterVocabulary),
        ):
            if not isinstance(value, kind):
                raise TypeError(f"`{name}` must be a {kind.__name__}. Received: {name}={value!r}. Build one.")
        if subwords is not None and not isinstance(subwords, SubwordHashing):
            raise TypeError(f"`subwords` must be a SubwordHashing or None. Received: subwords={subwords!r}. Build one.")
        self.vocabulary = vocabulary
        self.characters = characters
        self.max_characters = max_characters
        self.subwords = subwords
        self.is_closed = is_closed
        self._words = vocabulary.table("words")

    @classmethod
    def build(
        cls,
        sentences: Iterable[Iterable[str]],
        min_count: int = 1,
        max_size: int | None = None,
        min_character_count: int = 1,
        max_characters: int = 20,
        *,
        subwords: SubwordHashing | None = None,
        vocabulary: Vocabulary | None = None,
    ) -> "TokenEncoder":
        """Make both vocabularies from training sentences, read once.

        Args:
            sentences: Sentences of tokens: those of the training data only.
            min_count: Words seen less often (after `normalize`) are unknown.
            max_size: The most words, or `None` for all.
            min_character_count: Characters seen less often are unknown.
            max_characters: As of the constructor.
            subwords: As of the constructor.
            vocabulary: That of the tokenizer, where it has one: no words are counted.

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
            characters = characters_of(tf.constant(chunk, tf.string))
            forms = _encoded(characters.points, characters.splits).numpy()
            words = _folded(characters).numpy()
            for token, form, word in zip(chunk, forms, words, strict=True):
                count = counts[token]
                word_counts[word.decode()] = word_counts.get(word.decode(), 0) + count
                for character in form.decode():
                    character_counts[character] = character_counts.get(character, 0) + count
        return cls(
            Vocabulary.from_counts(word_counts, min_count, max_size) if vocabulary is None else vocabulary,
            CharacterVocabulary.from_counts(character_counts, min_character_count),
            max_characters,
            subwords=subwords,
            is_closed=vocabulary is not None,
        )

    @classmethod
    def load(cls, directory: str | os.PathLike, vocabulary: Vocabulary | None = None) -> "TokenEncoder":
        """Read what `save` wrote.

        Args:
            directory: The folder.
            vocabulary: That of the tokenizer, where it has one.

        Raises:
            DataError: if a file is missing or damaged.
        """
        directory = Path(directory)
        path = directory / OPTIONS_FILE
        remedy = "put the original back, or train or export the model again"
        options = read_json_object(path, remedy)
        try:
            max_characters = options["max_characters"]
            check_positive_integer("max_characters", max_characters, most=_MOST_CHARACTERS)
            if set(options) - {"max_characters", "subwords"}:
                raise ValueError(f"unknown keys among {', '.join(options)}")
            # Files of version 0.1 have no such key.
            subwords = options.get("subwords")
            subwords = None if subwords is None else SubwordHashing(**subwords)
        except (ValueError, TypeError, KeyError) as error:
            raise DataError(path, None, f"damaged ({error})", remedy) from None
        return cls(
            Vocabulary.load(directory / WORDS_FILE) if vocabulary is None else vocabulary,
            CharacterVocabulary.load(directory / CHARACTERS_FILE),
            max_characters,
            subwords=subwords,
            is_closed=vocabulary is not None,
        )

    def save(self, directory: str | os.PathLike) -> None:
        """Write `words.txt`, `characters.txt` and `encoder.json` into a folder, which is created when missing.

        The vocabulary of a tokenizer is kept by the tokenizer: then there is no `words.txt`.
        """
        directory = Path(directory)
        directory.mkdir(parents=True, exist_ok=True)
        if not self.is_closed:
            self.vocabulary.save(directory / WORDS_FILE)
        self.characters.save(directory / CHARACTERS_FILE)
        options: dict[str, Any] = {"max_characters": self.max_characters}
        if self.subwords is not None:
            options["subwords"] = dataclasses.asdict(self.subwords)
        with atomic_write(directory / OPTIONS_FILE, "w") as file:
            file.write(json.dumps(options) + "\n")

    def normalize(self, tokens: tf.Tensor) -> tf.Tensor:
        """The form under which words are looked up: NFC, lower case, every digit `0`, every quotation mark `"`.

        Tokens of a closed vocabulary stay as they are.

        Args:
            tokens: String tensor of any shape, UTF-8 (damaged parts become U+FFFD).

        Returns:
            String tensor of the same shape.
        """
        tokens = tf.convert_to_tensor(tokens, tf.string)
        if self.is_closed:
            return tokens
        return tf.reshape(_folded(characters_of(tf.reshape(tokens, [-1]))), tf.shape(tokens))

    @property
    def features(self) -> tuple[str, ...]:
        """The names of what `encode` gives when it is not told."""
        return FEATURES if self.subwords is not None else FEATURES[:-1]

    def encode(self, tokens: tf.Tensor, features: Collection[str] | None = None) -> dict[str, tf.Tensor]:
        """Ids of tokens.

        Args:
            tokens: String tensor of shape `(batch, steps)`, padded with `""` on any side.
            features: Names of what is wanted, or `None` for all; only that is computed.

        Returns:
            A dictionary of int32 tensors, 0 wherever a token is `""`: `token_ids` of shape `(batch, steps)`;
            `character_ids` of shape `(batch, steps, max_characters)`, padded on the right with 0; `case_ids` of shape
            `(batch, steps)`, positions in `CASE_CLASSES`; `subword_ids` of shape `(batch, steps, subwords)`, padded on
            the right with 0, as many as the token with the most has, when the encoder has `subwords`.

        Raises:
            ValueError: if a feature is unknown, or is `subword_ids` and the encoder has no `subwords`.
        """
        features = self.features if features is None else features
        for name in features:
            check_choice("features", name, self.features)
        tokens = tf.convert_to_tensor(tokens, tf.string)
        # A text repeats words: each is encoded once. The padding is the first, so that its row is that of the padding.
        distinct, index = tf.unique(tf.concat([[""], tf.reshape(tokens, [-1])], axis=0))
        index = tf.reshape(index[1:], tf.shape(tokens))
        characters = characters_of(distinct[1:])
        words = _folded(characters) if {"token_ids", "subword_ids"} & set(features) else None

        def placed(ids: tf.Tensor) -> tf.Tensor:
            return tf.gather(tf.pad(ids, [[1, 0], *[[0, 0]] * (ids.shape.rank - 1)]), index)

        ids: dict[str, tf.Tensor] = {}
        if "token_ids" in features:
            ids["token_ids"] = self._words(distinct[1:] if self.is_closed else words)
        if "character_ids" in features:
            ids["character_ids"] = self._character_ids(characters)
        if "case_ids" in features:
            ids["case_ids"] = _case_ids(characters)
        if self.subwords is not None and "subword_ids" in features:
            ids["subword_ids"] = self.subwords(words, self.max_characters)
        return {name: placed(values) for name, values in ids.items()}

    def subword_table(self, words: Iterable[str] | None = None) -> np.ndarray:
        """The subwords of words, one row a word, for what works on a whole vocabulary at once.

        Args:
            words: Words in the form `normalize` gives them, or `None` for those of the vocabulary.

        Returns:
            int32 array of shape `(2 + words, subwords)`, padded on the right with 0; rows 0 and 1 (padding, unknown)
            are 0.

        Raises:
            ValueError: if the encoder has no `subwords`.
        """
        if self.subwords is None:
            raise ValueError(
                "`subwords` must be set. Received: subwords=None. Build the encoder with a SubwordHashing."
            )
        words = self.vocabulary.tokens if words is None else list(words)
        ids = self.subwords(tf.constant(words, tf.string), self.max_characters).numpy()
        return np.pad(ids, [(NUM_SPECIAL, 0), (0, 0)])

    def _character_ids(self, characters: "Characters") -> tf.Tensor:
        begins, lengths = characters.splits[:-1, tf.newaxis], characters.lengths[:, tf.newaxis]
        columns = tf.range(self.max_characters)
        is_tail = columns >= self.max_characters // 2
        places = begins + columns + tf.where(is_tail, tf.maximum(lengths - self.max_characters, 0), 0)
        ids = tf.pad(self.characters(characters.points), [[1, 0]])
        return tf.gather(ids, tf.where(columns < lengths, places + 1, 0))


def normalized_words(words: Sequence[str]) -> list[str]:
    """As `TokenEncoder.normalize`, for strings outside a graph."""
    return [word.decode() for word in _folded(characters_of(tf.constant(words, tf.string, [len(words)]))).numpy()]


def nfc_words(words: Sequence[str]) -> list[str]:
    """Words in NFC, as a graph writes it, for strings outside a graph."""
    characters = characters_of(tf.constant(words, tf.string, [len(words)]))
    return [word.decode() for word in _encoded(characters.points, characters.splits).numpy()]


class Characters(NamedTuple):
    """The characters of tokens, none of them empty, in NFC."""

    points: tf.Tensor  # code points, one token after the other
    facts: tf.Tensor  # what `_facts_table` says of them
    splits: tf.Tensor  # int32 (tokens + 1,): where each token begins, and the end

    @property
    def lengths(self) -> tf.Tensor:
        return self.splits[1:] - self.splits[:-1]


# What is packed into one number for each character: its class, whether it may change in NFC, what it is folded to (0
# for itself).
_CLASS_BITS = 3
_MAY_CHANGE = 1 << _CLASS_BITS
_FOLDED_SHIFT = _CLASS_BITS + 1


@functools.cache
def _facts_table() -> cp.CodePointTable:
    folded = np.where(cp.folded() == np.arange(cp.NUM_CODE_POINTS), 0, cp.folded())
    return cp.CodePointTable(folded << _FOLDED_SHIFT | may_change() << _CLASS_BITS | cp.classes())


def characters_of(tokens: tf.Tensor) -> Characters:
    """The characters of tokens, string `(tokens,)`, in NFC."""
    decoded = tf.strings.unicode_decode(tokens, "UTF-8", errors="replace")
    points, splits = decoded.values, tf.cast(decoded.row_splits, tf.int32)
    facts = _facts_table()(points)

    def normalized() -> tuple[tf.Tensor, ...]:
        rows = tf.cast(decoded.value_rowids(), tf.int32)
        # The offsets are not used here; any numbers do.
        run = normalize(CharacterRun(points, rows, rows, rows))
        splits_after = tf.searchsorted(run.rows, tf.range(tf.size(splits)))
        return run.code_points, _facts_table()(run.code_points), splits_after

    suspicious = tf.reduce_any(tf.not_equal(tf.bitwise.bitwise_and(facts, _MAY_CHANGE), 0))
    return Characters(*tf.cond(suspicious, normalized, lambda: (points, facts, splits)))


def _encoded(points: tf.Tensor, splits: tf.Tensor) -> tf.Tensor:
    return tf.strings.unicode_encode(tf.RaggedTensor.from_row_splits(points, splits, validate=False), "UTF-8")


def _folded(characters: Characters) -> tf.Tensor:
    folded = tf.bitwise.right_shift(characters.facts, _FOLDED_SHIFT)
    words = _encoded(tf.where(folded > 0, folded, characters.points), characters.splits)
    # The quotation marks of treebanks.
    return tf.where(tf.equal(words, "``") | tf.equal(words, "''"), '"', words)


def _case_ids(characters: Characters) -> tf.Tensor:
    classes = tf.bitwise.bitwise_and(characters.facts, _MAY_CHANGE - 1)
    num_tokens = tf.size(characters.splits) - 1
    rows = tf.repeat(tf.range(num_tokens), characters.lengths)
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
