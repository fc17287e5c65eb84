"""The block against its equations in plain NumPy, and what its mask hides."""

import math

import h5py
import keras
import numpy as np
import pytest
from keras import ops

from keras_seq.layers import TransformerBlock
from keras_seq.testing import run_layer_test

SEQUENCES = np.random.default_rng(0).standard_normal((3, 4, 6)).astype("float32")
MASK = np.array([[0, 1, 1, 1], [1, 0, 1, 0], [0, 0, 0, 0]], bool)


@pytest.mark.parametrize(
    "arguments",
    [
        {"num_heads": 3, "feed_forward_units": 5, "dropout": 0.1},
        {"num_heads": 2, "norm": "post", "causal": True, "rotary": True, "head_dim": 2, "activation": "relu"},
    ],
)
def test_layer(arguments):
    run_layer_test(TransformerBlock, arguments=arguments, inputs=SEQUENCES, expected_output_shape=(3, 4, 6))


def norm(x, gamma, beta):
    return (x - x.mean(-1, keepdims=True)) / np.sqrt(x.var(-1, keepdims=True) + 1e-5) * gamma + beta


def plain(layer, x):
    """What the block gives for the real steps of one row, in float64."""
    weights = {weight.path.split("/", 1)[1]: np.array(weight, "float64") for weight in layer.weights}
    y = norm(x, weights["attention_norm/gamma"], weights["attention_norm/beta"])
    query, key, value = (
        np.einsum("tf,fhk->htk", y, weights[f"attention/{part}/kernel"]) + weights[f"attention/{part}/bias"][:, None]
        for part in ("query", "key", "value")
    )
    scores = query @ key.transpose(0, 2, 1) / np.sqrt(query.shape[-1])
    powers = np.exp(scores - scores.max(-1, keepdims=True))
    heads = powers / powers.sum(-1, keepdims=True) @ value
    y = x + np.einsum("htk,hkf->tf", heads, weights["attention/attention_output/kernel"])
    y = y + weights["attention/attention_output/bias"]
    inner = norm(y, weights["feed_forward_norm/gamma"], weights["feed_forward_norm/beta"])
    inner = inner @ weights["inner/kernel"] + weights["inner/bias"]
    # What Keras calls GELU by default is the exact one.
    inner = inner * np.array([[(1 + math.erf(value / 2**0.5)) / 2 for value in row] for row in inner])
    return y + inner @ weights["outer/kernel"] + weights["outer/bias"]


@pytest.mark.both_backends
def test_equal_to_the_equations_at_real_steps():
    layer = TransformerBlock(2, feed_forward_units=5)
    layer(SEQUENCES)
    generator = np.random.default_rng(1)
    for weight in layer.weights:
        weight.assign(weight + generator.normal(size=weight.shape, scale=0.3))
    outputs = ops.convert_to_numpy(layer(SEQUENCES, mask=MASK))
    for row, real in enumerate(MASK[:2]):
        np.testing.assert_allclose(outputs[row, real], plain(layer, SEQUENCES[row, real].astype("float64")), atol=1e-4)
    assert np.isfinite(outputs).all()


def test_every_weight_is_built_once_and_named():
    layer = TransformerBlock(2)
    layer.build((None, None, 6))
    before = [weight.path for weight in layer.weights]
    layer(SEQUENCES)
    assert [weight.path for weight in layer.weights] == before
    assert layer.inner.kernel.shape == (6, 24)


def test_weights_and_numbers_are_those_of_the_stock_attention():
    """Saved files hold them in this form: `attention/query_dense` and so on."""
    stock = keras.layers.MultiHeadAttention(2, 3)
    stock.build(SEQUENCES.shape, SEQUENCES.shape)
    layer = TransformerBlock(2)
    layer.build(SEQUENCES.shape)
    assert [weight.shape for weight in layer.attention.weights] == [weight.shape for weight in stock.weights]
    assert [weight.name for weight in layer.attention.weights] == [weight.name for weight in stock.weights]
    stock.set_weights(layer.attention.get_weights())
    layer.outer.kernel.assign(ops.zeros_like(layer.outer.kernel))
    expected = SEQUENCES + stock(*2 * [layer.attention_norm(SEQUENCES)], attention_mask=MASK[:, None])
    outputs = layer(SEQUENCES, mask=MASK)
    np.testing.assert_allclose(outputs[:2], expected[:2], atol=1e-6)
    for name in ("query_dense", "key_dense", "value_dense", "output_dense"):
        assert getattr(layer.attention, name).kernel.shape == getattr(stock, name).kernel.shape


def test_files_hold_the_weights_under_the_names_of_the_stock_layers(tmp_path):
    layer = TransformerBlock(2, dropout=0.1)
    model = keras.Sequential([keras.Input((None, 6)), layer])
    model.save_weights(tmp_path / "block.weights.h5")
    names = []
    with h5py.File(tmp_path / "block.weights.h5") as file:
        file.visititems(lambda name, item: names.append(name) if isinstance(item, h5py.Dataset) else None)
    parts = [f"attention/{part}_dense" for part in ("key", "output", "query", "value")]
    parts += ["attention_norm", "feed_forward_norm", "inner", "outer"]
    assert names == [f"layers/transformer_block/{part}/vars/{index}" for part in parts for index in (0, 1)]
    # A configuration of before the other choices came.
    config = {"num_heads": 2, "feed_forward_units": None, "dropout": 0.1}
    revived = TransformerBlock.from_config(config)
    assert {**revived.get_config(), "name": layer.name} == layer.get_config()


def test_an_initializer_draws_other_numbers_for_each_kernel():
    layer = TransformerBlock(2, feed_forward_units=6, kernel_initializer=keras.initializers.RandomNormal(stddev=0.02))
    layer(SEQUENCES)
    kernels = [np.ravel(weight) for weight in layer.weights if weight.name == "kernel"]
    assert len(kernels) == 6
    assert len({float(kernel[0]) for kernel in kernels}) == 6
    assert all(0.005 < kernel.std() < 0.04 for kernel in kernels)
    revived = TransformerBlock.from_config(layer.get_config())
    assert revived.get_config() == layer.get_config()


def test_wrong_arguments_are_refused():
    with pytest.raises(ValueError, match="`num_heads` must be a positive integer"):
        TransformerBlock(0)
    with pytest.raises(ValueError, match="`num_heads` must divide the number of features"):
        TransformerBlock(4)(SEQUENCES)
    with pytest.raises(ValueError, match="`feed_forward_units`"):
        TransformerBlock(2, feed_forward_units=0)
    with pytest.raises(ValueError, match="`dropout`"):
        TransformerBlock(2, dropout=1)
