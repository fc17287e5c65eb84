"""The classifier of texts: each input, cell, pooling and dropout gives the model that it says; nonsense is refused."""

import keras
import numpy as np
import pytest
from keras import ops

from keras_seq.core.keras_compat import get_keras_mask
from keras_seq.testing.padding import check_padding
from keras_seq.zoo import sentiment_model, text_classifier_model

ROWS, STEPS = 3, 5
GENERATOR = np.random.default_rng(0)
INPUTS = {
    "token_ids": GENERATOR.integers(2, 20, (ROWS, STEPS)).astype("int32"),
    "subword_ids": GENERATOR.integers(1, 30, (ROWS, STEPS, 4)).astype("int32"),
    "character_ids": GENERATOR.integers(1, 9, (ROWS, STEPS, 4)).astype("int32"),
    "case_ids": GENERATOR.integers(1, 5, (ROWS, STEPS)).astype("int32"),
}
SUBWORDS = {"num_buckets": 30, "embedding_dim": 5}
BIGRAMS = {"num_buckets": 40, "embedding_dim": 3}
CHARACTERS = {"vocabulary_size": 9, "units": 6}
CASE = {"num_cases": 5, "case_dim": 2}

# Name -> features, the inputs that they read, and the size of a token's vector.
FEATURES = {
    "words": ({}, ["token_ids"], 4),
    "subwords too": ({"subwords": SUBWORDS}, ["token_ids", "subword_ids"], 4 + 5),
    "bigrams too": ({"bigrams": BIGRAMS}, ["token_ids"], 4 + 3),
    "characters too": ({"characters": CHARACTERS}, ["token_ids", "character_ids"], 4 + 6),
    "case too": (CASE, ["token_ids", "case_ids"], 4 + 2),
    "case of eight": ({"num_cases": 5}, ["token_ids", "case_ids"], 4 + 8),
    "subwords alone": ({"words": False, "subwords": {"num_buckets": 30}}, ["subword_ids"], 4),
    "bigrams alone": ({"words": False, "bigrams": BIGRAMS}, ["token_ids"], 3),
    "characters alone": ({"words": False, "characters": CHARACTERS, "max_characters": 4}, ["character_ids"], 6),
    "characters and case": ({"words": False, "characters": CHARACTERS, **CASE}, ["character_ids", "case_ids"], 6 + 2),
    "all": (
        {"subwords": SUBWORDS, "bigrams": BIGRAMS, "characters": CHARACTERS, "max_characters": 4, **CASE},
        list(INPUTS),
        4 + 5 + 3 + 6 + 2,
    ),
    "all, summed": (
        {
            "subwords": {"num_buckets": 30, "combine": "sqrt"},
            "bigrams": {"num_buckets": 40},
            "characters": {"vocabulary_size": 9},
            "num_cases": 5,
            "combine": "sum",
        },
        list(INPUTS),
        4,
    ),
}


def small(**kwargs):
    settings = {"embedding_dim": 4, "recurrent": {"cell": "gru", "units": [3]}, "hidden_units": (6,), "dropout": 0}
    return text_classifier_model(20, 3, **{**settings, **kwargs})


def give_random_weights(model):
    generator = np.random.default_rng(5)
    for weight in model.trainable_weights:
        weight.assign(generator.normal(scale=0.6, size=weight.shape))


def sequence_of(model):
    """What is pooled; the layer's other input is the mask."""
    return keras.tree.flatten(model.get_layer("pooling").input)[0]


def call(model, inputs, training=False):
    tensors = {tensor.name: ops.convert_to_tensor(inputs[tensor.name]) for tensor in model.inputs}
    return ops.convert_to_numpy(model(tensors, training=training))


