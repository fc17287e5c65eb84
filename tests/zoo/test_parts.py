"""The parts of a model are found by what they are, as well after it was loaded from a file."""

import keras
import pytest

from keras_seq.layers import HashedBigrams
from keras_seq.zoo import ner_model, siamese_model, text_classifier_model
from keras_seq.zoo.parts import (
    ids_read_by,
    pooling_of,
    steps_of,
    subword_table_of,
    text_vector_of,
    tower_of,
    wide_tables_of,
    word_table_of,
)

FEATURES = {"bigrams": {"num_buckets": 40}, "subwords": {"num_buckets": 30, "embedding_dim": 5}, "num_cases": 4}


def loaded(model, tmp_path):
    model.save(tmp_path / "model.keras")
    return keras.saving.load_model(tmp_path / "model.keras")


@pytest.mark.parametrize("is_loaded", [False, True])
def test_parts_of_a_classifier(is_loaded, tmp_path):
    wide = {"bigrams": 30, "subwords": 30, "prior": True}
    model = text_classifier_model(
        20, 3, embedding_dim=4, features=FEATURES, wide=wide, encoder={"kind": "transformer", "units": 8}
    )
    model = loaded(model, tmp_path) if is_loaded else model
    assert word_table_of(model).input_dim == 20
    assert (subword_table_of(model).num_buckets, subword_table_of(model).embedding_dim) == (30, 5)
    assert steps_of(model).shape == (None, None, 8) and pooling_of(model).name == "pooling"
    assert text_vector_of(model) is model.get_layer("text_vector").output
    found = {name: (table.trainable, ids_read_by(model, table)) for name, table in wide_tables_of(model).items()}
    assert {name: ids for name, (_, ids) in found.items() if isinstance(ids, str)} == {
        "wide_words": "token_ids",
        "wide_subwords": "subword_ids",
        "prior_words": "token_ids",
    }
    assert {name for name, (_, ids) in found.items() if isinstance(ids, HashedBigrams)} == {
        "wide_bigrams",
        "prior_bigrams",
    }
    assert {name for name, (is_trained, _) in found.items() if not is_trained} == {"prior_words", "prior_bigrams"}


@pytest.mark.parametrize("is_loaded", [False, True])
def test_parts_of_a_matcher(is_loaded, tmp_path):
    model = siamese_model(20, embedding_dim=4, features=FEATURES)
    model = loaded(model, tmp_path) if is_loaded else model
    tower = tower_of(model)
    assert tower.output_shape == (None, 128)
    assert word_table_of(model) is word_table_of(tower) is tower.get_layer("word_embedding")
    assert subword_table_of(model) is tower.get_layer("subword_embedding")


def test_what_is_missing_is_told():
    model = ner_model(20, 3, embedding_dim=4, units=4)
    assert subword_table_of(model) is None and not wide_tables_of(model)
    for find in (tower_of, pooling_of, steps_of):
        with pytest.raises(ValueError, match="`model` must have one layer that is its .* Received: model='ner_model'"):
            find(model)
    ids = keras.Input((None,), dtype="int32")
    bare = keras.Model(ids, keras.layers.Embedding(5, 3)(ids))
    assert word_table_of(bare) is None
    with pytest.raises(ValueError, match="dense layer that gives the scores"):
        text_vector_of(bare)
