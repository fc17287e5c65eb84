import keras
import numpy as np
import pytest
from keras import ops

from keras_seq.layers import LSTM, Bidirectional
from keras_seq.testing import run_layer_test

ON_TENSORFLOW = keras.backend.backend() == "tensorflow"
DTYPE, TOLERANCE = ("float64", 1e-10) if ON_TENSORFLOW else ("float32", 1e-5)
BATCH, STEPS, FEATURES, UNITS = 5, 6, 3, 4


def random_array(shape, seed=0):
    return np.random.default_rng(seed).normal(size=shape).astype(DTYPE)


def make_mask(kind):
    mask = np.ones((BATCH, STEPS), bool)
    if kind == "right":
        for row, real in enumerate([6, 4, 2, 1, 0]):
            mask[row, real:] = False
    elif kind == "left":
        for row, real in enumerate([6, 4, 2, 1, 0]):
            mask[row, : STEPS - real] = False
    elif kind == "holes":
        mask = np.random.default_rng(1).random((BATCH, STEPS)) < 0.5
    return None if kind == "none" else mask


def sigmoid(x):
    return 1 / (1 + np.exp(-x))


def lstm_loop(inputs, mask, weights, state=None, go_backwards=False):
    """The textbook recurrence, one step and one row at a time, in float64: outputs `(batch, steps, units)`, h, c."""
    kernel, recurrent_kernel, bias = (weight.astype("float64") for weight in weights)
    outputs = np.zeros((BATCH, STEPS, UNITS))
    final = np.zeros((2, BATCH, UNITS)) if state is None else np.array(state, "float64")
    for b in range(BATCH):
        h, c, shown = *final[:, b], np.zeros(UNITS)
        order = range(STEPS)[:: -1 if go_backwards else 1]
        for place, t in enumerate(order):
            if mask is None or mask[b, t]:
                i, f, g, o = np.split(inputs[b, t] @ kernel + h @ recurrent_kernel + bias, 4)
                c = sigmoid(f) * c + sigmoid(i) * np.tanh(g)
                h = shown = sigmoid(o) * np.tanh(c)
            outputs[b, place] = shown
        final[:, b] = h, c
    return outputs, *final


def with_random_weights(layer, seed=0):
    layer.build((None, None, FEATURES))
    layer.set_weights([random_array(weight.shape, seed + i) for i, weight in enumerate(layer.get_weights())])
    return layer


def call(layer, inputs, mask=None, **arguments):
    mask = None if mask is None else ops.convert_to_tensor(mask)
    return [ops.convert_to_numpy(part) for part in keras.tree.flatten(layer(inputs, mask=mask, **arguments))]


def gradients(layer, inputs, mask, weigh):
    """Of a weighted sum of all outputs, with regard to the inputs and each weight."""
    mask = None if mask is None else ops.convert_to_tensor(mask)

    def total(outputs):
        outputs = keras.tree.flatten(outputs)
        return sum(ops.sum(output * random_array(output.shape, weigh + i)) for i, output in enumerate(outputs))

    if ON_TENSORFLOW:
        import tensorflow as tf

        inputs = tf.convert_to_tensor(inputs)
        with tf.GradientTape() as tape:
            tape.watch(inputs)
            result = total(layer(inputs, mask=mask))
        return [part.numpy() for part in tape.gradient(result, [inputs, *(w.value for w in layer.trainable_weights)])]
    import jax

    def of_arrays(inputs, values):
        outputs, _ = layer.stateless_call(values, [w.value for w in layer.non_trainable_variables], inputs, mask=mask)
        return total(outputs)

    values = [weight.value for weight in layer.trainable_weights]
    of_inputs, of_values = jax.grad(of_arrays, argnums=(0, 1))(inputs, values)
    return [np.array(part) for part in (of_inputs, *of_values)]


