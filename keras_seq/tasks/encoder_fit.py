"""Whether an encoder of tokens is the one that a model was trained with, as far as sizes tell."""

from __future__ import annotations

from pathlib import Path

import keras

from keras_seq.core.errors import RunError
from keras_seq.export.json_settings import REMEDY
from keras_seq.layers import CharacterEncoder
from keras_seq.text import TokenEncoder
from keras_seq.text.encoding import CHARACTERS_FILE, FEATURES, OPTIONS_FILE, WORDS_FILE
from keras_seq.text.tokenizer import SETTINGS_FILE
from keras_seq.zoo.parts import ids_read_by, parts_of, subword_table_of, wide_tables_of, word_table_of


def check_encoder(folder: Path, model: keras.Model, encoder: TokenEncoder) -> None:
    """Raise unless the tables of a model have the sizes of an encoder: others would give the vectors of other words.

    Args:
        folder: Where the files of the encoder stand.
        model: The model.
        encoder: The encoder.

    Raises:
        RunError: if a size differs; the message names the file.
    """
    buckets = None if encoder.subwords is None else encoder.subwords.num_buckets
    wide = {id(table): ids_read_by(model, table) for table in wide_tables_of(model).values()}
    word_table, subword_table = word_table_of(model), subword_table_of(model)
    for layer in parts_of(model, keras.layers.Layer):
        words = characters = subwords = None
        if word_table is not None and layer is word_table:
            words = layer.input_dim
        elif subword_table is not None and layer is subword_table:
            subwords = layer.num_buckets
        elif wide.get(id(layer)) == "token_ids":
            words = layer.num_ids
        elif wide.get(id(layer)) == "subword_ids":
            subwords = layer.num_ids - 1
        elif isinstance(layer, CharacterEncoder):
            characters = layer.vocabulary_size
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
