"""Dropout of weights between states: which are dropped, that it is the same at all steps and rows, that it is off."""

import keras
import numpy as np
import pytest
from keras import ops

from keras_seq.layers import GRU, LSTM, Bidirectional, RecurrentStack, SimpleRNN
from keras_seq.testing import run_layer_test

UNITS = 6


def shifting_layer(rate):
    """A ReLU network that puts out its input plus the last state times U, where U moves each unit to all others."""
    layer = SimpleRNN(UNITS, activation="relu", use_bias=False, return_sequences=True, weight_dropout=rate)
    layer.build((None, None, UNITS))
    kernel = np.random.default_rng(0).uniform(0.1, 1, (UNITS, UNITS)).astype("float32")
    layer.set_weights([np.eye(UNITS, dtype="float32"), kernel])
    return layer, kernel


@pytest.mark.both_backends
def test_single_weights_are_dropped_alike_at_all_steps_and_in_all_rows():
    layer, kernel = shifting_layer(0.5)
    # Step 0 and step 2 set one unit each; the steps behind them read a row of what is left of the kernel.
    inputs = np.zeros((2, 4, UNITS), "float32")
    inputs[:, 0, 1] = 1
    outputs = ops.convert_to_numpy(layer(inputs, training=True))
    row = outputs[0, 1]
    kept = row > 0
    np.testing.assert_allclose(row[kept], 2 * kernel[1][kept], rtol=1e-6)
    np.testing.assert_array_equal(outputs[0], outputs[1])
    shares = []
    for _ in range(60):
        first = ops.convert_to_numpy(layer(inputs, training=True))
        shares.append((first[0, 1] > 0).mean())
        np.testing.assert_array_equal(first[0], first[1])
    assert 0.35 < np.mean(shares) < 0.65 and len(set(shares)) > 2
    # One unit after another: rows 1 and 2 of the same kernel, wherever in time they are read.
    inputs[:] = 0
    inputs[0, 0, 2], inputs[1, 2, 2] = 1, 1
    outputs = ops.convert_to_numpy(layer(inputs, training=True))
    np.testing.assert_allclose(outputs[0, 1], outputs[1, 3], rtol=1e-6)


def test_off_in_prediction_and_at_rate_zero():
    layer, kernel = shifting_layer(0.5)
    inputs = np.eye(UNITS, dtype="float32")[None, [1, 1]]
    np.testing.assert_allclose(ops.convert_to_numpy(layer(inputs))[0, 1], inputs[0, 1] + kernel[1], rtol=1e-6)
    layer, kernel = shifting_layer(0.0)
    found = ops.convert_to_numpy(layer(inputs, training=True))[0, 1]
    np.testing.assert_allclose(found, inputs[0, 1] + kernel[1], rtol=1e-6)


@pytest.mark.parametrize("layer_class", [GRU, LSTM])
def test_layer(layer_class):
    run_layer_test(
        layer_class,
        arguments={"units": 3, "weight_dropout": 0.3, "return_sequences": True},
        inputs=np.random.default_rng(0).normal(size=(2, 4, 5)).astype("float32"),
        expected_output_shape=(2, 4, 3),
        run_jit=False,
    )


@pytest.mark.parametrize("wrapped", ["stack", "bidirectional"])
def test_in_other_layers(wrapped):
    keras.utils.set_random_seed(0)
    layer = (
        RecurrentStack("lstm", 4, num_layers=2, weight_dropout=0.5)
        if wrapped == "stack"
        else Bidirectional(LSTM(4, weight_dropout=0.5, return_sequences=True))
    )
    inputs = np.random.default_rng(0).normal(size=(2, 4, 5)).astype("float32")
    first, second = (ops.convert_to_numpy(layer(inputs, training=True)) for _ in range(2))
    assert np.abs(first - second).max() > 1e-4
    np.testing.assert_array_equal(layer(inputs), layer(inputs))
    assert type(layer).from_config(layer.get_config()).get_config() == layer.get_config()


def test_refused_where_the_plain_loop_runs():
    for arguments in ({"activation": "softsign"}, {"recurrent_dropout": 0.1}, {"unroll": True}, {"fused": False}):
        with pytest.raises(ValueError, match="`weight_dropout` must be 0 where the plain loop runs"):
            LSTM(3, weight_dropout=0.1, **arguments)
    with pytest.raises(ValueError, match="`weight_dropout` must be a rate"):
        GRU(3, weight_dropout=1.0)