@pytest.mark.both_backends("all")
@pytest.mark.parametrize("name", FEATURES)
def test_features_apart_and_together(name):
    features, names, size = FEATURES[name]
    model = small(features=features, recurrent={"units": []}, pooling="attention")
    give_random_weights(model)
    assert sorted(tensor.name for tensor in model.inputs) == sorted(names)
    assert sequence_of(model).shape == (None, None, size)
    inputs = {key: INPUTS[key] for key in names}
    outputs = call(model, inputs)
    assert outputs.shape == (ROWS, 3) and outputs.dtype == np.float32
    np.testing.assert_allclose(outputs.sum(axis=1), 1, rtol=1e-5)
    for key in names:
        assert not np.allclose(outputs, call(model, {**inputs, key: inputs[key][::-1]})), f"{key} has no effect"
    check_padding(lambda padded, mask: call(model, padded), inputs)


def test_a_token_without_subwords_is_a_token_all_the_same():
    inputs = {key: INPUTS[key] for key in ("token_ids", "subword_ids")}
    inputs["subword_ids"] = np.where(np.arange(STEPS)[:, None] == 1, 0, inputs["subword_ids"])
    model = small(features={"subwords": SUBWORDS}, recurrent={"units": []})
    give_random_weights(model)
    other = {**inputs, "token_ids": np.where(np.arange(STEPS) == 1, 19, inputs["token_ids"])}
    assert not np.allclose(call(model, inputs), call(model, other))


@pytest.mark.parametrize("bidirectional", [True, False])
@pytest.mark.parametrize("cell", ["simple_rnn", "gru", "lstm"])
def test_every_cell_in_one_direction_or_both(cell, bidirectional):
    model = small(recurrent={"cell": cell, "units": [3, 2], "bidirectional": bidirectional})
    give_random_weights(model)
    prefix = "bidirectional" if bidirectional else cell
    layers = [model.get_layer(f"{prefix}_{index}") for index in range(2)]
    inner = [layer.forward_layer if bidirectional else layer for layer in layers]
    assert [(type(layer).__name__.lower(), layer.units) for layer in inner] == [
        (cell.replace("_", ""), 3),
        (cell.replace("_", ""), 2),
    ]
    assert sequence_of(model).shape[-1] == (4 if bidirectional else 2)
    check_padding(lambda padded, mask: call(model, {"token_ids": padded}), INPUTS["token_ids"])


@pytest.mark.parametrize("pooling", ["mean", "sqrt", "max", "attention", "last"])
@pytest.mark.parametrize("units", [[], [3]])
def test_every_pooling_says_what_each_token_weighs(pooling, units):
    if pooling == "last" and not units:
        with pytest.raises(ValueError, match="`pooling` 'last' needs an encoder of which .* Those that can: recurrent"):
            small(pooling=pooling, recurrent={"units": units})
        return
    model = small(pooling=pooling, recurrent={"units": units})
    give_random_weights(model)
    layer = model.get_layer("pooling")
    read = keras.Model(model.input, sequence_of(model))

    def step_weights(ids):
        tokens = {"token_ids": ops.convert_to_tensor(ids)}
        return ops.convert_to_numpy(layer.step_weights(read(tokens), ops.not_equal(tokens["token_ids"], 0)))

    ids = INPUTS["token_ids"].copy()
    ids[0, 1:3] = 0
    ids[1] = 0
    weights = step_weights(ids)
    assert (weights >= 0).all() and (weights[ids == 0] == 0).all()
    np.testing.assert_allclose(weights.sum(axis=1), [1, 0, 1], atol=1e-5)
    check_padding(lambda padded, mask: step_weights(padded), INPUTS["token_ids"])
    check_padding(lambda padded, mask: call(model, {"token_ids": padded}), INPUTS["token_ids"])
    # What the head reads is the weighted sum that the weights promise, where pooling is one.
    if pooling in ("mean", "attention"):
        states = ops.convert_to_numpy(read({"token_ids": ops.convert_to_tensor(ids)}))
        pooled = ops.convert_to_numpy(keras.Model(model.input, layer.output)({"token_ids": ops.convert_to_tensor(ids)}))
        np.testing.assert_allclose(pooled, (weights[..., None] * states).sum(axis=1), atol=1e-5)


