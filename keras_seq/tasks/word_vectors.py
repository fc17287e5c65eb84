"""Word vectors that a model begins with, and those that it ends with, for the projector."""

from __future__ import annotations

import collections
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from pathlib import Path

import keras
import numpy as np

from keras_seq.core.errors import RecipeError
from keras_seq.data import find_data
from keras_seq.tasks.labelled_texts import TEXTS_PER_CHUNK, tokenized
from keras_seq.tasks.text_task import chunks
from keras_seq.text import TokenEncoder, Tokenizer, cooccurrence_vectors, load_word_vectors
from keras_seq.training import PretrainingSection, pretrained_vectors
from keras_seq.training.pretraining import texts_of
from keras_seq.zoo.parts import subword_table_of, word_table_of

# What is read of a text for word vectors.
MOST_TOKENS = 100_000


def set_word_vectors(
    model: keras.Model,
    section: PretrainingSection,
    seed: int,
    texts: Iterable[str],
    encoder: TokenEncoder,
    tokenizer: Tokenizer,
    data_directory: str | Path | None,
    on_progress: Callable[[int, int], None] | None,
) -> None:
    """Let the tables of words, and of subwords of the same size, begin with vectors that know text but no label.

    Args:
        model: reads words, and maybe subwords.
        section: where the vectors come from.
        seed: decides what is random.
        texts: the training texts.
        encoder, tokenizer: those of the model.
        data_directory: where files are looked for first.
        on_progress: called while vectors are trained.

    Raises:
        RecipeError: if the model has no table of words.
        DataError: if a file of vectors is broken, or of another size than the table.
    """
    words, subwords = _words_of(model), subword_table_of(model)
    size = words.output_dim
    vectors: Mapping[str, np.ndarray | None] | None
    if section.vectors is not None:
        path = find_data(section.vectors, data_directory)
        vectors = {"word": load_word_vectors(path, encoder.vocabulary, size)[0]}
    else:
        vectors = pretrained_vectors(
            section,
            texts,
            encoder,
            tokenizer,
            embedding_dim=size,
            seed=seed,
            paths=pretraining_paths(section, data_directory),
            on_progress=on_progress,
        )
    for name, table in (("word", words), ("subword", subwords)):
        found = (vectors or {}).get(name)
        if table is not None and found is not None and found.shape[1] == table.get_weights()[0].shape[1]:
            _set_rows(table, found)


def count_word_vectors(model: keras.Model, texts: Iterable[np.ndarray], seed: int) -> None:
    """Let the table of words begin with counts of neighbours.

    Args:
        model: reads words.
        texts: the token ids of the training texts.
        seed: decides.
    """
    table = _words_of(model)
    _set_rows(table, cooccurrence_vectors(texts, table.input_dim, table.output_dim, seed=seed))


def _words_of(model: keras.Model) -> keras.layers.Embedding:
    table = word_table_of(model)
    if table is None:
        raise RecipeError("section `pretraining` needs a model that reads words; take it out, or features.words")
    return table


def _set_rows(table: keras.layers.Layer, vectors: np.ndarray) -> None:
    rows = table.get_weights()[0]
    # Words of which nothing was learned keep the vectors that the layer began with.
    known = np.any(vectors != 0, axis=1, keepdims=True)
    table.set_weights([np.where(known, vectors[: len(rows)], rows)])


def pretraining_paths(section: PretrainingSection, data_directory: str | Path | None) -> list[Path]:
    """The further files for word vectors.

    Raises:
        InputError: if one is not there.
    """
    return [find_data(reference, data_directory) for reference in section.files]


def frequent_words(
    section: PretrainingSection, paths: Sequence[Path], tokenizer: Tokenizer, min_count: int
) -> Iterator[list[str]]:
    """The frequent words of the files for word vectors, where the vocabulary is to know them.

    Args:
        section: says whether, and how often a word must come.
        paths: the files.
        tokenizer: splits text.
        min_count: each word is given so often.
    """
    if not section.extend_vocabulary:
        return
    counts: collections.Counter[str] = collections.Counter()
    for path in paths:
        for chunk in chunks(texts_of(path, section.columns), TEXTS_PER_CHUNK):
            for tokens in tokenized(tokenizer, chunk, MOST_TOKENS):
                counts.update(tokens)
    for word, count in counts.items():
        if count >= section.min_count:
            yield [word] * min_count


def word_vectors(model: keras.Model, encoder: TokenEncoder) -> dict[str, tuple[np.ndarray, Sequence[str]]]:
    """For the projector: the vectors of words by the name `words`, the most frequent first; nothing without a table."""
    table = word_table_of(model)
    if table is None:
        return {}
    return {"words": (table.get_weights()[0], encoder.vocabulary.names)}
