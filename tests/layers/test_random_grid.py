"""Random settings, sizes, masks and states: outputs and gradients against the stock layers, and against PyTorch.

A few cases by default, more in the thorough run, and as many as KERAS_SEQ_CASES says. A case is named by its seed.
"""

import os

import keras
import numpy as np
import pytest
from keras import ops

import keras_seq.layers
from keras_seq.layers import RecurrentStack, load_torch_weights, torch_weights

pytestmark = pytest.mark.both_backends

ON_TENSORFLOW = keras.backend.backend() == "tensorflow"
NUM_DEFAULT, NUM_THOROUGH = 4 if ON_TENSORFLOW else 2, int(os.environ.get("KERAS_SEQ_CASES", "24"))


def seeds():
    """The first few run always."""
    return [
        pytest.param(seed, id=f"seed-{seed}", marks=[pytest.mark.thorough] if seed >= NUM_DEFAULT else [])
        for seed in range(NUM_THOROUGH)
    ]


def random_case(seed):
    draw = np.random.default_rng(seed)

    def one_of(*values):
        return values[draw.integers(len(values))]

    name = one_of("SimpleRNN", "GRU", "LSTM")
    layer = {
        "units": int(draw.integers(1, 41)),
        "activation": one_of("tanh", "tanh", "relu"),
        "use_bias": one_of(True, True, False),
        "return_sequences": one_of(True, False),
        "return_state": one_of(True, False),
        "go_backwards": one_of(False, False, True),
        "zero_output_for_mask": one_of(False, True),
        "dropout": one_of(0.0, 0.0, 0.3),
        "seed": 5,
        "dtype": one_of("float32", "float64") if ON_TENSORFLOW else "float32",
    }
    if name == "GRU":
        layer["reset_after"] = one_of(True, False)
    merge = one_of(None, None, "concat", "sum", "ave", "mul")
    if merge:
        layer["go_backwards"] = False
    rows, steps = int(draw.integers(1, 21)), int(draw.integers(1, 10))
    jit_compile = one_of(False, False, True)
    if (ON_TENSORFLOW and jit_compile) or (name == "SimpleRNN" and merge):
        # XLA draws other numbers; the stock wrapper loses the seed of a SimpleRNN.
        layer["dropout"] = 0.0
    return {
        "name": name,
        "layer": layer,
        "merge_mode": merge,
        "shape": (rows, steps, int(draw.integers(1, 7))),
        "mask": one_of("none", "right", "left", "holes", "empty rows"),
        "state": one_of("none", "none", "given", "one row"),
        "open": one_of(False, True),
        "training": one_of(False, True),
        "jit_compile": jit_compile,
        "mask_axis": one_of(False, False, True),
    }


def make_layer(module, case):
    arguments = dict(case["layer"])
    if module is keras.layers and case["name"] != "SimpleRNN":
        arguments["use_cudnn"] = False
    layer = getattr(module, case["name"])(**arguments)
    if case["merge_mode"]:
        layer = module.Bidirectional(layer, merge_mode=case["merge_mode"], dtype=arguments["dtype"])
    layer.build((None, None, case["shape"][-1]))
    return layer


def make_mask(case, draw):
    rows, steps, _ = case["shape"]
    lengths = draw.integers(0 if case["mask"] == "empty rows" else 1, steps + 1, (rows, 1))
    if case["mask"] == "none":
        return None
    if case["mask"] == "left":
        mask = np.arange(steps) >= steps - lengths
    elif case["mask"] == "holes":
        mask = draw.random((rows, steps)) < 0.6
    else:
        mask = np.arange(steps) < lengths
    if not ON_TENSORFLOW and case["state"] != "none":
        # Where nothing has been read yet, the stock layer shows the given state under JAX, ours zeros.
        mask[:, [0, -1]] = True
    return mask


def outputs_and_gradients(layer, case, arrays):
    """Everything that the layer gives, and the derivatives of a weighted sum of it."""
    x, mask, states = arrays
    keys = {} if mask is None else {"mask": ops.convert_to_tensor(mask)}
    weights = [variable.value for variable in layer.trainable_variables]

    def total(x, states):
        given = {} if states is None else {"initial_state": list(states)}
        outputs = keras.tree.flatten(layer(x, training=case["training"], **keys, **given))
        return outputs, sum(ops.sum(ops.sin(output + index)) for index, output in enumerate(outputs))

    if ON_TENSORFLOW:
        import tensorflow as tf

        def compute(x, *states):
            with tf.GradientTape() as tape:
                tape.watch([x, *states])
                outputs, value = total(x, states or None)
            return outputs, tape.gradient(value, [x, *weights, *states], unconnected_gradients="zero")

        spec = None
        if case["open"] and not case["jit_compile"]:
            spec = [tf.TensorSpec((None, None, x.shape[-1]), x.dtype)]
            spec += [tf.TensorSpec(state.shape, state.dtype) for state in states or ()]
        compute = tf.function(compute, input_signature=spec, jit_compile=case["jit_compile"] or None)
        outputs, gradients = compute(tf.constant(x), *(tf.constant(state) for state in states or ()))
    else:
        import jax

        def of_arrays(x, values, states):
            with keras.StatelessScope(zip(layer.trainable_variables, values, strict=True)):
                outputs, value = total(x, states)
            return value, outputs

        compute = jax.value_and_grad(of_arrays, argnums=(0, 1, 2), has_aux=True)
        if case["jit_compile"]:
            compute = jax.jit(compute)
        (_, outputs), gradients = compute(x, weights, states)
        gradients = jax.tree.leaves(gradients)
    return [ops.convert_to_numpy(part) for part in [*outputs, *gradients]]


