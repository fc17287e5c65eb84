"""SimpleRNN, GRU, LSTM and Bidirectional: the numbers of a textbook loop and of the stock layers, and every option."""

import keras
import numpy as np
import pytest
from keras import ops
from pairwise import pairwise

from keras_seq.layers import GRU, LSTM, Bidirectional, SimpleRNN
from keras_seq.testing import run_layer_test

ON_TENSORFLOW = keras.backend.backend() == "tensorflow"
DTYPE, TOLERANCE = ("float64", 1e-10) if ON_TENSORFLOW else ("float32", 1e-5)
STEPS, FEATURES, UNITS = 6, 3, 4

# Name of a case -> class, and what sets it apart. What is no quick loop runs the stock code.
CASES = {
    "rnn": (SimpleRNN, {}),
    "rnn-relu": (SimpleRNN, {"activation": "relu"}),
    "gru": (GRU, {}),
    "gru-relu": (GRU, {"activation": "relu"}),
    "gru-reset-before": (GRU, {"reset_after": False}),
    "lstm": (LSTM, {}),
    "lstm-relu": (LSTM, {"activation": "relu"}),
}
CELLS = ["rnn", "rnn-relu", "gru", "gru-reset-before", "lstm"]
KINDS = ["none", "right", "left", "holes"]


def random_array(shape, seed=0):
    return np.random.default_rng(seed).normal(size=shape, scale=0.7).astype(DTYPE)


