"""Text -> tokens with character offsets: what every tokenizer is, the registry of tokenizers, words and characters.

Any tokenizer first splits text into words (`keras_seq.text.word_splitting`), so that raw text and text that is split
already (a CoNLL file) give the same tokens, and then each word into its parts. A part keeps its place in the original
text. A `WordTokenizer` leaves words whole; pieces (`keras_seq.text.pieces`) are learned from data.

What trains, reads and serves knows no class of a tokenizer. It asks: `tokenize` for the tokens of texts, `parts` for
those of words that stand in rows, `vocabulary` whether ids follow from the tokenizer or from the training data, `files`
for what is to be kept.
"""

from __future__ import annotations

import json
import os
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, ClassVar, NamedTuple, Self, TypeVar

import tensorflow as tf

from keras_seq.core.errors import DataError, InputError
from keras_seq.core.files import atomic_write
from keras_seq.core.plugins import Plugins
from keras_seq.core.reading import read_json_object
from keras_seq.text.vocabulary import PADDING_ID, UNKNOWN_ID, Vocabulary
from keras_seq.text.word_splitting import padded, split_texts

WORD_MARK = "▁"
"""Stands before the first part of a word, as in sentencepiece: U+2581."""
SETTINGS_FILE = "tokenizer.json"
WORD_STARTS = "word_starts"
"""The input of a model that reads parts of words and says something of each word: `TokenRows.word_starts`."""
# Words that are split together outside a graph.
_WORDS_PER_CALL = 50_000


class WordParts(NamedTuple):
    """The parts of words, none of which has none.

    Args:
        tokens: ragged string `(words, parts)`, none of them empty.
        begins: int32, of the shape of the values of `tokens`: where each part begins in its word, in characters.
        ends: where it ends, exclusive.
    """

    tokens: tf.RaggedTensor
    begins: tf.Tensor
    ends: tf.Tensor

    @classmethod
    def adjacent(cls, tokens: tf.RaggedTensor, sizes: tf.Tensor | None = None) -> Self:
        """Parts that follow each other without a gap; by default as long as their tokens, in characters."""
        if sizes is None:
            sizes = tf.strings.length(tokens.values, "UTF8_CHAR")
        ends = tf.cumsum(sizes)
        begins = ends - sizes
        origins = tf.gather(begins, tf.gather(tokens.row_splits, tokens.value_rowids()))
        return cls(tokens, begins - origins, ends - origins)


class TokenRows(NamedTuple):
    """The tokens of rows of words.

    Args:
        tokens: string `(batch, steps)`, `""` at padding.
        word_starts: int32 `(batch, steps)`: 1 at the first token of a word, else 0.
        firsts: int32 `(batch, words)`: the step of the first token of each word; `None` where each word is one token.
    """

    tokens: tf.Tensor
    word_starts: tf.Tensor
    firsts: tf.Tensor | None

    def at_words(self, values: tf.Tensor) -> tf.Tensor:
        """Of values `(batch, steps)` those at the first tokens of words, `(batch, words)`."""
        return values if self.firsts is None else tf.gather(values, self.firsts, batch_dims=1)


