"""Word vectors that a model begins with, trained as the section `pretraining` of its recipe asks."""

from __future__ import annotations

import dataclasses
import functools
import itertools
import os
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import TYPE_CHECKING

import numpy as np

from keras_seq.core.checks import check_positive_integer
from keras_seq.training.pretraining_recipe import PretrainingSection
from keras_seq.training.word_pretraining import NegativeSampling, composed_vectors, pretrain_word_vectors

if TYPE_CHECKING:
    from keras_seq.text import TokenEncoder, Tokenizer

# What embedding layers usually begin with: the root of the mean square of the numbers in a vector.
SCALE = 0.1
# Texts that are split together, and how many characters they have at most when all are as long as the longest.
TEXTS_PER_CALL, CHARACTERS_PER_CALL = 512, 2_000_000


def pretrained_vectors(
    recipe: PretrainingSection,
    texts: Iterable[str],
    encoder: TokenEncoder,
    tokenizer: Tokenizer,
    *,
    embedding_dim: int,
    seed: int = 0,
    paths: Sequence[str | os.PathLike] | None = None,
    on_progress: Callable[[int, int], None] | None = None,
) -> dict[str, np.ndarray | None] | None:
    """Train word vectors as a recipe asks, on text files and the training texts.

    Words of the texts that the encoder does not know take part as well, when they come often enough: as neighbours, and
    through the n-grams that they share with others. With subwords the vector of a word is the mean of its own vector
    and those of its n-grams.

    Args:
        recipe: the section `[pretraining]`.
        texts: the training texts.
        encoder: knows the words, and the n-grams where it has `subwords`.
        tokenizer: splits the texts as it will split those that the model reads.
        embedding_dim: size of the vectors.
        seed: decides all that is random.
        paths: where the files of the recipe are; by default as it names them.
        on_progress: called with the number of words that were learned from since the last call, and of all to come.

    Returns:
        `None` for the method `"none"`; else `"word"`, float32 `(words, embedding_dim)`, rows 0 and 1 (padding, unknown)
        zero, and `"subword"`, `(num_buckets + 1, embedding_dim)` with a zero row 0, or `None` where the encoder has no
        subwords or the method knows none. The numbers of the words' vectors have the root mean square 0.1; with
        `"tfidf"` they have the length of their weights (see `keras_seq.text.tfidf_vectors`).

    Raises:
        DataError: if a file is missing, empty or damaged.

    Example:
        >>> from keras_seq.text import SubwordHashing, TokenEncoder, WordTokenizer
        >>> encoder = TokenEncoder.build([["good", "bad", "film"]], subwords=SubwordHashing(100))
        >>> section = PretrainingSection(method="skip_gram", epochs=1)
        >>> texts = ["a good film", "a bad film"] * 10
        >>> vectors = pretrained_vectors(section, texts, encoder, WordTokenizer(), embedding_dim=8)
        >>> vectors["word"].shape, vectors["subword"].shape
        ((5, 8), (101, 8))
    """
    check_positive_integer("embedding_dim", embedding_dim)
    if recipe.method == "none":
        return None
    files = recipe.files if paths is None else paths
    sources: list[Iterable[str]] = [texts_of(path, recipe.columns) for path in files]
    sentences, words = _sentences([*sources, texts] if recipe.training_texts else sources, encoder, tokenizer, recipe)
    return _learned(recipe, sentences, words, encoder, embedding_dim, seed, on_progress)


def _learned(
    recipe: PretrainingSection,
    sentences: list[np.ndarray],
    words: list[str],
    encoder: TokenEncoder,
    embedding_dim: int,
    seed: int,
    on_progress: Callable[[int, int], None] | None,
) -> dict[str, np.ndarray | None]:
    """The vectors of what `_sentences` gave; of the words those that the encoder knows."""
    # Imported here: the room must be importable where TensorFlow is not installed.
    from keras_seq.text import cooccurrence_vectors, tfidf_vectors
    from keras_seq.text.vocabulary import NUM_SPECIAL

    known, size = len(encoder.vocabulary), NUM_SPECIAL + len(words)
    if recipe.method == "cooccurrence":
        counted = cooccurrence_vectors(sentences, size, embedding_dim, window=recipe.window, seed=seed)
        return _scaled({"word": counted, "subword": None}, None, known)
    subwords, num_buckets = None, 0
    if encoder.subwords is not None:
        subwords, num_buckets = encoder.subword_table(words), encoder.subwords.num_buckets
    learn: Callable[..., dict[str, np.ndarray | None]] = functools.partial(
        tfidf_vectors if recipe.method == "tfidf" else pretrain_word_vectors,
        sentences,
        size,
        subwords=subwords,
        num_buckets=num_buckets,
        embedding_dim=embedding_dim,
        seed=seed,
    )
    if recipe.method == "tfidf":
        return _of_known(learn(subword_scale=recipe.subword_scale), known)
    names = {field.name for field in dataclasses.fields(NegativeSampling)}
    sampling = NegativeSampling(**recipe.model_dump(include=names))
    return _scaled(learn(sampling=sampling, on_progress=on_progress), subwords, known)


