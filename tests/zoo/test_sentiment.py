"""The bag of words: the mean of word vectors, whatever their order, through dense layers to probabilities."""

import keras
import numpy as np
import pytest
from keras import ops

from keras_seq.testing.padding import check_padding
from keras_seq.zoo import sentiment_model

IDS = np.random.default_rng(0).integers(2, 20, (3, 5)).astype("int32")


def numpy_of(model, token_ids):
    return ops.convert_to_numpy(model({"token_ids": ops.convert_to_tensor(token_ids)}))


def give_random_weights(model):
    generator = np.random.default_rng(5)
    for weight in model.trainable_weights:
        weight.assign(generator.normal(scale=0.6, size=weight.shape))


def test_equal_to_the_plain_formula():
    model = sentiment_model(20, 4, embedding_dim=3, hidden_units=(5,), dropout=0)
    give_random_weights(model)
    table, w_1, b_1, w_2, b_2 = (np.array(weight, "float64") for weight in model.get_weights())
    ids = np.where(np.array([[1, 0, 1, 1, 0]] * 3), IDS, 0)
    mean = table[IDS[:, [0, 2, 3]]].sum(axis=1) / 3
    scores = np.maximum(mean @ w_1 + b_1, 0) @ w_2 + b_2
    powers = np.exp(scores - scores.max(-1, keepdims=True))
    np.testing.assert_allclose(numpy_of(model, ids), powers / powers.sum(-1, keepdims=True), rtol=1e-4)
    check_padding(lambda padded, mask: numpy_of(model, padded), IDS)


def test_three_classes_unless_told_otherwise():
    model = sentiment_model(20)
    assert model.output_shape == (None, 3) and model.name == "sentiment_model"
    assert type(model.get_layer("pooling")).__name__ == "MeanLayer"


def test_a_text_of_padding_alone_is_classified_by_the_biases():
    model = sentiment_model(20, hidden_units=(), dropout=0)
    give_random_weights(model)
    bias = model.get_layer("class_scores").get_weights()[1]
    powers = np.exp(bias - bias.max())
    np.testing.assert_allclose(numpy_of(model, 0 * IDS)[0], powers / powers.sum(), rtol=1e-5)


def test_only_bigrams_see_the_order():
    for features, is_same in [(None, True), ({"bigrams": {"num_buckets": 50, "embedding_dim": 4}}, False)]:
        model = sentiment_model(20, features=features, dropout=0)
        give_random_weights(model)
        assert np.allclose(numpy_of(model, IDS), numpy_of(model, IDS[:, ::-1]), atol=1e-5) == is_same


def test_it_learns_what_words_mean():
    keras.utils.set_random_seed(0)
    ids = np.random.default_rng(1).integers(2, 20, (200, 6)).astype("int32")
    labels = (ids < 5).any(axis=1).astype("int32")
    model = sentiment_model(20, 2, embedding_dim=8, hidden_units=(8,), dropout=0)
    model.compile(keras.optimizers.Adam(0.03), "sparse_categorical_crossentropy", metrics=["accuracy"])
    model.fit({"token_ids": ids}, labels, epochs=20, verbose=0)
    assert model.evaluate({"token_ids": ids}, labels, verbose=0)[1] > 0.95


@pytest.mark.parametrize("arguments", [{"pooling": "max"}, {"recurrent": {}}])
def test_it_has_no_other_middle(arguments):
    with pytest.raises(TypeError):
        sentiment_model(20, **arguments)
