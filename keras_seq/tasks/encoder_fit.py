"""Whether an encoder of tokens is the one that a model was trained with, as far as sizes tell."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import keras

from keras_seq.core.errors import RunError
from keras_seq.export.json_settings import REMEDY
from keras_seq.layers import CharacterEncoder, SubwordEmbedding, WideScores
from keras_seq.text import TokenEncoder
from keras_seq.text.encoding import CHARACTERS_FILE, FEATURES, OPTIONS_FILE, WORDS_FILE
from keras_seq.text.tokenizer import SETTINGS_FILE

# The names of the tables in the models of the zoo.
WORD_TABLE, SUBWORD_TABLE = "word_embedding", "subword_embedding"


def check_encoder(folder: Path, model: keras.Model, encoder: TokenEncoder) -> None:
    """Raise unless the tables of a model have the sizes of an encoder: others would give the vectors of other words.

    Args:
        folder: Where the files of the encoder stand.
        model: The model.
        encoder: The encoder.

    Raises:
        RunError: If a size differs; the message names the file.
    """
    buckets = None if encoder.subwords is None else encoder.subwords.num_buckets
    for layer in _layers(model):
        words = characters = subwords = None
        if layer.name == WORD_TABLE:
            words = layer.input_dim
        elif isinstance(layer, WideScores) and layer.name.endswith("_words"):
            words = layer.num_ids
        elif isinstance(layer, WideScores) and layer.name.endswith("_subwords"):
            subwords = layer.num_ids - 1
        elif isinstance(layer, CharacterEncoder):
            characters = layer.vocabulary_size
        elif isinstance(layer, SubwordEmbedding) and layer.name == SUBWORD_TABLE:
            subwords = layer.num_buckets
        elif isinstance(layer, keras.layers.InputLayer) and layer.name in FEATURES:
            if layer.name not in encoder.features:
                raise RunError(f"{folder / OPTIONS_FILE}: has no subwords, which the model reads; {REMEDY}")
            if layer.name == "character_ids" and layer.batch_shape[-1] not in (None, encoder.max_characters):
                raise RunError(
                    f"{folder / OPTIONS_FILE}: max_characters is {encoder.max_characters}, the model reads "
                    f"{layer.batch_shape[-1]}; {REMEDY}"
                )
        for name, wanted, found, unit in (
            (SETTINGS_FILE if encoder.is_closed else WORDS_FILE, words, len(encoder.vocabulary), "words"),
            (CHARACTERS_FILE, characters, len(encoder.characters), "characters"),
            (OPTIONS_FILE, subwords, buckets, "buckets of subwords"),
        ):
            if wanted is not None and wanted != found:
                raise RunError(
                    f"{folder / name}: makes {found} {unit} with the special ones, the model was trained with "
                    f"{wanted}; {REMEDY}"
                )


def _layers(model: keras.Model) -> Iterator[keras.layers.Layer]:
    for layer in model.layers:
        if isinstance(layer, keras.Model):
            yield from _layers(layer)
        yield layer