def assert_close(actual, expected, tolerance=TOLERANCE):
    assert len(actual) == len(expected)
    for left, right in zip(actual, expected, strict=True):
        np.testing.assert_allclose(left, right, rtol=tolerance, atol=tolerance)


@pytest.mark.parametrize(
    "arguments",
    [
        {"return_sequences": True},
        {"return_sequences": False},
        {"return_sequences": True, "return_state": True, "use_bias": False},
        {"return_sequences": True, "activation": "relu"},  # not the quick loop
    ],
    ids=["sequences", "last", "state", "relu"],
)
def test_contract(arguments):
    run_layer_test(LSTM, arguments={"units": 3, **arguments}, inputs=random_array((2, 4, 3)).astype("float32"))


@pytest.mark.parametrize("return_sequences", [True, False])
def test_contract_of_both_directions(return_sequences):
    run_layer_test(
        Bidirectional,
        arguments={"layer": LSTM(3, return_sequences=return_sequences)},
        inputs=random_array((2, 4, 3)).astype("float32"),
        expected_output_shape=(2, 4, 6) if return_sequences else (2, 6),
    )


@pytest.mark.parametrize("go_backwards", [False, True])
@pytest.mark.parametrize("kind", ["none", "right", "left", "holes"])
def test_equal_to_a_plain_loop(kind, go_backwards):
    layer = with_random_weights(
        LSTM(UNITS, return_sequences=True, return_state=True, go_backwards=go_backwards, dtype=DTYPE)
    )
    inputs, mask = random_array((BATCH, STEPS, FEATURES)), make_mask(kind)
    state = [random_array((BATCH, UNITS), 8), random_array((BATCH, UNITS), 9)]
    for given in (None, state):
        expected = lstm_loop(inputs, mask, layer.get_weights(), given, go_backwards)
        actual = call(layer, inputs, mask, **({} if given is None else {"initial_state": given}))
        assert_close(actual, expected)


@pytest.mark.parametrize("kind", ["none", "right", "left", "holes"])
@pytest.mark.parametrize(
    "arguments",
    [
        {"return_sequences": True, "return_state": True},
        {"return_sequences": True, "return_state": True, "go_backwards": True},
        {"return_state": True, "use_bias": False},
        {"return_sequences": True, "zero_output_for_mask": True},
    ],
    ids=["sequences", "backwards", "last", "zeros"],
)
def test_equal_to_the_stock_layer(arguments, kind):
    """Same weights, same outputs, same gradients; the stock layer computes its gradients by autodiff."""
    layer = with_random_weights(LSTM(UNITS, dtype=DTYPE, **arguments))
    stock = keras.layers.LSTM(UNITS, dtype=DTYPE, use_cudnn=False, **arguments)
    stock.build((None, None, FEATURES))
    stock.set_weights(layer.get_weights())
    inputs, mask = random_array((BATCH, STEPS, FEATURES)), make_mask(kind)
    assert_close(call(layer, inputs, mask), call(stock, inputs, mask))
    assert_close(gradients(layer, inputs, mask, 20), gradients(stock, inputs, mask, 20), 10 * TOLERANCE)


@pytest.mark.parametrize("kind", ["none", "right", "left", "holes"])
@pytest.mark.parametrize("return_sequences", [True, False])
def test_both_directions_equal_to_the_stock_wrapper(return_sequences, kind):
    layer = with_random_weights(Bidirectional(LSTM(UNITS, return_sequences=return_sequences, dtype=DTYPE), dtype=DTYPE))
    stock = keras.layers.Bidirectional(
        keras.layers.LSTM(UNITS, return_sequences=return_sequences, use_cudnn=False, dtype=DTYPE), dtype=DTYPE
    )
    stock.build((None, None, FEATURES))
    stock.set_weights(layer.get_weights())
    inputs, mask = random_array((BATCH, STEPS, FEATURES)), make_mask(kind)
    assert_close(call(layer, inputs, mask), call(stock, inputs, mask))
    assert_close(gradients(layer, inputs, mask, 20), gradients(stock, inputs, mask, 20), 10 * TOLERANCE)


