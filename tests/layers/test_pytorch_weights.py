"""A stack with the weights of a PyTorch module computes what the module does, and the other way round."""

import keras
import numpy as np
import pytest
import torch
from keras import ops
from pairwise import pairwise
from torch.nn.utils.rnn import pack_padded_sequence, pad_packed_sequence

from keras_seq.layers import RecurrentStack, SimpleRNNCell, load_torch_weights, torch_weights

ON_TENSORFLOW = keras.backend.backend() == "tensorflow"
BATCH, STEPS, FEATURES, UNITS = 3, 5, 2, 4
LENGTHS = np.array([3, 5, 1])
MASK = np.arange(STEPS) < LENGTHS[:, None]

# Kind -> cell, PyTorch's class, the argument that chooses the activation there, and here.
KINDS = {
    "tanh": ("simple_rnn", torch.nn.RNN, {"nonlinearity": "tanh"}, {"activation": "tanh"}),
    "relu": ("simple_rnn", torch.nn.RNN, {"nonlinearity": "relu"}, {"activation": "relu"}),
    "gru": ("gru", torch.nn.GRU, {}, {}),
    "lstm": ("lstm", torch.nn.LSTM, {}, {}),
}


@pytest.fixture(autouse=True)
def one_thread():
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


def random_array(*shape, seed=0):
    return np.random.default_rng(seed).normal(size=shape).astype("float32")


def pair(kind, *, num_layers=1, bidirectional=False, bias=True, batch_first=True, dropout=0.0, features=FEATURES):
    """A PyTorch module in evaluation mode with weights far from zero, and a stack of the same arguments."""
    cell, module_class, of_module, of_stack = KINDS[kind]
    shared = {"num_layers": num_layers, "bidirectional": bidirectional, "dropout": dropout, "batch_first": batch_first}
    module = module_class(features, UNITS, bias=bias, **shared, **of_module).eval()
    generator = np.random.default_rng(7)
    with torch.no_grad():
        for weight in module.parameters():
            weight.copy_(torch.from_numpy(generator.uniform(-0.7, 0.7, tuple(weight.shape)).astype("float32")))
    return module, RecurrentStack(cell, UNITS, use_bias=bias, return_state=True, **shared, **of_stack)


def run_module(module, x, state=None, lengths=None):
    """Outputs and final states of the module, as a flat list of tensors."""
    if lengths is not None:
        x = pack_padded_sequence(x, torch.from_numpy(lengths), batch_first=module.batch_first, enforce_sorted=False)
    if state is not None:
        state = tuple(torch.from_numpy(part) for part in state)
        state = state if isinstance(module, torch.nn.LSTM) else state[0]
    outputs, states = module(x, state)
    if lengths is not None:
        outputs, _ = pad_packed_sequence(outputs, batch_first=module.batch_first)
    return [outputs, *(states if isinstance(states, tuple) else (states,))]


def arrays(tensors):
    return [part.detach().numpy() for part in tensors]


def run_stack(stack, x, state=None, mask=None):
    if state is not None:
        state = tuple(state) if stack.cell == "lstm" else state[0]
    return [ops.convert_to_numpy(part) for part in stack(x, initial_state=state, mask=mask)]


def assert_close(actual, expected, tolerance=1e-5):
    for left, right in zip(actual, expected, strict=True):
        np.testing.assert_allclose(left, right, rtol=tolerance, atol=tolerance)


@pytest.mark.both_backends
@pytest.mark.parametrize(
    *pairwise(
        kind=list(KINDS),
        num_layers=[1, 2, 3],
        bias=[False, True],
        batch_first=[False, True],
        bidirectional=[False, True],
    )
)
# PyTorch warns that the dropout of a single layer acts nowhere.
@pytest.mark.filterwarnings("ignore:dropout option adds dropout after all but last:UserWarning")
def test_equal_to_pytorch(kind, num_layers, bias, batch_first, bidirectional):
    """Whole sequences from zero states; and sequences of other lengths, in a packed batch, from given states."""
    module, stack = pair(
        kind, num_layers=num_layers, bidirectional=bidirectional, bias=bias, batch_first=batch_first, dropout=0.3
    )
    load_torch_weights(stack, module.state_dict())
    x = random_array(*((BATCH, STEPS) if batch_first else (STEPS, BATCH)), FEATURES)
    assert_close(run_stack(stack, x), arrays(run_module(module, torch.from_numpy(x))))

    count = num_layers * stack.num_directions
    state = [random_array(count, BATCH, UNITS, seed=1), random_array(count, BATCH, UNITS, seed=2)][: stack.num_states]
    outputs, *states = run_stack(stack, x, state, MASK)
    packed_outputs, *packed_states = arrays(run_module(module, torch.from_numpy(x), state, LENGTHS))
    real = MASK if batch_first else MASK.T
    assert_close([outputs[real], *states], [packed_outputs[real], *packed_states])


