"""SimpleRNN, GRU, LSTM and Bidirectional against PyTorch: packed sequences there, right-padded masks here."""

import keras
import numpy as np
import pytest
import torch
from keras import ops

from keras_seq.layers import GRU, LSTM, Bidirectional, SimpleRNN

ON_TENSORFLOW = keras.backend.backend() == "tensorflow"
LENGTHS = [5, 2, 4, 1, 3, 5, 2]
ROWS, STEPS, FEATURES, UNITS = len(LENGTHS), 5, 3, 4
MASK = np.arange(STEPS) < np.array(LENGTHS)[:, None]


def random_array(shape, seed=0):
    return np.random.default_rng(seed).normal(size=shape, scale=0.7).astype("float32")


def swap_gates(array):
    """PyTorch's GRU has its gates in the order r, z, n; Keras' in the order z, r, candidate."""
    z, r, h_tilde = np.split(array, 3, axis=0)
    return np.concatenate([r, z, h_tilde], axis=0)


def to_torch(layer_class, weights):
    """Weights of one direction, or their derivatives, in PyTorch's layout: input to hidden, hidden to hidden, the two
    biases. Where Keras has a single bias PyTorch has two, whose derivatives are the same."""
    kernel, recurrent_kernel, bias = weights
    biases = list(bias) if bias.ndim == 2 else [bias, bias]
    arrays = [kernel.T, recurrent_kernel.T, *biases]
    return [swap_gates(array) for array in arrays] if layer_class is GRU else arrays


class GRUResetBefore(torch.nn.Module):
    """PyTorch has no GRU whose reset gate acts before the product: a loop of its operations, one row at a time."""

    def __init__(self):
        super().__init__()
        shapes = {"W": (FEATURES, 3 * UNITS), "U": (UNITS, 3 * UNITS), "b": (3 * UNITS,)}
        for name, shape in shapes.items():
            for letter in (name, f"{name}_reverse"):
                self.register_parameter(letter, torch.nn.Parameter(torch.empty(shape)))

    def direction(self, x, h, weights):
        W, U, b = weights
        outputs = []
        for x_t in x:
            a, s = x_t @ W + b, h @ U
            z = torch.sigmoid(a[:UNITS] + s[:UNITS])
            r = torch.sigmoid(a[UNITS : 2 * UNITS] + s[UNITS : 2 * UNITS])
            h = z * h + (1 - z) * torch.tanh(a[2 * UNITS :] + (r * h) @ U[:, 2 * UNITS :])
            outputs.append(h)
        return outputs

    def forward(self, inputs, states):
        rows = []
        forward, backward = [[getattr(self, f"{name}{end}") for name in "WUb"] for end in ("", "_reverse")]
        for b, length in enumerate(LENGTHS):
            one = self.direction(inputs[b, :length], states[0, b], forward)
            other = self.direction(inputs[b, :length].flip(0), states[1, b], backward)
            pairs = [torch.cat(pair) for pair in zip(one, other[::-1], strict=True)]
            padded = torch.stack(pairs + [torch.zeros(2 * UNITS)] * (STEPS - length))
            rows.append((padded, torch.stack([one[-1], other[-1]])))
        outputs, final = zip(*rows, strict=True)
        return torch.stack(outputs), torch.stack(final, 1)


def in_torch(case, inputs, states, weights):
    """Outputs, final states, and derivatives of the sum of their products with random numbers."""
    layer_class, options = CASES[case]
    half = len(weights) // 2
    if case == "gru-reset-before":
        layer = GRUResetBefore()
        names = ["W", "U", "b", "W_reverse", "U_reverse", "b_reverse"]
        values = weights
    else:
        kind = {SimpleRNN: torch.nn.RNN, GRU: torch.nn.GRU, LSTM: torch.nn.LSTM}[layer_class]
        nonlinearity = {"nonlinearity": options.get("activation", "tanh")} if layer_class is SimpleRNN else {}
        layer = kind(FEATURES, UNITS, batch_first=True, bidirectional=True, **nonlinearity)
        names = [
            f"{name}_l0{end}" for end in ("", "_reverse") for name in ("weight_ih", "weight_hh", "bias_ih", "bias_hh")
        ]
        values = [value for part in (weights[:half], weights[half:]) for value in to_torch(layer_class, part)]
        if layer_class is not GRU:
            # The second bias adds to the first.
            values[3::4] = [np.zeros_like(value) for value in values[3::4]]
    with torch.no_grad():
        for name, value in zip(names, values, strict=True):
            getattr(layer, name).copy_(torch.tensor(value.copy()))
    x = torch.tensor(inputs, requires_grad=True)
    # Here the states of one direction follow those of the other; there h of both, then c of both.
    count = len(states) // 2
    tensors = [torch.tensor(state, requires_grad=True) for state in states]
    pairs = [torch.stack(tensors[k::count]) for k in range(count)]
    if case == "gru-reset-before":
        outputs, final = layer(x, pairs[0])
    else:
        packed = torch.nn.utils.rnn.pack_padded_sequence(x, LENGTHS, batch_first=True, enforce_sorted=False)
        outputs, final = layer(packed, tuple(pairs) if count == 2 else pairs[0])
        outputs, _ = torch.nn.utils.rnn.pad_packed_sequence(outputs, batch_first=True, total_length=STEPS)
    finals = list(final) if count == 2 else [final]
    outputs = [outputs, *(part[direction] for direction in range(2) for part in finals)]
    total = sum((part * torch.tensor(random_array(part.shape, 20 + i))).sum() for i, part in enumerate(outputs))
    parameters = [getattr(layer, name) for name in names]
    derivatives = torch.autograd.grad(total, [x, *tensors, *parameters])
    return [part.detach().numpy() for part in outputs], [part.numpy() for part in derivatives]