@pytest.mark.parametrize("merge_mode", ["sum", "mul", "ave", None])
def test_other_merges_run_the_stock_code(merge_mode):
    layer = Bidirectional(LSTM(UNITS, return_sequences=True, dtype=DTYPE), merge_mode=merge_mode, dtype=DTYPE)
    with_random_weights(layer)
    stock = keras.layers.Bidirectional(
        keras.layers.LSTM(UNITS, return_sequences=True, use_cudnn=False, dtype=DTYPE),
        merge_mode=merge_mode,
        dtype=DTYPE,
    )
    stock.build((None, None, FEATURES))
    stock.set_weights(layer.get_weights())
    inputs, mask = random_array((BATCH, STEPS, FEATURES)), make_mask("right")
    assert_close(call(layer, inputs, mask), call(stock, inputs, mask))


def test_both_directions_with_a_state():
    inputs = random_array((BATCH, STEPS, FEATURES))
    state = [random_array((BATCH, UNITS), 30 + i) for i in range(4)]
    results = []
    for wrapper, layer_class in ((Bidirectional, LSTM), (keras.layers.Bidirectional, keras.layers.LSTM)):
        arguments = {"return_sequences": True, "return_state": True, "use_cudnn": False, "dtype": DTYPE}
        layer = with_random_weights(wrapper(layer_class(UNITS, **arguments), dtype=DTYPE))
        results.append(call(layer, inputs, initial_state=state))
    assert_close(*results)


@pytest.mark.parametrize("arguments", [{"dropout": 0.4}, {"dropout": 0.3, "recurrent_dropout": 0.2}])
def test_dropout_is_that_of_the_stock_layer(arguments):
    inputs, mask = random_array((BATCH, STEPS, FEATURES)), make_mask("holes")
    results = []
    for layer_class in (LSTM, keras.layers.LSTM):
        layer = with_random_weights(
            layer_class(UNITS, return_sequences=True, seed=7, dtype=DTYPE, use_cudnn=False, **arguments)
        )
        results.append([*call(layer, inputs, mask, training=True), *call(layer, inputs, mask, training=True)])
        assert np.abs(results[-1][0] - results[-1][1]).max() > 1e-3, "two calls drop the same inputs"
    assert_close(*results)


def test_stateful_calls_go_on_where_the_last_one_ended():
    inputs, mask = random_array((BATCH, STEPS, FEATURES)), make_mask("holes")
    whole = with_random_weights(LSTM(UNITS, return_sequences=True, zero_output_for_mask=True, dtype=DTYPE))
    parts = LSTM(UNITS, return_sequences=True, zero_output_for_mask=True, stateful=True, dtype=DTYPE)
    parts.build((BATCH, None, FEATURES))
    parts.set_weights(whole.get_weights())
    (expected,) = call(whole, inputs, mask)
    for _ in range(2):
        halves = [call(parts, inputs[:, half], mask[:, half])[0] for half in (slice(0, 2), slice(2, STEPS))]
        assert_close([np.concatenate(halves, axis=1)], [expected])
        parts.reset_state()


def test_stock_weights_files_fit(tmp_path):
    stock = keras.Sequential([keras.Input((None, FEATURES)), keras.layers.LSTM(UNITS, return_sequences=True)])
    ours = keras.Sequential([keras.Input((None, FEATURES)), LSTM(UNITS, return_sequences=True)])
    stock.save_weights(tmp_path / "stock.weights.h5")
    ours.load_weights(tmp_path / "stock.weights.h5")
    inputs = random_array((BATCH, STEPS, FEATURES)).astype("float32")
    np.testing.assert_allclose(ours.predict(inputs, verbose=0), stock.predict(inputs, verbose=0), rtol=1e-5, atol=1e-6)