@pytest.mark.parametrize("units", [1, 4])
@pytest.mark.parametrize("features", [1, 3])
def test_one_step_is_that_of_a_pytorch_cell(features, units):
    """h' = tanh(w_ih x + b_ih + w_hh h + b_hh), written out, of `torch.nn.RNNCell`, of our cell, and of the stack."""
    torch_cell = torch.nn.RNNCell(features, units)
    w_ih, w_hh, b_ih, b_hh = arrays(torch_cell.parameters())
    x, h = random_array(BATCH, features), random_array(BATCH, units, seed=1)
    expected = np.tanh(x @ w_ih.T + b_ih + h @ w_hh.T + b_hh)
    assert_close(arrays([torch_cell(torch.from_numpy(x), torch.from_numpy(h))]), [expected])

    stack = RecurrentStack("simple_rnn", units, return_state=True)
    load_torch_weights(stack, {f"{name}_l0": value for name, value in torch_cell.state_dict().items()})
    outputs, states = stack(x[:, None], initial_state=h[None])
    assert_close([outputs[:, 0], states[0]], [expected, expected])

    cell = SimpleRNNCell(units)
    cell.build((None, features))
    cell.set_weights(stack.get_weights())
    assert_close([cell(x, [h])[0]], [expected])


def gradients(stack, x, mask, weigh, compiled):
    """Of a weighted sum of outputs at real steps and final states, with regard to inputs and weights."""

    def total(parts):
        outputs, *states = parts
        outputs = outputs * mask[..., None].astype("float32")
        return sum(ops.sum(part * weight) for part, weight in zip((outputs, *states), weigh, strict=True))

    if ON_TENSORFLOW:
        import tensorflow as tf

        x, variables = tf.convert_to_tensor(x), [weight.value for weight in stack.trainable_weights]

        def derivatives():
            with tf.GradientTape() as tape:
                tape.watch(x)
                result = total(stack(x, mask=tf.convert_to_tensor(mask), training=compiled))
            return tape.gradient(result, [x, *variables])

        return [part.numpy() for part in (tf.function(derivatives) if compiled else derivatives)()]
    import jax

    def of_arrays(x, values):
        others = [variable.value for variable in stack.non_trainable_variables]
        parts, _ = stack.stateless_call(values, others, x, mask=mask, training=compiled)
        return total(parts)

    of_both = jax.grad(of_arrays, argnums=(0, 1))
    of_both = jax.jit(of_both) if compiled else of_both
    of_x, of_values = of_both(x, [weight.value for weight in stack.trainable_weights])
    return [np.array(part) for part in (of_x, *of_values)]


@pytest.mark.both_backends("lstm-True-True-True")
@pytest.mark.parametrize(
    ("kind", "bias", "bidirectional", "compiled"),
    [(kind, bias, both, False) for kind in KINDS for bias in (False, True) for both in (False, True)]
    # As `fit` computes them.
    + [(kind, True, True, True) for kind in KINDS],
)
def test_gradients_equal_pytorchs(kind, bias, bidirectional, compiled):
    module, stack = pair(kind, num_layers=2, bidirectional=bidirectional, bias=bias)
    load_torch_weights(stack, module.state_dict())
    x = torch.from_numpy(random_array(BATCH, STEPS, FEATURES)).requires_grad_()
    parts = run_module(module.train(), x, lengths=LENGTHS)
    weigh = [random_array(*part.shape, seed=10 + index) for index, part in enumerate(parts)]
    sum((part * torch.from_numpy(weight)).sum() for part, weight in zip(parts, weigh, strict=True)).backward()
    # The derivatives have the layout of the weights: the way in brings them to that of Keras. Where one bias is the
    # sum of two, its derivative is that of either.
    derivatives = {name: weight.grad for name, weight in module.named_parameters()}
    if stack.cell != "gru":
        derivatives = {name: d * 0 if name.startswith("bias_hh") else d for name, d in derivatives.items()}
    of_weights = pair(kind, num_layers=2, bidirectional=bidirectional, bias=bias)[1]
    load_torch_weights(of_weights, derivatives)
    expected = [x.grad.numpy(), *of_weights.get_weights()]
    assert_close(gradients(stack, x.detach().numpy(), MASK, weigh, compiled), expected)