def test_the_last_state_is_that_of_each_direction():
    model = small(pooling="last", hidden_units=())
    give_random_weights(model)
    whole = keras.Model(model.input, model.get_layer("text_vector").output)
    embedded = model.get_layer("word_embedding")(ops.convert_to_tensor(INPUTS["token_ids"]))
    layer = model.get_layer("bidirectional_0")
    forward = layer.forward_layer(embedded)[:, -1]
    backward = layer.backward_layer(embedded)[:, -1]  # in the order in which it was read
    expected = np.concatenate([ops.convert_to_numpy(forward), ops.convert_to_numpy(backward)], axis=1)
    np.testing.assert_allclose(call(whole, INPUTS), expected, atol=1e-5)


def test_without_recurrent_layers_it_is_the_bag_of_words():
    bag, model = sentiment_model(20, 3, embedding_dim=4, hidden_units=(6,)), small(recurrent={"units": []})
    give_random_weights(bag)
    model.set_weights(bag.get_weights())
    np.testing.assert_allclose(call(model, INPUTS), call(bag, INPUTS), atol=1e-6)


def test_the_head():
    model = small(hidden_units=(6, 7), activation="sigmoid")
    shapes = {name: model.get_layer(name).output.shape for name in ("hidden_0", "hidden_1", "text_vector")}
    assert shapes == {"hidden_0": (None, 6), "hidden_1": (None, 7), "text_vector": (None, 7)}
    scores = model.get_layer("class_scores")
    assert scores.input is model.get_layer("text_vector").output
    give_random_weights(model)
    logits = call(keras.Model(model.input, scores.output), INPUTS)
    np.testing.assert_allclose(call(model, INPUTS), 1 / (1 + np.exp(-logits.astype("float64"))), rtol=1e-4)
    assert small(hidden_units=()).get_layer("text_vector").output.shape == (None, 6)


def test_half_precision_ends_in_float32():
    keras.config.set_dtype_policy("mixed_float16")
    try:
        model = small(features=FEATURES["all"][0], pooling="attention")
    finally:
        keras.config.set_dtype_policy("float32")
    assert model.get_layer("text_vector").output.dtype == "float16"
    assert model.get_layer("class_scores").output.dtype == model.output.dtype == "float32"
    assert np.isfinite(call(model, INPUTS)).all()


def dropouts(model):
    return {layer.name: layer.rate for layer in model.layers if layer.name.startswith("drop_")}


def test_dropout_by_place():
    features = {"subwords": SUBWORDS, "bigrams": BIGRAMS}
    rates = {"tokens": 0.1, "ngrams": 0.2, "embeddings": 0.3, "recurrent": 0.4, "hidden": 0.5}
    model = small(features=features, recurrent={"units": [3, 3]}, dropout=rates)
    assert dropouts(model) == {
        "drop_tokens": 0.1,
        "drop_subwords": 0.2,
        "drop_bigrams": 0.2,
        "drop_embeddings": 0.3,
        "drop_recurrent_0": 0.4,
        "drop_recurrent_1": 0.4,
        "drop_hidden": 0.5,
    }
    # One rate is for vectors and states: tokens and n-grams stay. A place that is not named is left alone.
    assert set(dropouts(small(features=features, dropout=0.2)).items()) == {
        ("drop_tokens", 0.0),
        ("drop_subwords", 0.0),
        ("drop_bigrams", 0.0),
        ("drop_embeddings", 0.2),
        ("drop_recurrent_0", 0.2),
        ("drop_hidden", 0.2),
    }
    assert dropouts(small(dropout={"hidden": 0.2}))["drop_embeddings"] == 0


@pytest.mark.parametrize("place", ["tokens", "ngrams", "embeddings", "recurrent", "hidden"])
def test_dropout_acts_in_training_alone(place):
    model = small(features={"subwords": SUBWORDS}, dropout={place: 0.6})
    give_random_weights(model)
    keras.utils.set_random_seed(0)
    plain = call(model, INPUTS)
    np.testing.assert_array_equal(plain, call(model, INPUTS))
    assert not np.allclose(plain, call(model, INPUTS, training=True))