class Tokenizer(tf.Module, ABC):
    """Splits text into tokens with core TensorFlow ops, so that it is part of an exported graph.

    A tokenizer of one's own says how words are split, and how tokens are joined again:

    >>> @register_tokenizer("halves")
    ... class Halves(Tokenizer):
    ...     "Words in two halves, for an example."
    ...     def split(self, words):
    ...         half = tf.strings.length(words, "UTF8_CHAR") // 2
    ...         left = tf.strings.substr(words, 0 * half, half, "UTF8_CHAR")
    ...         right = tf.strings.substr(words, half, 0 * half + 1000, "UTF8_CHAR")
    ...         pairs = tf.stack([tf.strings.join(["<", left]), right], axis=1)
    ...         sizes = tf.stack([half, tf.strings.length(right, "UTF8_CHAR")], axis=1)
    ...         return WordParts.adjacent(tf.RaggedTensor.from_tensor(pairs), tf.reshape(sizes, [-1]))
    ...     def join(self, tokens):
    ...         text = tf.strings.regex_replace(tf.strings.reduce_join(tokens, axis=1), "<", " ")
    ...         return tf.strings.regex_replace(text, "^ ", "")
    >>> tokens, starts, ends = Halves().tokenize(["Boa tarde"])
    >>> [token.decode() for token in tokens.numpy()[0]], starts.numpy().tolist(), ends.numpy().tolist()
    (['<B', 'oa', '<ta', 'rde'], [[0, 1, 4, 6]], [[1, 3, 6, 9]])
    >>> TOKENIZERS.remove("halves")

    A recipe then takes it by the line `tokenizer = "halves"` in its section `[data]`.

    Attributes:
        name: under which it is registered.
        vocabulary: of its tokens; their ids are those of this vocabulary. `None` where it knows no tokens before it
            sees some: then the encoder builds a vocabulary of the tokens of the training data.
        padding_id, unknown_id: the ids that are no token. No text gives them, whatever stands in it.
    """

    name: ClassVar[str] = ""
    vocabulary: Vocabulary | None = None
    splits_words: ClassVar[bool] = True
    """Whether a word can have several tokens."""
    padding_id, unknown_id = PADDING_ID, UNKNOWN_ID

    @abstractmethod
    def split(self, words: tf.Tensor) -> WordParts:
        """Split words into their parts.

        Args:
            words: string `(words,)`, none of them empty, at least one; each is asked for once a batch.

        Returns:
            Their parts.
        """

    @abstractmethod
    def join(self, tokens: tf.Tensor) -> tf.Tensor:
        """The texts of tokens: of a text that was tokenized its normal form, words with one space between them.

        Args:
            tokens: string `(batch, steps)`, `""` at padding.

        Returns:
            string `(batch,)`.
        """

    def words(self, texts: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor, tf.Tensor]:
        """As `tokenize`, into words."""
        found = split_texts(texts)
        starts, ends = (padded(places, found.row_splits, 0) for places in (found.starts, found.ends))
        return padded(found.words, found.row_splits, ""), starts, ends

    def tokenize(self, texts: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor, tf.Tensor]:
        """Split a batch of texts.

        Args:
            texts: string `(batch,)`, UTF-8; the batch may be empty, so may the texts.

        Returns:
            `(tokens, starts, ends)` of shape `(batch, steps)`, steps at least 1: the tokens, `""` after the last one;
            int32 offsets of each token in the text that was sent, counted in characters (Unicode code points), end
            exclusive, 0 after the last token.
        """
        found = split_texts(texts)
        parts, places = self._occurring(found.words)
        chosen, of_word = places.values, places.value_rowids()
        row_splits = tf.gather(places.row_splits, found.row_splits)
        begins, ends = (tf.gather(tf.cast(values, tf.int64), chosen) for values in (parts.begins, parts.ends))
        first, origin = tf.gather(found.firsts, of_word), tf.gather(found.origins, of_word)
        last = tf.size(found.character_starts, tf.int64) - 1
        # Marks of one letter may have changed places: what follows tells where they end.
        inner_starts = tf.gather(found.character_starts, tf.minimum(first + begins, last)) - origin
        inner_ends = tf.maximum(
            tf.gather(found.character_ends, tf.maximum(first + ends - 1, 0)),
            tf.gather(found.character_starts, tf.minimum(first + ends, last)),
        )
        word_starts, word_ends = tf.gather(found.starts, of_word), tf.gather(found.ends, of_word)
        starts = tf.where(tf.equal(begins, 0), word_starts, inner_starts)
        stops = tf.where(tf.equal(ends, tf.gather(found.sizes, of_word)), word_ends, inner_ends - origin)
        stops = tf.where(tf.equal(ends, begins), starts, stops)
        tokens = padded(tf.gather(parts.tokens.values, chosen), row_splits, "")
        return tokens, padded(starts, row_splits, 0), padded(stops, row_splits, 0)

    def parts(self, words: tf.Tensor) -> TokenRows:
        """The tokens of texts that are split into words.

        Args:
            words: string `(batch, words)`, padded with `""` on any side.

        Returns:
            Their tokens, padded on the right, at least one step.
        """
        words = tf.convert_to_tensor(words, tf.string)
        is_word = tf.not_equal(words, "")
        parts, places = self._occurring(tf.boolean_mask(words, is_word))
        counts = tf.scatter_nd(tf.where(is_word), places.row_lengths(), tf.shape(words, tf.int64))
        row_splits = tf.concat([[0], tf.cumsum(tf.reduce_sum(counts, axis=1))], axis=0)
        tokens = padded(tf.gather(parts.tokens.values, places.values), row_splits, "")
        steps = tf.range(tf.size(places.values, tf.int64))
        is_first = tf.equal(steps, tf.gather(places.row_splits, places.value_rowids()))
        firsts = tf.minimum(tf.cumsum(counts, axis=1, exclusive=True), tf.shape(tokens, tf.int64)[1] - 1)
        return TokenRows(tokens, padded(tf.cast(is_first, tf.int32), row_splits, 0), tf.cast(firsts, tf.int32))

    def split_sentences(self, sentences: Iterable[Sequence[str]]) -> Iterable[tuple[Sequence[str], Sequence[int]]]:
        """The tokens of sentences that are split into words, outside a graph; each distinct word is split once.

        Args:
            sentences: their words, none of them empty.

        Yields:
            The tokens of a sentence, and for each word the number of its tokens.
        """
        sentences = [list(sentence) for sentence in sentences]
        words = list(dict.fromkeys(word for sentence in sentences for word in sentence))
        parts: dict[str, list[str]] = {}
        for begin in range(0, len(words), _WORDS_PER_CALL):
            chunk = words[begin : begin + _WORDS_PER_CALL]
            rows = self.split(tf.constant(chunk, tf.string)).tokens.to_list()
            if len(rows) != len(chunk) or not all(row and all(row) for row in rows):
                raise ValueError(
                    f"`split` of the tokenizer {self.name} must give each word one token or more, none of them empty. "
                    "Received: a word without one. Correct it."
                )
            parts |= {word: [token.decode() for token in row] for word, row in zip(chunk, rows, strict=True)}
        for sentence in sentences:
            found = [parts[word] for word in sentence]
            yield [token for tokens in found for token in tokens], [len(tokens) for tokens in found]

    def normal(self, texts: tf.Tensor) -> tf.Tensor:
        """The normal form of texts, string `(batch,)`: what their tokens join to; applied twice it is as once."""
        return self.join(self.tokenize(texts)[0])

    @classmethod
    def train(cls, words: Mapping[str, int], *arguments: Any, **options: Any) -> Self:
        """A tokenizer for the words of the training data.

        Args:
            words: how often each comes; by default they do not matter.
            **options: those of a recipe, by default arguments of the constructor.

        Raises:
            InputError: if these words do not do.
            TypeError, ValueError: if an option is unknown or out of range.
        """
        return cls(*arguments, **options)

    @classmethod
    def read(cls, path: str | os.PathLike, *arguments: Any, **options: Any) -> Self:
        """A tokenizer from one file, which a recipe names; by default there is no such file.

        Raises:
            InputError: if the tokenizer reads none, or the file is damaged.
        """
        raise InputError(f"{path}: the tokenizer {cls.name} is read from no file; take the key out")

    def settings(self) -> dict[str, Any]:
        """What `load` takes beside the folder, to be kept as JSON."""
        return {}

    def files(self) -> dict[str, Callable[[Path], None]]:
        """What is kept: file name -> function that writes the file."""
        return {}

    @classmethod
    def load(cls, folder: str | os.PathLike, *arguments: Any, **settings: Any) -> Self:
        """Read what `files` wrote.

        Raises:
            DataError: if a file is missing or damaged.
            TypeError, ValueError: if a setting is unknown or out of range.
        """
        return cls(*arguments, **settings)

    def _occurring(self, words: tf.Tensor) -> tuple[WordParts, tf.RaggedTensor]:
        """The parts of the distinct words, and for each word which of them are its own."""
        # One word more, so that there is one.
        distinct, index = tf.unique(tf.concat([["a"], words], axis=0))
        parts = self.split(distinct)
        splits = tf.cast(parts.tokens.row_splits, tf.int64)
        numbers = tf.RaggedTensor.from_row_splits(tf.range(splits[-1]), splits, validate=False)
        return parts, tf.gather(numbers, index[1:])