@pytest.mark.parametrize(*pairwise(kind=list(KINDS), bias=[False, True], bidirectional=[False, True]))
def test_there_and_back(kind, bias, bidirectional):
    module, stack = pair(kind, num_layers=2, bias=bias, bidirectional=bidirectional)
    x = random_array(BATCH, STEPS, FEATURES)
    stack.build(x.shape)
    stack.set_weights([random_array(*weight.shape, seed=i) for i, weight in enumerate(stack.get_weights())])
    weights = torch_weights(stack)
    assert list(weights) == list(module.state_dict())
    module.load_state_dict({name: torch.from_numpy(array) for name, array in weights.items()})
    assert_close(run_stack(stack, x), arrays(run_module(module, torch.from_numpy(x))))
    again = pair(kind, num_layers=2, bias=bias, bidirectional=bidirectional)[1]
    load_torch_weights(again, weights)
    assert all((a == b).all() for a, b in zip(again.get_weights(), stack.get_weights(), strict=True))


def test_parameters_that_ask_for_a_gradient_are_taken():
    module, stack = pair("gru")
    load_torch_weights(stack, dict(module.named_parameters()))
    assert_close(torch_weights(stack).values(), arrays(module.parameters()))


def without(state_dict, name):
    return {key: value for key, value in state_dict.items() if key != name}


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda weights: without(weights, "bias_hh_l0"), "missing: bias_hh_l0; unexpected: none"),
        (lambda weights: weights | {"weight_hr_l0": np.ones((2, 4))}, "missing: none; unexpected: weight_hr_l0"),
        (lambda weights: weights | {"weight_ih_l0_reverse": np.ones((12, 2))}, "unexpected: weight_ih_l0_reverse"),
        (lambda weights: {f"rnn.{name}": value for name, value in weights.items()}, "unexpected: rnn.bias_hh_l0, "),
        (lambda weights: pair("lstm")[0].state_dict(), "of a torch.nn.GRU.*those of a torch.nn.LSTM.*`cell='lstm'`"),
        (lambda weights: pair("tanh")[0].state_dict(), "those of a torch.nn.RNN.*`cell='simple_rnn'`"),
        (lambda weights: pair("gru", features=5)[0].state_dict(), r"`weight_ih_l0` must have the shape \(12, 2\)"),
        (lambda weights: weights | {"weight_hh_l0": np.ones((15, 5))}, r"`weight_hh_l0` must have the shape \(12, 4\)"),
        (lambda weights: weights | {"bias_ih_l0": np.ones(())}, r"`bias_ih_l0` must have the shape \(12,\)"),
    ],
)
def test_weights_that_do_not_fit_are_refused_and_nothing_is_changed(change, message):
    module, stack = pair("gru")
    stack.build((None, None, FEATURES))
    before = stack.get_weights()
    with pytest.raises(ValueError, match=message):
        load_torch_weights(stack, change(module.state_dict()))
    assert all((a == b).all() for a, b in zip(stack.get_weights(), before, strict=True))


def test_a_stack_that_pytorch_does_not_have_is_refused():
    stack = RecurrentStack("gru", UNITS, activation="relu")
    with pytest.raises(ValueError, match="torch.nn.GRU has no other"):
        load_torch_weights(stack, pair("gru")[0].state_dict())


def test_wrong_types_are_refused():
    with pytest.raises(TypeError, match="`stack` must be a `RecurrentStack`"):
        torch_weights(keras.layers.Dense(3))
    with pytest.raises(TypeError, match="`state_dict` must be a mapping"):
        load_torch_weights(RecurrentStack("gru", UNITS), [np.ones(3)])
    with pytest.raises(ValueError, match="`stack` must be built"):
        torch_weights(RecurrentStack("gru", UNITS))