def make_mask(kind, batch=5):
    """One row has no real step; `mixed` has rows of every kind."""
    mask = np.ones((batch, STEPS), bool)
    holes = np.random.default_rng(1).random((batch, STEPS)) < 0.5
    for row in range(batch):
        real = [6, 4, 2, 1, 0][row % 5]
        of_row = ["right", "left", "holes"][row // 5 % 3] if kind == "mixed" else kind
        if of_row == "right":
            mask[row, real:] = False
        elif of_row == "left":
            mask[row, : STEPS - real] = False
        elif of_row == "holes":
            mask[row] = holes[row] & (real > 0)
    return None if kind == "none" else mask


def sigmoid(x):
    return 1 / (1 + np.exp(-x))


def simple_rnn_step(x, states, weights, g):
    (h,), (W, U, b) = states, weights
    return (g(x @ W + h @ U + b),)


def lstm_step(x, states, weights, g):
    (h, c), (W, U, b) = states, weights
    W_i, W_f, W_c, W_o = np.split(W, 4, axis=1)
    U_i, U_f, U_c, U_o = np.split(U, 4, axis=1)
    b_i, b_f, b_c, b_o = np.split(b, 4)
    i = sigmoid(x @ W_i + h @ U_i + b_i)
    f = sigmoid(x @ W_f + h @ U_f + b_f)
    c_tilde = g(x @ W_c + h @ U_c + b_c)
    o = sigmoid(x @ W_o + h @ U_o + b_o)
    c = f * c + i * c_tilde
    return o * g(c), c


def gru_step(x, states, weights, g):
    (h,), (W, U, b) = states, weights
    W_z, W_r, W_h = np.split(W, 3, axis=1)
    U_z, U_r, U_h = np.split(U, 3, axis=1)
    (b_z, b_r, b_h), (c_z, c_r, c_h) = (np.split(row, 3) for row in np.broadcast_to(b, (2, b.shape[-1])))
    z = sigmoid(x @ W_z + b_z + h @ U_z + c_z)
    r = sigmoid(x @ W_r + b_r + h @ U_r + c_r)
    h_tilde = g(x @ W_h + b_h + r * (h @ U_h + c_h))
    return (z * h + (1 - z) * h_tilde,)


def gru_reset_before_step(x, states, weights, g):
    (h,), (W, U, b) = states, weights
    W_z, W_r, W_h = np.split(W, 3, axis=1)
    U_z, U_r, U_h = np.split(U, 3, axis=1)
    b_z, b_r, b_h = np.split(b, 3)
    z = sigmoid(x @ W_z + h @ U_z + b_z)
    r = sigmoid(x @ W_r + h @ U_r + b_r)
    h_tilde = g(x @ W_h + (r * h) @ U_h + b_h)
    return (z * h + (1 - z) * h_tilde,)


def numpy_loop(case, inputs, mask, weights, states, go_backwards=False):
    """The textbook recurrence, one step and one row at a time, in float64.

    Returns:
        The outputs `(batch, steps, units)` in the order of reading, and the final states.
    """
    layer_class, options = CASES[case]
    step = {SimpleRNN: simple_rnn_step, GRU: gru_step, LSTM: lstm_step}[layer_class]
    if options.get("reset_after") is False:
        step = gru_reset_before_step
    g = np.tanh if options.get("activation", "tanh") == "tanh" else lambda x: np.maximum(x, 0)
    weights = [weight.astype("float64") for weight in weights]
    if len(weights) == 2:
        weights.append(np.zeros(weights[0].shape[1]))
    outputs = np.zeros((*inputs.shape[:2], UNITS))
    final = np.array(states, "float64")
    for b in range(len(inputs)):
        row, shown = final[:, b], np.zeros(UNITS)
        for place, t in enumerate(range(STEPS)[:: -1 if go_backwards else 1]):
            if mask is None or mask[b, t]:
                row = step(inputs[b, t].astype("float64"), row, weights, g)
                shown = row[0]
            outputs[b, place] = shown
        final[:, b] = row
    return outputs, *final


def make_layer(case, stock=False, **arguments):
    layer_class, options = CASES[case]
    if stock:
        layer_class = getattr(keras.layers, layer_class.__name__)
        if layer_class is not keras.layers.SimpleRNN:
            arguments["use_cudnn"] = False
    return layer_class(UNITS, **{"dtype": DTYPE, **options, **arguments})


def make_wrapper(case, stock=False, merge_mode="concat", **arguments):
    wrapper = keras.layers.Bidirectional if stock else Bidirectional
    layer, backward_layer = make_layer(case, stock, **arguments), None
    if arguments.get("go_backwards"):
        # Then the stock wrapper asks for a second layer, that reads forwards.
        backward_layer = make_layer(case, stock, **{**arguments, "go_backwards": False})
    return wrapper(layer, merge_mode=merge_mode, backward_layer=backward_layer, dtype=DTYPE)


def with_random_weights(layer, batch=None):
    layer.build((batch, None, FEATURES))
    layer.set_weights([random_array(weight.shape, 50 + i) for i, weight in enumerate(layer.get_weights())])
    return layer


def number_of_states(case):
    return 2 if CASES[case][0] is LSTM else 1


def call(layer, inputs, mask=None, **arguments):
    mask = None if mask is None else ops.convert_to_tensor(mask)
    outputs = layer(ops.convert_to_tensor(inputs), mask=mask, **arguments)
    return [ops.convert_to_numpy(part) for part in keras.tree.flatten(outputs)]


def assert_close(actual, expected, tolerance=TOLERANCE):
    assert len(actual) == len(expected)
    for left, right in zip(actual, expected, strict=True):
        np.testing.assert_allclose(left, right, rtol=tolerance, atol=tolerance)


def assert_equal_to_the_stock_layer(make, inputs, mask=None, **arguments):
    """Both get the weights of the stock layer, and the same arguments of the call."""
    stock = with_random_weights(make(stock=True))
    layer = make()
    layer.build((None, None, FEATURES))
    layer.set_weights(stock.get_weights())
    if not ON_TENSORFLOW and mask is not None and arguments.get("initial_state") is not None:
        # Where nothing has been read yet, the stock layer shows the given state under JAX and zeros under TensorFlow;
        # ours zeros under both.
        mask = mask.copy()
        mask[:, [0, -1]] = True
    assert_close(call(layer, inputs, mask, **arguments), call(stock, inputs, mask, **arguments))


@pytest.mark.parametrize(
    ("case", "arguments"),
    [
        ("rnn-relu", {"return_sequences": True}),
        ("gru-reset-before", {"return_sequences": True}),
        ("lstm", {"return_sequences": False}),
        ("gru", {"return_sequences": True, "return_state": True, "use_bias": False, "learn_initial_state": True}),
        ("lstm", {"activation": "softsign", "return_sequences": True}),  # the stock code
    ],
)
def test_contract(case, arguments):
    layer_class, options = CASES[case]
    run_layer_test(
        layer_class, arguments={"units": 3, **options, **arguments}, inputs=random_array((2, 4, 3)).astype("float32")
    )


@pytest.mark.parametrize(("case", "return_sequences"), [("gru", True), ("lstm", False)])
def test_contract_of_both_directions(case, return_sequences):
    layer_class, options = CASES[case]
    run_layer_test(
        Bidirectional,
        arguments={"layer": layer_class(3, return_sequences=return_sequences, **options)},
        inputs=random_array((2, 4, 3)).astype("float32"),
        expected_output_shape=(2, 4, 6) if return_sequences else (2, 6),
    )


@pytest.mark.both_backends(
    "rnn-relu-use_bias=True-right-go_backwards=False",
    "gru-use_bias=False-holes-go_backwards=True",
    "gru-reset-before-use_bias=False-right-go_backwards=True",
    "lstm-use_bias=True-none-go_backwards=False",
)
@pytest.mark.parametrize(*pairwise(case=list(CASES), use_bias=[True, False], kind=KINDS, go_backwards=[False, True]))
def test_equal_to_a_plain_loop(case, use_bias, kind, go_backwards):
    """From zeros, from a state that is given, and from one that is learned."""
    arguments = {
        "return_sequences": True,
        "return_state": True,
        "use_bias": use_bias,
        "go_backwards": go_backwards,
    }
    layer = with_random_weights(make_layer(case, **arguments))
    inputs, mask, count = random_array((5, STEPS, FEATURES)), make_mask(kind), number_of_states(case)
    given = [random_array((5, UNITS), 8 + k) for k in range(count)]
    for states in (None, given):
        expected = numpy_loop(
            case, inputs, mask, layer.get_weights(), states or np.zeros((count, 5, UNITS)), go_backwards
        )
        assert_close(call(layer, inputs, mask, initial_state=states), expected)

    layer = with_random_weights(make_layer(case, learn_initial_state=True, **arguments))
    learned, weights = layer.get_weights()[:count], layer.get_weights()[count:]
    assert [weight.name for weight in layer.weights[:count]] == ["initial_h", "initial_c"][:count]
    expected = numpy_loop(case, inputs, mask, weights, [np.tile(state, (5, 1)) for state in learned], go_backwards)
    assert_close(call(layer, inputs, mask), expected)
    # A state that is given wins.
    expected = numpy_loop(case, inputs, mask, weights, given, go_backwards)
    assert_close(call(layer, inputs, mask, initial_state=given), expected)


@pytest.mark.both_backends("lstm-left")
@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("case", CELLS)
def test_both_directions_equal_to_two_plain_loops(case, kind):
    inputs, mask, count = random_array((5, STEPS, FEATURES)), make_mask(kind), number_of_states(case)
    layer = with_random_weights(make_wrapper(case, return_sequences=True, return_state=True, learn_initial_state=True))
    expected, finals = [], []
    half = len(layer.get_weights()) // 2
    for direction, weights in enumerate([layer.get_weights()[:half], layer.get_weights()[half:]]):
        states = [np.tile(state, (5, 1)) for state in weights[:count]]
        outputs, *final = numpy_loop(case, inputs, mask, weights[count:], states, go_backwards=direction == 1)
        outputs = outputs[:, ::-1] if direction else outputs
        # The stock wrapper gives zeros at masked steps.
        expected.append(outputs if mask is None else outputs * mask[..., None])
        finals += final
    assert_close(call(layer, inputs, mask), [np.concatenate(expected, -1), *finals])


@pytest.mark.parametrize("case", CASES)
def test_single_precision(case):
    """float32 agrees with the loop in float64 to 1e-6."""
    layer = with_random_weights(make_layer(case, return_sequences=True, return_state=True, dtype="float32"))
    inputs, mask = random_array((5, STEPS, FEATURES)).astype("float32"), make_mask("holes")
    expected = numpy_loop(case, inputs, mask, layer.get_weights(), np.zeros((number_of_states(case), 5, UNITS)))
    for actual, values in zip(call(layer, inputs, mask), expected, strict=True):
        scale = max(1.0, np.abs(values).max())
        np.testing.assert_allclose(actual / scale, values / scale, rtol=0, atol=1e-6)


@pytest.mark.parametrize(
    *pairwise(
        case=CELLS,
        arguments=[
            pytest.param({"return_state": True}, id="last"),
            pytest.param({"return_sequences": True, "zero_output_for_mask": True, "go_backwards": True}, id="zeros"),
            pytest.param({"zero_output_for_mask": True, "go_backwards": True, "use_bias": False}, id="last-zeros"),
            pytest.param({"return_sequences": True, "return_state": True, "unroll": True}, id="unroll"),
        ],
        kind=KINDS,
    )
)
def test_options_as_in_the_stock_layer(case, arguments, kind):
    def make(stock=False):
        return make_layer(case, stock, **arguments)

    assert_equal_to_the_stock_layer(make, random_array((5, STEPS, FEATURES)), make_mask(kind))


@pytest.mark.parametrize(
    ("case", "arguments"),
    [
        *((case, {"activation": name}) for case in ("rnn", "gru", "lstm") for name in ("softsign", None)),
        *((case, {"recurrent_activation": "hard_sigmoid"}) for case in ("gru", "lstm")),
    ],
)
def test_other_activations_run_the_stock_code(case, arguments):
    def make(stock=False):
        return make_layer(case, stock, return_sequences=True, return_state=True, **arguments)

    assert not make().is_standard
    assert_equal_to_the_stock_layer(make, random_array((5, STEPS, FEATURES)), make_mask("holes"))


@pytest.mark.both_backends("gru-last-backwards-ave")
@pytest.mark.parametrize(
    *pairwise(
        case=["rnn", "gru", "lstm"],
        arguments=[
            pytest.param({"return_sequences": True, "return_state": True}, id="sequences"),
            pytest.param({"return_state": True, "zero_output_for_mask": True}, id="last"),
            pytest.param({"return_sequences": True, "go_backwards": True}, id="backwards"),
            pytest.param({"return_state": True, "go_backwards": True, "use_bias": False}, id="last-backwards"),
        ],
        merge_mode=["concat", "sum", "ave", "mul", None],
    )
)
def test_merges_as_in_the_stock_wrapper(case, arguments, merge_mode):
    """Of rows with padding of every kind; from zeros, and from states that are given."""

    def make(stock=False):
        return make_wrapper(case, stock, merge_mode, **arguments)

    inputs, mask = random_array((15, STEPS, FEATURES)), make_mask("mixed", 15)
    assert_equal_to_the_stock_layer(make, inputs, mask)
    states = [random_array((15, UNITS), 30 + k) for k in range(2 * number_of_states(case))]
    assert_equal_to_the_stock_layer(make, inputs, mask, initial_state=states)


def test_directions_may_differ():
    """A backward layer of its own, of another bias."""

    def make(stock=False):
        wrapper = keras.layers.Bidirectional if stock else Bidirectional
        return wrapper(
            make_layer("gru", stock, return_sequences=True),
            backward_layer=make_layer("gru", stock, return_sequences=True, use_bias=False, go_backwards=True),
            dtype=DTYPE,
        )

    assert_equal_to_the_stock_layer(make, random_array((15, STEPS, FEATURES)), make_mask("mixed", 15))


@pytest.mark.both_backends("lstm-arguments0")
@pytest.mark.parametrize("arguments", [{"dropout": 0.4}, {"dropout": 0.3, "recurrent_dropout": 0.2}])
@pytest.mark.parametrize("case", CELLS)
def test_dropout_is_that_of_the_stock_layer(case, arguments):
    inputs, mask = random_array((5, STEPS, FEATURES)), make_mask("holes")
    results = []
    for stock in (False, True):
        layer = with_random_weights(make_layer(case, stock, return_sequences=True, seed=7, **arguments))
        results.append([*call(layer, inputs, mask, training=True), *call(layer, inputs, mask, training=True)])
        assert np.abs(results[-1][0] - results[-1][1]).max() > 1e-3, "two calls drop the same inputs"
        results[-1] += call(layer, inputs, mask, training=False)
    assert_close(*results)


@pytest.mark.both_backends("gru")
@pytest.mark.parametrize("case", CELLS)
def test_stateful_calls_go_on_where_the_last_one_ended(case):
    inputs, mask = random_array((5, STEPS, FEATURES)), make_mask("holes")
    arguments = {"return_sequences": True, "zero_output_for_mask": True}
    whole = with_random_weights(make_layer(case, **arguments))
    parts = make_layer(case, stateful=True, **arguments)
    parts.build((5, None, FEATURES))
    parts.set_weights(whole.get_weights())
    (expected,) = call(whole, inputs, mask)
    for _ in range(2):
        halves = [call(parts, inputs[:, half], mask[:, half])[0] for half in (slice(0, 2), slice(2, STEPS))]
        assert_close([np.concatenate(halves, axis=1)], [expected])
        parts.reset_state()


def test_stateful_in_both_directions():
    inputs, mask = random_array((5, STEPS, FEATURES)), make_mask("holes")
    results = []
    for stock in (False, True):
        layer = with_random_weights(make_wrapper("lstm", stock, return_sequences=True, stateful=True), batch=5)
        results.append([*call(layer, inputs, mask), *call(layer, inputs, mask)])
        assert np.abs(results[-1][0] - results[-1][1]).max() > 1e-3, "the second call began anew"
    assert_close(*results)


@pytest.mark.both_backends("rnn-both")
@pytest.mark.parametrize("both", [False, True], ids=["one", "both"])
@pytest.mark.parametrize("case", CELLS)
def test_edges_of_a_batch(case, both):
    """No row, one row, one step; and rows without a real step, whose outputs are zeros."""
    make = make_wrapper if both else make_layer
    layer = with_random_weights(make(case, return_sequences=True, return_state=True))
    width = 2 * UNITS if both else UNITS
    outputs = call(layer, np.zeros((0, STEPS, FEATURES), DTYPE))[0]
    assert outputs.shape == (0, STEPS, width)
    inputs = random_array((5, STEPS, FEATURES))
    whole = call(layer, inputs)[0]
    assert_close(call(layer, inputs[2:3])[:1], [whole[2:3]])
    assert call(layer, inputs[:, :1])[0].shape == (5, 1, width)
    for part in call(layer, inputs, np.zeros((5, STEPS), bool)):
        assert (part == 0).all()


@pytest.mark.parametrize("case", CELLS)
def test_dtypes_of_outputs(case):
    """Outputs and states come in the compute type, whatever the type of the inputs."""
    for dtype, expected in [("mixed_bfloat16", "bfloat16"), ("float16", "float16")]:
        layer = make_layer(case, return_sequences=True, return_state=True, dtype=dtype)
        outputs = layer(random_array((2, STEPS, FEATURES)))
        assert {keras.backend.standardize_dtype(part.dtype) for part in outputs} == {expected}


@pytest.mark.parametrize(
    "make",
    [LSTM, GRU, lambda units, **options: Bidirectional(LSTM(units, **options), dtype=options.get("dtype"))],
    ids=["lstm", "gru", "bilstm"],
)
def test_cudnn_is_tried_on_a_gpu_in_training_without_a_mask(make, monkeypatch):
    """There may be no GPU here: what is seen is when the stock layer, which calls cuDNN, is asked."""
    asked = []

    def inner_loop(self, sequences, initial_state, mask, training=False):
        asked.append(type(self).__name__)
        return keras.layers.RNN.inner_loop(self, sequences, initial_state, mask, training=training)

    for stock in (keras.layers.LSTM, keras.layers.GRU):
        monkeypatch.setattr(stock, "inner_loop", inner_loop)
    inputs, mask = random_array((5, STEPS, FEATURES)), make_mask("right")
    layer = make(UNITS, return_sequences=True, dtype=DTYPE)
    expected = call(layer, inputs, training=True)
    monkeypatch.setattr("keras_seq.layers.recurrent_layer.has_gpu", lambda: True)
    call(layer, inputs)
    call(layer, inputs, mask, training=True)
    call(make(UNITS, use_cudnn=False), inputs, training=True)
    assert not asked
    assert_close(call(layer, inputs, training=True), expected)
    assert asked
