"""The wide part of the classifiers: its scores are added to those of the network, whatever the network is."""

import keras
import numpy as np
import pytest
from keras import ops

from keras_seq.layers import HashedBigrams
from keras_seq.losses import ClassCrossEntropy
from keras_seq.testing import run_model_test
from keras_seq.testing.padding import check_padding
from keras_seq.zoo import sentiment_model, text_classifier_model, transformer_classifier_model

IDS = np.random.default_rng(0).integers(2, 20, (3, 5)).astype("int32")
SUBWORDS = np.random.default_rng(1).integers(1, 8, (3, 5, 4)).astype("int32")
INPUTS = {"token_ids": IDS, "subword_ids": SUBWORDS}
WIDE = {"bigrams": 30, "subwords": 7, "prior": True, "scale": 2.0}
SMALL = {"embedding_dim": 4, "dropout": {"hidden": 0.1, "branches": 0.2}}


def give_random_weights(model):
    generator = np.random.default_rng(5)
    for weight in model.weights:
        if weight.dtype == "float32":
            weight.assign(generator.uniform(0.2, 1, weight.shape))


def plain_scores(table, ids):
    """Of one row of ids."""
    scores, weights = (np.array(value, "float64") for value in (table.scores, table.id_weights))
    found = [number for number in ids.ravel() if number]
    total = sum(weights[number] * scores[number] for number in found)
    return 2.0 * total / np.sqrt(sum(weights[number] ** 2 for number in found))


@pytest.mark.both_backends
def test_scores_are_added():
    model = sentiment_model(20, 4, wide=WIDE, hidden_units=(), **SMALL)
    give_random_weights(model)
    deep = keras.Model(model.inputs, model.get_layer("class_scores").output)(INPUTS)
    pairs = ops.convert_to_numpy(HashedBigrams(30)(IDS))
    expected = np.array(deep, "float64")
    for row in range(3):
        for name, ids in [
            ("wide_words", IDS),
            ("wide_bigrams", pairs),
            ("wide_subwords", SUBWORDS),
            ("prior_words", IDS),
            ("prior_bigrams", pairs),
        ]:
            expected[row] += plain_scores(model.get_layer(name), ids[row])
    powers = np.exp(expected - expected.max(-1, keepdims=True))
    np.testing.assert_allclose(model(INPUTS), powers / powers.sum(-1, keepdims=True), rtol=1e-4)


@pytest.mark.parametrize(
    "build",
    [
        sentiment_model,
        lambda size, **options: text_classifier_model(size, 3, recurrent={"units": [3]}, **options),
        lambda size, **options: transformer_classifier_model(
            size, 3, transformer={"num_blocks": 1, "num_heads": 2}, **options
        ),
    ],
    ids=["sentiment", "recurrent", "transformer"],
)
def test_every_classifier_takes_it_and_padding_never_matters(build):
    model = build(20, wide={**WIDE, "subwords": 0}, **SMALL)
    give_random_weights(model)
    check_padding(lambda padded, mask: ops.convert_to_numpy(model({"token_ids": padded})), IDS)
    frozen = {layer.name for layer in model.layers if layer.weights and not layer.trainable_weights}
    assert {"prior_words", "prior_bigrams"} <= frozen and not {"wide_words", "wide_bigrams"} & frozen
    # What the network reads and what the wide part reads may differ.
    assert [tensor.name for tensor in model.inputs] == ["token_ids"]
    assert {tensor.name for tensor in build(20, wide=WIDE, **SMALL).inputs} == set(INPUTS)


def test_the_whole_way():
    run_model_test(
        sentiment_model,
        arguments={"vocabulary_size": 20, "num_classes": 2, "wide": WIDE, "hidden_units": (), **SMALL},
        inputs=INPUTS,
        targets=np.array([0, 1, 1], "int32"),
        loss=ClassCrossEntropy(),
    )


def test_in_training_whole_branches_are_left_out_of_a_text():
    model = sentiment_model(20, 2, embedding_dim=4, wide={"dropout": 0.0}, hidden_units=(), dropout={"branches": 0.5})
    give_random_weights(model)
    texts = np.repeat(IDS[:1], 400, axis=0)
    both = keras.Model(model.inputs, [model.get_layer(name).output for name in ("drop_deep", "drop_wide")])
    deep, wide = (ops.convert_to_numpy(scores) for scores in both({"token_ids": texts}, training=True))
    for scores in (deep, wide):
        is_out = (scores == 0).all(axis=1)
        assert ((scores != 0).all(axis=1) == ~is_out).all() and 0.4 < is_out.mean() < 0.6
    assert ((deep == 0) != (wide == 0)).any()


def test_wrong_options_are_refused():
    for wide, error, message in [
        ([], TypeError, "`wide` must be a mapping"),
        ({"trigrams": 5}, ValueError, "`wide` takes the keys"),
        ({"words": 1}, TypeError, "`wide.words`"),
        ({"bigrams": -1}, ValueError, "`wide.bigrams`"),
        ({"subwords": True}, TypeError, "`wide.subwords`"),
        ({"scale": 0.0}, ValueError, "`wide.scale`"),
        ({"dropout": 1.0}, ValueError, "`wide.dropout`"),
        ({"words": False}, ValueError, "`wide` must leave something to read"),
        ({"words": False, "subwords": 5, "prior": True}, ValueError, "a prior words or bigrams"),
    ]:
        with pytest.raises(error, match=message):
            sentiment_model(20, wide=wide)