TOKENIZERS = Plugins("keras_seq.tokenizers", "tokenizer", table=f"{__name__}:BUILT_IN", attribute="TOKENIZER")
"""The tokenizers by their names: those of this package, those of entry points, and those that were registered."""

BUILT_IN = {
    "words": "keras_seq.text.tokenizer",
    "characters": "keras_seq.text.character_tokenizer",
    "pieces": "keras_seq.text.pieces",
}
"""Name -> module, whose `TOKENIZER` is the class."""

SomeTokenizer = TypeVar("SomeTokenizer", bound=type[Tokenizer])


def register_tokenizer(name: str) -> Callable[[SomeTokenizer], SomeTokenizer]:
    """Enter a tokenizer into the registry, for this process; a package has an entry point `keras_seq.tokenizers`.

    Args:
        name: what recipes call it.

    Returns:
        A decorator that gives the class back.

    Raises:
        TypeError: if what is decorated is no subclass of `Tokenizer`.
        ValueError: if another one has this name.
    """

    def register(tokenizer: SomeTokenizer) -> SomeTokenizer:
        if not (isinstance(tokenizer, type) and issubclass(tokenizer, Tokenizer)):
            raise TypeError(f"`tokenizer` must be a subclass of Tokenizer. Received: {tokenizer!r}. Derive it.")
        if name in TOKENIZERS.names():
            raise ValueError(f"`name` must be a new one. Received: name={name!r}, a known tokenizer. Rename yours.")
        tokenizer.name = name
        TOKENIZERS.add(name, tokenizer)
        return tokenizer

    return register


