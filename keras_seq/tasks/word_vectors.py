"""Word vectors that a model begins with, and the projector that shows those that it ends with."""

from __future__ import annotations

import collections
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from pathlib import Path

import keras
import numpy as np

from keras_seq.core.errors import RecipeError
from keras_seq.data import find_data
from keras_seq.tasks.encoder_fit import SUBWORD_TABLE, WORD_TABLE
from keras_seq.tasks.labelled_texts import TEXTS_PER_CHUNK, tokenized
from keras_seq.tasks.text_task import chunks
from keras_seq.text import TokenEncoder, WordTokenizer, load_word_vectors
from keras_seq.text.vocabulary import UNKNOWN_TOKEN
from keras_seq.training import pretrained_vectors, write_projector
from keras_seq.training.pretraining_recipe import texts_of
from keras_seq.training.text_recipe import LabelledTextRecipe

# What is read of a text for word vectors.
MOST_TOKENS = 100_000


def set_word_vectors(
    model: keras.Model,
    recipe: LabelledTextRecipe,
    texts: Iterable[str],
    encoder: TokenEncoder,
    tokenizer: WordTokenizer,
    paths: Sequence[Path],
    data_directory: str | Path | None,
    on_progress: Callable[[int, int], None] | None,
) -> None:
    """Let the tables of words, and of subwords of the same size, begin with vectors that know text but no label.

    Args:
        model: has a layer `word_embedding`, and maybe `subword_embedding`.
        recipe: its section `pretraining` says where the vectors come from.
        texts: the training texts.
        encoder, tokenizer: those of the model.
        paths: the further files of the section.
        data_directory: where a file of vectors is looked for first.
        on_progress: called while vectors are trained.

    Raises:
        RecipeError: if the model has no table of words.
        DataError: if a file of vectors is broken, or of another size than the table.
    """
    tables = {layer.name: layer for layer in model.layers if layer.name in (WORD_TABLE, SUBWORD_TABLE)}
    if WORD_TABLE not in tables:
        raise RecipeError("section `pretraining` needs a model that reads words; take it out, or features.words")
    size = tables[WORD_TABLE].output_dim
    section = recipe.pretraining
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
            seed=recipe.seed,
            paths=paths,
            on_progress=on_progress,
        )
    for name, table in tables.items():
        found = (vectors or {}).get(name.removesuffix("_embedding"))
        rows = table.get_weights()[0]
        if found is not None and found.shape[1] == rows.shape[1]:
            # Words of which nothing was learned keep the vectors that the layer began with.
            known = np.any(found != 0, axis=1, keepdims=True)
            table.set_weights([np.where(known, found[: len(rows)], rows)])


def frequent_words(recipe: LabelledTextRecipe, paths: Sequence[Path], tokenizer: WordTokenizer) -> Iterator[list[str]]:
    """The frequent words of the files for word vectors, where the vocabulary is to know them."""
    section = recipe.pretraining
    if not section.extend_vocabulary:
        return
    counts: collections.Counter[str] = collections.Counter()
    for path in paths:
        for chunk in chunks(texts_of(path, section.columns), TEXTS_PER_CHUNK):
            for tokens in tokenized(tokenizer, chunk, MOST_TOKENS):
                counts.update(tokens)
    for word, count in counts.items():
        if count >= section.min_count:
            yield [word] * recipe.data.min_count


def show_word_vectors(model: keras.Model, encoder: TokenEncoder, directory: Path) -> None:
    """Show the vectors of the most frequent words in TensorBoard's projector, where the model has some."""
    names = [layer.name for layer in model.layers]
    if WORD_TABLE in names:
        vectors = model.get_layer(WORD_TABLE).get_weights()[0]
        write_projector(directory, vectors, ["", UNKNOWN_TOKEN, *encoder.vocabulary.tokens])
