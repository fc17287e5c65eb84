"""The siamese model: one tower for both sides, and the cosine of its two vectors."""

import keras
import numpy as np
import pytest
from keras import ops

from keras_seq.losses import TripletLoss
from keras_seq.zoo import siamese_model, stacked_twins

ROWS = 3
SUBWORDS = {"subwords": {"num_buckets": 30, "embedding_dim": 5}}


def small(**kwargs):
    return siamese_model(20, **{"embedding_dim": 4, "recurrent": {"units": [3]}, "dropout": 0, **kwargs})


def ids(steps, seed=0):
    return np.random.default_rng(seed).integers(2, 20, (ROWS, steps)).astype("int32")


def call(model, **inputs):
    return ops.convert_to_numpy(model({name: ops.convert_to_tensor(value) for name, value in inputs.items()}))


def test_there_is_one_set_of_weights():
    model = small(projection_units=(6, 5))
    tower = model.get_layer("tower")
    assert {id(weight) for weight in model.weights} == {id(weight) for weight in tower.weights}
    assert model.count_params() == tower.count_params()
    a, b = ids(5), ids(7, seed=1)
    before = call(model, token_ids_a=a, token_ids_b=b)
    for weight in tower.trainable_weights:
        weight.assign(weight + 0.3)
    after = call(model, token_ids_a=a, token_ids_b=b)
    assert np.abs(after - before).max() > 1e-3
    # What one side has changed to, the other has too.
    np.testing.assert_allclose(call(model, token_ids_a=a, token_ids_b=a), 1, atol=1e-6)
    np.testing.assert_allclose(call(model, token_ids_a=b, token_ids_b=a), after, atol=1e-6)


@pytest.mark.parametrize("projection_units", [(), 6, (6, 5)])
def test_the_similarity_is_the_cosine(projection_units):
    model = small(projection_units=projection_units)
    a, b = ids(5), ids(7, seed=1)
    first, second = (call(model.get_layer("tower"), token_ids=side).astype(float) for side in (a, b))
    np.testing.assert_allclose(np.linalg.norm(first, axis=1), 1, atol=1e-6)
    expected = [np.dot(u, v) / np.linalg.norm(u) / np.linalg.norm(v) for u, v in zip(first, second, strict=True)]
    np.testing.assert_allclose(call(model, token_ids_a=a, token_ids_b=b), expected, atol=1e-6)
    stacked = call(stacked_twins(model), token_ids_a=a, token_ids_b=b)
    np.testing.assert_allclose(stacked, np.stack([first, second], axis=1), atol=1e-6)


def test_the_vector_is_the_mean_of_the_words_where_nothing_recurs():
    model = small(recurrent={"units": []})
    table = np.asarray(model.get_layer("tower").get_layer("word_embedding").get_weights()[0], float)
    a = ids(5)
    mean = table[a].mean(axis=1)
    expected = mean / np.linalg.norm(mean, axis=1, keepdims=True)
    np.testing.assert_allclose(call(model.get_layer("tower"), token_ids=a), expected, atol=1e-5)


def test_padding_alone_is_similar_to_nothing():
    model = small()
    similarity = call(model, token_ids_a=np.zeros((ROWS, 4), "int32"), token_ids_b=ids(5))
    np.testing.assert_array_equal(similarity, 0)


@pytest.mark.both_backends
def test_a_row_of_padding_spoils_no_weight():
    """Its vector is zero but for what a bias adds: the gradient of its length must be finite."""
    model = small(projection_units=(5,))
    stacked = stacked_twins(model)
    stacked.compile("adam", loss=TripletLoss(0.5))
    padded = np.concatenate([ids(5), np.zeros((1, 5), "int32")])
    stacked.fit({"token_ids_a": padded, "token_ids_b": padded}, np.array([0, 1, 2, -1]), verbose=0)
    assert all(np.isfinite(weights).all() for weights in model.get_weights())


def test_inputs_and_layers():
    model = small(features=SUBWORDS, recurrent={"cell": "gru", "units": [3, 2], "bidirectional": True})
    assert sorted(tensor.name for tensor in model.inputs) == [
        "subword_ids_a",
        "subword_ids_b",
        "token_ids_a",
        "token_ids_b",
    ]
    assert model.output_shape == (None,)
    assert model.get_layer("tower").output_shape == (None, 4)


def test_stacked_twins_trains_the_model():
    keras.utils.set_random_seed(1)
    model = small(dropout=0.0)
    stacked = stacked_twins(model)
    stacked.compile(keras.optimizers.Adam(0.05), loss=lambda _, vectors: -ops.sum(vectors[:, 0] * vectors[:, 1], -1))
    inputs = {"token_ids_a": ids(5), "token_ids_b": ids(7, seed=1)}
    before = call(model, **inputs)
    stacked.fit(inputs, np.zeros(ROWS), epochs=5, verbose=0)
    assert (call(model, **inputs) > before).all()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"embedding_dim": 0}, "`embedding_dim` must be"),
        ({"recurrent": {"cell": "rnn"}}, "`recurrent.cell` must be"),
        ({"recurrent": {"layers": 2}}, "`recurrent` takes the keys"),
        ({"projection_units": (0,)}, "`projection_units` must be"),
        ({"dropout": {"hidden": 0.1}}, "`dropout` takes the keys tokens, ngrams, embeddings, recurrent, pooled"),
        ({"pooling": "sum"}, "`pooling` must be"),
    ],
)
def test_nonsense_is_refused(arguments, message):
    with pytest.raises(ValueError, match=message):
        small(**arguments)
