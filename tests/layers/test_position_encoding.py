"""The sines of the paper, counted over real steps."""

import math

import keras
import numpy as np
import pytest
from keras import ops

from keras_seq.layers import PositionEncoding
from keras_seq.testing import run_layer_test

pytestmark = pytest.mark.both_backends

SEQUENCES = np.random.default_rng(0).standard_normal((2, 6, 5)).astype("float32")


@pytest.mark.parametrize(
    "arguments", [{"max_wavelength": 50.0, "scale_inputs": True}, {"kind": "learned", "max_steps": 6}]
)
def test_layer(arguments):
    run_layer_test(PositionEncoding, arguments=arguments, inputs=SEQUENCES, expected_output_shape=(2, 6, 5))


def plain(position, features, max_wavelength):
    values = []
    for feature in range(features):
        angle = position / max_wavelength ** (2 * (feature // 2) / features)
        values.append(math.cos(angle) if feature % 2 else math.sin(angle))
    return np.array(values)


def test_equal_to_the_formula_at_real_steps():
    mask = np.array([[0, 0, 1, 1, 0, 1], [1, 1, 1, 1, 1, 1]], bool)
    outputs = ops.convert_to_numpy(PositionEncoding(100.0, scale_inputs=True)(SEQUENCES, mask=mask))
    for row, real in enumerate(mask):
        for position, step in enumerate(np.flatnonzero(real)):
            expected = SEQUENCES[row, step] * math.sqrt(5) + plain(position, 5, 100.0)
            np.testing.assert_allclose(outputs[row, step], expected, atol=1e-5)
    np.testing.assert_allclose(PositionEncoding(100.0, scale_inputs=True)(SEQUENCES)[1], outputs[1], atol=1e-6)


def test_learned_vectors_at_real_steps():
    mask = np.array([[0, 0, 1, 1, 0, 1], [1, 1, 1, 1, 1, 1]], bool)
    layer = PositionEncoding(kind="learned", max_steps=6, scale_inputs=True)
    outputs = ops.convert_to_numpy(layer(SEQUENCES, mask=mask))
    (embeddings,) = layer.get_weights()
    for row, real in enumerate(mask):
        expected = SEQUENCES[row, real] * math.sqrt(5) + embeddings[: real.sum()]
        np.testing.assert_allclose(outputs[row, real], expected, atol=1e-6)
    np.testing.assert_allclose(layer(SEQUENCES)[1], outputs[1], atol=1e-6)


def test_learned_vectors_in_a_graph_of_any_number_of_steps():
    inputs = keras.Input((None, 5))
    layer = PositionEncoding(kind="learned", max_steps=6)
    model = keras.Model(inputs, layer(inputs))
    for steps in (6, 2):
        outputs = model.predict_on_batch(SEQUENCES[:, :steps])
        np.testing.assert_allclose(outputs, ops.convert_to_numpy(layer(SEQUENCES[:, :steps])), atol=1e-6)


def test_far_positions():
    outputs = ops.convert_to_numpy(PositionEncoding()(np.zeros((1, 5000, 4), "float32")))
    np.testing.assert_allclose(outputs[0, 4999], plain(4999, 4, 10_000.0), atol=2e-3)


def test_wrong_arguments_are_refused():
    with pytest.raises(ValueError, match="`max_wavelength`"):
        PositionEncoding(0)
    with pytest.raises(ValueError, match="`kind` must be one of 'sinusoidal', 'learned'"):
        PositionEncoding(kind="rotary")
    with pytest.raises(ValueError, match="`max_steps`, the number of learned positions, must be given"):
        PositionEncoding(kind="learned")
    with pytest.raises(ValueError, match="at most `max_steps`=5 steps"):
        PositionEncoding(kind="learned", max_steps=5)(SEQUENCES)
    with pytest.raises(TypeError, match="`scale_inputs`"):
        PositionEncoding(scale_inputs="yes")
    with pytest.raises(ValueError, match="`sequences` must have the shape"):
        PositionEncoding()(SEQUENCES[0])
