"""Characters to vectors: both encoders, padding on either side, and the quick way of prediction."""

import keras
import numpy as np
import pytest

from keras_seq.layers import CharacterEncoder
from keras_seq.testing import run_layer_test

IDS = np.random.default_rng(0).integers(1, 9, (3, 4, 6)).astype("int32")


@pytest.mark.parametrize("encoder", ["cnn", "lstm"])
def test_layer(encoder):
    run_layer_test(
        CharacterEncoder,
        arguments={"vocabulary_size": 9, "encoder": encoder, "embedding_dim": 5, "units": 6},
        inputs=IDS,
        expected_output_shape=(3, 4, 6),
        run_padding=False,
    )


@pytest.mark.parametrize("encoder", ["cnn", "lstm"])
def test_padding_of_characters_never_matters(encoder):
    layer = CharacterEncoder(9, encoder=encoder, embedding_dim=5, units=6)
    expected = np.array(layer(IDS))
    for before, after in [(0, 3), (2, 0), (1, 4)]:
        padded = np.pad(IDS, ((0, 0), (0, 0), (before, after)))
        np.testing.assert_allclose(layer(padded), expected, atol=1e-6)
    assert np.isfinite(layer(np.zeros_like(IDS))).all()


@pytest.mark.parametrize("width", [1, 2, 3, 4])
def test_prediction_looks_up_what_training_convolves(width):
    layer = CharacterEncoder(9, embedding_dim=5, units=6, width=width)
    padded = np.pad(IDS, ((0, 0), (0, 0), (0, 2)))
    layer(padded)
    layer.reader.bias.assign(np.linspace(-1, 1, 6))
    np.testing.assert_allclose(layer(padded, training=True), layer(padded, training=False), atol=1e-6)


def test_it_is_the_plain_formula():
    layer = CharacterEncoder(9, embedding_dim=5, units=6, width=3)
    layer(IDS)
    embeddings, kernel, bias = (np.array(w, "float64") for w in layer.get_weights())
    vectors = np.pad(embeddings[IDS[0, 0]], ((1, 1), (0, 0)))
    steps = [sum(vectors[t + k] @ kernel[k] for k in range(3)) + bias for t in range(6)]
    np.testing.assert_allclose(layer(IDS)[0, 0], np.maximum(np.max(steps, 0), 0), atol=1e-6)


def test_wrong_arguments_are_refused():
    with pytest.raises(ValueError, match="`units` must be even"):
        CharacterEncoder(9, encoder="lstm", units=5)
    with pytest.raises(ValueError, match="`character_ids` must have the shape"):
        CharacterEncoder(9)(keras.Input((None,), dtype="int32"))
