"""The convolution against a plain loop in float64, the stock layer and PyTorch; whole and in parts; empty batches."""

import keras
import numpy as np
import pytest
import torch
from keras import ops

from keras_seq.layers import StepConvolution
from keras_seq.testing import run_layer_test

ON_TENSORFLOW = keras.backend.backend() == "tensorflow"
ROWS, STEPS, FEATURES = 3, 7, 4
SEQUENCES = np.random.default_rng(0).standard_normal((ROWS, STEPS, FEATURES)).astype("float32")
# Padding on the left, on the right and inside; a row of padding alone.
MASK = np.array([[0, 1, 1, 0, 1, 1, 0], [1, 1, 1, 1, 1, 1, 1], [0] * 7], bool)
CHOICES = [
    {"filters": 3, "kernel_size": 3},
    {"filters": 3, "kernel_size": 4, "dilation_rate": 2, "activation": "relu"},
    {"filters": 6, "kernel_size": 2, "groups": 2, "use_bias": False},
    {"filters": 8, "kernel_size": 3, "groups": 4, "causal": True, "dilation_rate": 2},
    {"filters": 3, "kernel_size": 1, "causal": True},
]


def built(**arguments):
    layer = StepConvolution(**arguments)
    layer.build((None, None, FEATURES))
    generator = np.random.default_rng(1)
    for weight in layer.weights:
        weight.assign(generator.normal(size=weight.shape))
    return layer


@pytest.mark.both_backends
@pytest.mark.parametrize(
    "arguments", [pytest.param(CHOICES[2] | {"activation": "tanh"}, marks=pytest.mark.thorough), CHOICES[3]]
)
def test_layer(arguments):
    run_layer_test(
        StepConvolution,
        arguments=arguments,
        inputs=SEQUENCES,
        expected_output_shape=(ROWS, STEPS, arguments["filters"]),
    )


def plain(layer, x):
    """The outputs of one row without padding."""
    kernel = np.array(layer.kernel, "float64")
    bias = np.array(layer.bias, "float64") if layer.use_bias else np.zeros(layer.filters)
    before = layer.reach if layer.causal else layer.reach // 2
    size, share = layer.features // layer.groups, layer.filters // layer.groups
    outputs = np.tile(bias, (len(x), 1))
    for t in range(len(x)):
        for place in range(layer.kernel_size):
            source = t - before + place * layer.dilation_rate
            if 0 <= source < len(x):
                for filter_index in range(layer.filters):
                    group = filter_index // share
                    seen = x[source, group * size : (group + 1) * size]
                    outputs[t, filter_index] += seen @ kernel[place, :, filter_index]
    return np.maximum(outputs, 0) if layer.get_config()["activation"] == "relu" else outputs


@pytest.mark.both_backends
@pytest.mark.parametrize("arguments", CHOICES)
def test_equal_to_the_equation_over_real_steps_as_neighbours(arguments):
    layer = built(**arguments)
    outputs = ops.convert_to_numpy(layer(SEQUENCES, mask=MASK))
    for row, real in enumerate(MASK):
        expected = plain(layer, SEQUENCES[row, real].astype("float64"))
        np.testing.assert_allclose(outputs[row, real], expected, atol=1e-5)
    assert (outputs[~MASK] == 0).all()


@pytest.mark.parametrize("arguments", CHOICES)
def test_equal_to_the_stock_layer_and_to_pytorch_without_padding(arguments):
    layer = built(**arguments)
    outputs = ops.convert_to_numpy(layer(SEQUENCES))
    options = {name: value for name, value in arguments.items() if name != "causal"}
    stock = keras.layers.Conv1D(**options, padding="causal" if layer.causal else "same")
    stock(SEQUENCES)
    stock.set_weights(layer.get_weights())
    np.testing.assert_allclose(outputs, stock(SEQUENCES), atol=1e-5)
    module = torch.nn.Conv1d(
        FEATURES,
        layer.filters,
        layer.kernel_size,
        dilation=layer.dilation_rate,
        groups=layer.groups,
        bias=layer.use_bias,
    )
    kernel, *bias = (torch.from_numpy(array) for array in layer.get_weights())
    names = ("weight", "bias") if bias else ("weight",)
    module.load_state_dict(dict(zip(names, (kernel.permute(2, 1, 0), *bias), strict=True)))
    x = torch.from_numpy(SEQUENCES).transpose(1, 2)
    before = layer.reach if layer.causal else layer.reach // 2
    with torch.no_grad():
        expected = module(torch.nn.functional.pad(x, (before, layer.reach - before))).transpose(1, 2)
    if arguments.get("activation") == "relu":
        expected = expected.relu()
    np.testing.assert_allclose(outputs, expected, atol=1e-5)