def in_keras(layer, inputs, states, training):
    mask = ops.convert_to_tensor(MASK)

    def total(outputs):
        return sum(ops.sum(part * random_array(part.shape, 20 + i)) for i, part in enumerate(outputs))

    if ON_TENSORFLOW:
        import tensorflow as tf

        @tf.function
        def compute(inputs, *states):
            with tf.GradientTape() as tape:
                tape.watch([inputs, *states])
                outputs = layer(inputs, initial_state=list(states), mask=mask, training=training)
                result = total(outputs)
            sources = [inputs, *states, *(weight.value for weight in layer.trainable_weights)]
            return outputs, tape.gradient(result, sources)

        outputs, derivatives = compute(*map(tf.convert_to_tensor, [inputs, *states]))
    else:
        import jax

        def of_arrays(inputs, states, values):
            with keras.StatelessScope(zip(layer.trainable_weights, values, strict=True)):
                outputs = layer(inputs, initial_state=states, mask=mask, training=training)
            return total(outputs), outputs

        values = [weight.value for weight in layer.trainable_weights]
        (_, outputs), derivatives = jax.value_and_grad(of_arrays, argnums=(0, 1, 2), has_aux=True)(
            inputs, states, values
        )
        derivatives = jax.tree.leaves(derivatives)
    return [ops.convert_to_numpy(part) for part in outputs], [ops.convert_to_numpy(part) for part in derivatives]


CASES = {
    "rnn": (SimpleRNN, {}),
    "rnn-relu": (SimpleRNN, {"activation": "relu"}),
    "gru": (GRU, {}),
    "gru-reset-before": (GRU, {"reset_after": False}),
    "lstm": (LSTM, {}),
}


@pytest.mark.both_backends("gru-compiled", "gru-reset-before-compiled", "lstm-compiled")
@pytest.mark.parametrize("training", [pytest.param(False, marks=pytest.mark.thorough), True], ids=["plain", "compiled"])
@pytest.mark.parametrize("case", CASES)
def test_equal_to_pytorch(case, training):
    """float32 on both sides: outputs and states to 1e-6, derivatives to 1e-5."""
    layer_class, options = CASES[case]
    layer = Bidirectional(layer_class(UNITS, return_sequences=True, return_state=True, **options))
    layer.build((None, None, FEATURES))
    weights = [random_array(weight.shape, 50 + i) for i, weight in enumerate(layer.get_weights())]
    layer.set_weights(weights)
    inputs = random_array((ROWS, STEPS, FEATURES))
    states = [random_array((ROWS, UNITS), 8 + k) for k in range(4 if layer_class is LSTM else 2)]

    outputs, derivatives = in_keras(layer, inputs, states, training)
    expected, expected_derivatives = in_torch(case, inputs, states, weights)
    assert_close(outputs, expected, 1e-6)
    d_data, d_weights = derivatives[: 1 + len(states)], derivatives[1 + len(states) :]
    if case != "gru-reset-before":
        half = len(weights) // 2
        d_weights = [part for piece in (d_weights[:half], d_weights[half:]) for part in to_torch(layer_class, piece)]
    assert_close([*d_data, *d_weights], expected_derivatives, 1e-5)


def assert_close(actual, expected, tolerance):
    """The difference, relative to the greatest number of each array (but at least 1), is within the tolerance."""
    assert len(actual) == len(expected)
    for left, right in zip(actual, expected, strict=True):
        assert left.shape == right.shape
        scale = max(1.0, np.abs(right).max())
        np.testing.assert_allclose(left / scale, right / scale, rtol=0, atol=tolerance)