def _sentences(
    sources: Iterable[Iterable[str]], encoder: TokenEncoder, tokenizer: Tokenizer, recipe: PretrainingSection
) -> tuple[list[np.ndarray], list[str]]:
    """The texts as ids, and the words that have an id: those of the encoder, then the other frequent ones."""
    from keras_seq.text.vocabulary import NUM_SPECIAL, UNKNOWN_ID

    numbers = {word: index for index, word in enumerate(encoder.vocabulary.tokens, NUM_SPECIAL)}
    known = len(encoder.vocabulary)
    sentences = _numbered(sources, encoder, tokenizer, numbers)
    counts = np.bincount(np.concatenate([np.zeros(0, "int32"), *sentences]), minlength=len(numbers) + NUM_SPECIAL)
    others = known + np.flatnonzero(counts[known:] >= recipe.min_count)
    # All the rest is unknown.
    ids = np.full(len(counts), UNKNOWN_ID, "int32")
    ids[:known] = np.arange(known)
    ids[others] = np.arange(known, known + len(others))
    words = list(numbers)
    return [ids[sentence] for sentence in sentences], [
        words[index - NUM_SPECIAL] for index in [*range(NUM_SPECIAL, known), *others]
    ]


def texts_of(path: str | os.PathLike, columns: Sequence[str]) -> Iterator[str]:
    """The texts of a file: those of one column, or its lines.

    Args:
        path: the file, plain or gzip.
        columns: as `PretrainingSection.columns`.

    Returns:
        An iterator over texts; memory does not grow with the file.

    Raises:
        DataError: if the file is missing, empty or damaged.
    """
    from keras_seq.core.lines import read_lines
    from keras_seq.data.labelled_text import read_labelled_text

    if columns:
        for example in read_labelled_text(path, columns=columns, allow_empty_text=True):
            yield example.text
    else:
        for _, line in read_lines(path, "one text a line"):
            yield line


def _numbered(
    sources: Iterable[Iterable[str]], encoder: TokenEncoder, tokenizer: Tokenizer, numbers: dict[str, int]
) -> list[np.ndarray]:
    """Numbers of the words of each text that has some; words that are new get the next numbers."""
    from keras_seq.text.code_points import whole_characters
    from keras_seq.text.vocabulary import NUM_SPECIAL

    sentences = []
    for chunk in _chunks(itertools.chain.from_iterable(sources)):
        tokens, _, _ = tokenizer.tokenize([whole_characters(text).encode() for text in chunk])
        rows = encoder.normalize(tokens).numpy()
        for row in rows:
            words = [word.decode() for word in row[row != b""]]
            if words:
                ids = [numbers.setdefault(word, len(numbers) + NUM_SPECIAL) for word in words]
                sentences.append(np.array(ids, "int32"))
    return sentences


def _chunks(texts: Iterable[str]) -> Iterator[list[str]]:
    """Texts in groups that a padded batch can hold."""
    chunk: list[str] = []
    longest = 0
    for text in texts:
        longest = max(longest, len(text))
        if chunk and (len(chunk) == TEXTS_PER_CALL or longest * (len(chunk) + 1) > CHARACTERS_PER_CALL):
            yield chunk
            chunk, longest = [], len(text)
        chunk.append(text)
    if chunk:
        yield chunk


def _scaled(
    vectors: dict[str, np.ndarray | None], subwords: np.ndarray | None, known: int
) -> dict[str, np.ndarray | None]:
    """The vectors of the words that the encoder knows, and of all n-grams, with the same factor for both tables."""
    size = known if vectors["word"] is None else len(vectors["word"])
    composed = composed_vectors(vectors, np.arange(size), subwords)
    composed = composed[composed.any(axis=1)]
    factor = np.float32(SCALE / np.sqrt(np.mean(np.square(composed))) if len(composed) else 1.0)
    tables = {name: None if table is None else table * factor for name, table in vectors.items()}
    return _of_known(tables, known)


def _of_known(tables: dict[str, np.ndarray | None], known: int) -> dict[str, np.ndarray | None]:
    """The tables without the words that the encoder does not know."""
    words = tables["word"]
    return {**tables, "word": None if words is None else words[:known]}