def test_dropped_n_grams_leave_the_token():
    """A model that reads n-grams alone keeps a token whose n-grams are all dropped: the mask is that of the text."""
    model = small(features={"words": False, "subwords": SUBWORDS}, dropout={"ngrams": 0.99}, recurrent={"units": []})
    pooled = keras.Model(model.input, sequence_of(model))
    inputs = {"subword_ids": ops.convert_to_tensor(INPUTS["subword_ids"])}
    vectors = ops.convert_to_numpy(pooled(inputs, training=True))
    assert (vectors == 0).all(axis=-1).mean() > 0.5
    assert ops.convert_to_numpy(get_keras_mask(pooled(inputs, training=True))).all()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"features": {"word": True}}, "`features` takes the keys words, .* Received: word"),
        ({"features": {"subwords": {"buckets": 3}}}, "`features.subwords` takes the keys .* Received: buckets"),
        ({"features": {"bigrams": {"combine": "sum"}}}, "`features.bigrams` takes the keys .* Received: combine"),
        ({"features": {"subwords": {}}}, "`features.subwords` must have the key num_buckets"),
        ({"features": {"subwords": {"num_buckets": 0}}}, "`features.subwords.num_buckets`"),
        ({"features": {"bigrams": {**BIGRAMS, "embedding_dim": 0}}}, "`features.bigrams.embedding_dim`"),
        ({"features": {"subwords": {**SUBWORDS, "combine": "max"}}}, "`features.subwords.combine`"),
        ({"features": {"combine": "multiply"}}, "`features.combine`"),
        ({"features": {"words": False}}, "`features` must leave something to read"),
        ({"features": {"words": False, **CASE}}, "`features` must leave something to read"),
        ({"features": {"subwords": SUBWORDS, "combine": "sum"}}, "needs vectors of one size.*words: 4, subwords: 5"),
        ({"features": {"num_cases": 0}}, "`features.num_cases`"),
        ({"recurrent": {"cells": "gru"}}, "`recurrent` takes the keys .* Received: cells"),
        ({"recurrent": {"cell": "rnn"}}, "`recurrent.cell` must be one of"),
        ({"recurrent": {"units": [3, 0]}}, "`recurrent.units`"),
        ({"pooling": "median"}, "`pooling` must be one of"),
        ({"hidden_units": (0,)}, "`hidden_units`"),
        ({"dropout": {"embedding": 0.1}}, "`dropout` takes the keys tokens, .* Received: embedding"),
        ({"dropout": 1.0}, "`dropout.embeddings`"),
        ({"activation": "relu"}, "`activation` must be one of 'softmax', 'sigmoid', 'linear'"),
        ({"embedding_dim": 0}, "`embedding_dim`"),
    ],
)
def test_wrong_values_are_refused(arguments, message):
    with pytest.raises(ValueError, match=message):
        small(**arguments)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"features": {"words": 1}}, "`features.words`"),
        ({"features": {"subwords": 3}}, "`features.subwords` must be a mapping"),
        ({"recurrent": {"bidirectional": "yes"}}, "`recurrent.bidirectional`"),
        ({"hidden_units": "64"}, "`hidden_units`"),
    ],
)
def test_wrong_types_are_refused(arguments, message):
    with pytest.raises(TypeError, match=message):
        small(**arguments)


def test_wrong_sizes_are_refused():
    with pytest.raises(ValueError, match="`vocabulary_size`"):
        text_classifier_model(0, 3)
    with pytest.raises(ValueError, match="`num_classes` must be a positive integer"):
        text_classifier_model(20, 0)
    with pytest.raises(ValueError, match="`num_classes` must be at least 2 with `activation='softmax'`"):
        text_classifier_model(20, 1)
    for activation in ("sigmoid", "linear"):
        assert text_classifier_model(20, 1, activation=activation).output_shape == (None, 1)


def test_a_linear_head_gives_the_logits():
    model = small(activation="linear")
    logits = keras.Model(model.input, model.get_layer("class_scores").output)
    inputs = {"token_ids": INPUTS["token_ids"]}
    np.testing.assert_array_equal(*(ops.convert_to_numpy(each(inputs)) for each in (model, logits)))