def assert_close(actual, expected, tolerance):
    assert len(actual) == len(expected)
    for ours, theirs in zip(actual, expected, strict=True):
        assert ours.shape == theirs.shape
        scale = max(1.0, np.abs(theirs).max(initial=0.0))
        np.testing.assert_allclose(ours / scale, theirs / scale, rtol=0, atol=tolerance)


@pytest.mark.parametrize("seed", seeds())
def test_equal_to_the_stock_layer(seed):
    case = random_case(seed)
    draw = np.random.default_rng(seed + 1)
    dtype = case["layer"]["dtype"]
    x = draw.normal(size=case["shape"]).astype(dtype)
    mask = make_mask(case, draw)
    states = None
    if case["state"] != "none":
        count = (2 if case["name"] == "LSTM" else 1) * (2 if case["merge_mode"] else 1)
        rows = 1 if case["state"] == "one row" else len(x)
        states = [draw.normal(size=(rows, case["layer"]["units"])).astype(dtype) for _ in range(count)]
    stock, ours = make_layer(keras.layers, case), make_layer(keras_seq.layers, case)
    values = [draw.normal(scale=0.4, size=weight.shape) for weight in stock.trainable_variables]
    for layer in (stock, ours):
        for variable, value in zip(layer.trainable_variables, values, strict=True):
            variable.assign(value)
    of_stock = (x, mask, states)
    if states is not None:
        # The loop of Keras broadcasts a state in some backends and modes alone.
        of_stock = (x, mask, [np.broadcast_to(state, (len(x), state.shape[1])) for state in states])
    of_ours = (x, mask[..., None] if case["mask_axis"] and mask is not None else mask, states)
    expected = outputs_and_gradients(stock, {**case, "jit_compile": False, "open": False}, of_stock)
    actual = outputs_and_gradients(ours, case, of_ours)
    if states is not None and len(states[0]) != len(x):
        expected[-len(states) :] = [part.sum(0, keepdims=True) for part in expected[-len(states) :]]
    assert_close(actual, expected, 1e-9 if dtype == "float64" else 2e-5)


@pytest.mark.parametrize("seed", seeds())
def test_stack_is_equal_to_pytorch(seed):
    import torch

    draw = np.random.default_rng(seed)
    cell = ["simple_rnn", "gru", "lstm"][draw.integers(3)]
    units, features, layers = (int(draw.integers(1, high)) for high in (20, 7, 4))
    both, use_bias, batch_first = (bool(draw.integers(2)) for _ in range(3))
    rows, steps = int(draw.integers(1, 9)), int(draw.integers(1, 8))
    activation = ["tanh", "relu"][draw.integers(2)] if cell == "simple_rnn" else "tanh"
    with_lengths, with_state = bool(draw.integers(2)), bool(draw.integers(2))
    torch.manual_seed(seed)
    module_class = {"simple_rnn": torch.nn.RNN, "gru": torch.nn.GRU, "lstm": torch.nn.LSTM}[cell]
    module = module_class(
        features, units, layers, bias=use_bias, batch_first=batch_first, bidirectional=both,
        **({"nonlinearity": activation} if cell == "simple_rnn" else {}),
    )  # fmt: skip
    stack = RecurrentStack(
        cell, units, num_layers=layers, bidirectional=both, use_bias=use_bias, batch_first=batch_first,
        activation=activation, return_state=True,
    )  # fmt: skip
    half = seed % 5 == 0  # weights that were saved in half the size
    if half:
        module = module.bfloat16().float()
        load_torch_weights(stack, {name: value.bfloat16() for name, value in module.state_dict().items()})
    else:
        load_torch_weights(stack, module.state_dict())
    for name, value in torch_weights(stack).items():
        if "bias" not in name:
            np.testing.assert_array_equal(value, module.state_dict()[name].numpy())
    x = draw.normal(size=(rows, steps, features)).astype("float32")
    lengths = draw.integers(1, steps + 1, rows) if with_lengths else np.full(rows, steps)
    num_states = 2 if cell == "lstm" else 1
    shape = (layers * (2 if both else 1), rows, units)
    states = [draw.normal(size=shape).astype("float32") for _ in range(num_states)] if with_state else None

    given = None if states is None else tuple(torch.from_numpy(state) for state in states)
    if given is not None and num_states == 1:
        given = given[0]
    packed = torch.nn.utils.rnn.pack_padded_sequence(
        torch.from_numpy(x if batch_first else x.transpose(1, 0, 2)), torch.from_numpy(lengths),
        batch_first=batch_first, enforce_sorted=False,
    )  # fmt: skip
    outputs, final = module(packed, given)
    outputs, _ = torch.nn.utils.rnn.pad_packed_sequence(outputs, batch_first=True, total_length=steps)
    expected = [outputs, *(final if isinstance(final, tuple) else (final,))]

    mask = np.arange(steps) < lengths[:, None]
    sequences = ops.convert_to_tensor(x if batch_first else x.transpose(1, 0, 2))
    first, *others = stack(sequences, initial_state=states, mask=ops.convert_to_tensor(mask) if with_lengths else None)
    first = ops.convert_to_numpy(first)
    first = (first if batch_first else first.transpose(1, 0, 2)) * mask[..., None]
    actual = [first, *(ops.convert_to_numpy(state) for state in others)]
    assert_close(actual, [part.detach().numpy() for part in expected], 1e-5)