def save_tokenizer(tokenizer: Tokenizer, folder: str | os.PathLike) -> None:
    """Write the files of a tokenizer, and `tokenizer.json`, into a folder; of words nothing is to be kept."""
    if tokenizer.name == WordTokenizer.name:
        return
    for name, write in tokenizer.files().items():
        write(Path(folder) / name)
    with atomic_write(Path(folder) / SETTINGS_FILE, "w") as file:
        file.write(json.dumps({"name": tokenizer.name, **tokenizer.settings()}) + "\n")


def load_tokenizer(folder: str | os.PathLike) -> Tokenizer:
    """Read what `save_tokenizer` wrote.

    Raises:
        DataError: if a file is missing or damaged.
        InputError: if the tokenizer is of a package that is not installed, or was not registered.
    """
    path = Path(folder) / SETTINGS_FILE
    if not path.exists():
        return WordTokenizer()
    remedy = "put the original back, or train or export the model again"
    settings = read_json_object(path, remedy)
    name = settings.pop("name", None)
    if not isinstance(name, str):
        raise DataError(path, None, "names no tokenizer", remedy)
    tokenizer = TOKENIZERS.get(name)
    try:
        return tokenizer.load(folder, **settings)
    except (TypeError, ValueError) as error:
        raise DataError(path, None, f"damaged ({error})", remedy) from None


class WordTokenizer(Tokenizer):
    """Splits text into words and punctuation.

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
    character U+FFFD, which counts as one in the offsets. Tokens are in NFC.

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
    >>> WordTokenizer().normal(["It's  d'água, yes"]).numpy()[0].decode()
    "It's d'água , yes"
    """

    name = "words"
    splits_words = False

    def split(self, words: tf.Tensor) -> WordParts:
        return WordParts.adjacent(tf.RaggedTensor.from_uniform_row_length(words, 1))

    def join(self, tokens: tf.Tensor) -> tf.Tensor:
        return join_words(tf.where(tf.equal(tokens, ""), "", tf.strings.join([" ", tokens])))

    def tokenize(self, texts: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor, tf.Tensor]:
        return self.words(texts)

    def parts(self, words: tf.Tensor) -> TokenRows:
        return TokenRows(words, tf.cast(tf.not_equal(words, ""), tf.int32), None)

    def split_sentences(self, sentences: Iterable[Sequence[str]]) -> Iterable[tuple[Sequence[str], Sequence[int]]]:
        return ((sentence, [1] * len(sentence)) for sentence in sentences)


def join_words(words: tf.Tensor) -> tf.Tensor:
    """Texts of parts of words `(batch, steps)`, with a space before each word; English clitics stay with theirs."""
    text = tf.strings.reduce_join(words, axis=1)
    # No other word begins with an apostrophe and a letter.
    return tf.strings.regex_replace(tf.strings.regex_replace(text, "^ ", ""), r" (['’]\pL)", r"\1")


TOKENIZER = WordTokenizer