@pytest.mark.both_backends
@pytest.mark.parametrize("arguments", CHOICES[3:])
def test_reading_in_parts_is_reading_the_whole(arguments):
    layer = built(**arguments)
    for mask in (MASK, None):
        whole = ops.convert_to_numpy(layer(SEQUENCES, mask=mask))
        state, parts = layer.initial_state(ROWS), []
        for begin, end in ((0, 1), (1, 4), (4, 4), (4, 7)):
            part_mask = None if mask is None else ops.convert_to_tensor(mask[:, begin:end])
            part, state = layer.step(SEQUENCES[:, begin:end], state, mask=part_mask)
            parts.append(ops.convert_to_numpy(part))
        np.testing.assert_allclose(np.concatenate(parts, axis=1), whole, atol=1e-5)
        assert tuple(state["inputs"].shape) == (ROWS, layer.reach, FEATURES)


@pytest.mark.both_backends
def test_what_stands_at_padding_has_no_say():
    layer = built(**CHOICES[0])
    outputs = layer(np.where(MASK[..., None], SEQUENCES, np.nan), mask=MASK)
    np.testing.assert_array_equal(ops.convert_to_numpy(outputs), ops.convert_to_numpy(layer(SEQUENCES, mask=MASK)))


@pytest.mark.thorough
@pytest.mark.skipif(not ON_TENSORFLOW, reason="exports are TensorFlow's")
def test_an_export_takes_no_rows_and_no_steps(tmp_path):
    """Two stock convolutions side by side, concatenated, fail there: see `CharacterEncoder`."""
    import tensorflow as tf

    layers = [built(**CHOICES[0]), built(**CHOICES[4])]
    archive = keras.export.ExportArchive()
    for layer in layers:
        archive.track(layer)

    def read(x, mask):
        first, state = layers[1].step(x, layers[1].initial_state(tf.shape(x)[0]), mask)
        second, _ = layers[1].step(x, state, mask)
        return tf.concat([*(layer(x, mask=mask) for layer in layers), first, second], axis=-1)

    specs = [tf.TensorSpec((None, None, FEATURES)), tf.TensorSpec((None, None), tf.bool)]
    archive.add_endpoint("serve", read, input_signature=specs)
    archive.write_out(str(tmp_path / "layers"), verbose=False)
    served = tf.saved_model.load(str(tmp_path / "layers"))
    for rows, steps in ((2, 3), (0, 3), (2, 0), (0, 0), (1, 1)):
        outputs = served.serve(tf.constant(SEQUENCES[:rows, :steps]), tf.constant(MASK[:rows, :steps]))
        assert outputs.shape == (rows, steps, 12)
        assert np.isfinite(outputs).all()


def test_wrong_arguments_are_refused():
    with pytest.raises(ValueError, match="`kernel_size` must be a positive integer"):
        StepConvolution(3, 0)
    with pytest.raises(ValueError, match="`groups` must divide `filters`"):
        StepConvolution(3, 2, groups=2)
    with pytest.raises(ValueError, match="`groups` must divide the number of features"):
        StepConvolution(3, 2, groups=3)(SEQUENCES)
    with pytest.raises(TypeError, match="`causal` must be a boolean"):
        StepConvolution(3, 2, causal="yes")
    with pytest.raises(ValueError, match="`sequences` must have the shape"):
        StepConvolution(3, 2)(SEQUENCES[0])
    with pytest.raises(ValueError, match="must have 4 features"):
        built(**CHOICES[0])(SEQUENCES[..., :2])


def test_what_cannot_be_read_in_parts_is_refused():
    layer = built(**CHOICES[0])
    for call in (lambda: layer.initial_state(1), lambda: layer.step(SEQUENCES, {})):
        with pytest.raises(ValueError, match="cannot be read in parts: without `causal=True`"):
            call()
    with pytest.raises(ValueError, match="must be built before it has a state"):
        StepConvolution(3, 2, causal=True).initial_state(1)
