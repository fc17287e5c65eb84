"""The stack itself; that it computes what PyTorch's modules compute is in `test_pytorch_weights.py`."""

import keras
import numpy as np
import pytest
from keras import ops

from keras_seq.layers import GRU, LSTM, Bidirectional, RecurrentStack, SimpleRNN
from keras_seq.testing import run_layer_test

BATCH, STEPS, FEATURES, UNITS = 3, 5, 2, 4
LAYERS = {"simple_rnn": SimpleRNN, "gru": GRU, "lstm": LSTM}


def random_array(*shape, seed=0):
    return np.random.default_rng(seed).normal(size=shape).astype("float32")


def numpy_parts(structure):
    return [ops.convert_to_numpy(part) for part in keras.tree.flatten(structure)]


def assert_close(actual, expected, tolerance=1e-5):
    for left, right in zip(actual, expected, strict=True):
        np.testing.assert_allclose(left, right, rtol=tolerance, atol=tolerance)


@pytest.mark.parametrize(
    "arguments",
    [
        {"cell": "simple_rnn", "activation": "relu", "use_bias": False},
        pytest.param({"cell": "gru", "num_layers": 2, "bidirectional": True}, marks=pytest.mark.thorough),
        {"cell": "lstm", "num_layers": 2, "dropout": 0.2, "return_sequences": False},
    ],
    ids=["one", "both", "last"],
)
def test_contract(arguments):
    run_layer_test(RecurrentStack, arguments={"units": 3, **arguments}, inputs=random_array(2, 4, 3))


def test_contract_with_steps_first():
    # The harness gives the mask the axes of the inputs: here both axes have one size, and it cannot move padding.
    run_layer_test(
        RecurrentStack,
        arguments={"cell": "gru", "units": 3, "batch_first": False},
        inputs=random_array(4, 4, 2),
        expected_output_shape=(4, 4, 3),
        run_padding=False,
    )


@pytest.mark.both_backends("gru-False-float32")
@pytest.mark.parametrize("dtype", ["float32", "mixed_float16"])
@pytest.mark.parametrize("batch_first", [False, True])
@pytest.mark.parametrize("cell", LAYERS)
def test_states_of_symbols_and_of_a_model_in_a_file(cell, batch_first, dtype, tmp_path):
    """What the harness cannot see: the rows of stacked states are along their second axis."""
    stack = RecurrentStack(
        cell, UNITS, num_layers=2, bidirectional=True, batch_first=batch_first, return_state=True, dtype=dtype
    )

    def swap(tensor):
        return ops.transpose(tensor, (1, 0, 2))

    def call(sequences):
        outputs, *states = stack(sequences if batch_first else swap(sequences))
        return [outputs if batch_first else swap(outputs), *map(swap, states)]

    x, sequences = random_array(BATCH, STEPS, FEATURES), keras.Input((None, FEATURES))
    results, symbols = call(x), call(sequences)
    for symbol, result in zip(symbols, results, strict=True):
        assert symbol.dtype == keras.backend.standardize_dtype(result.dtype)
        assert tuple(symbol.shape)[2:] == tuple(result.shape)[2:] and symbol.shape[0] is None
    keras.Model(sequences, symbols).save(tmp_path / "states.keras")
    loaded = keras.saving.load_model(tmp_path / "states.keras")
    assert_close(loaded.predict(x, verbose=0), numpy_parts(results), 1e-5 if dtype == "float32" else 1e-2)


@pytest.mark.both_backends("lstm-True")
@pytest.mark.parametrize("bidirectional", [False, True])
@pytest.mark.parametrize("cell", LAYERS)
def test_equal_to_layers_one_by_one(cell, bidirectional):
    stack = RecurrentStack(cell, UNITS, num_layers=2, bidirectional=bidirectional, dropout=0.5, return_state=True)
    x, mask = random_array(BATCH, STEPS, FEATURES), np.random.default_rng(1).random((BATCH, STEPS)) < 0.6
    stack.build(x.shape)
    layers = [LAYERS[cell](UNITS, return_sequences=True, return_state=True) for _ in range(2)]
    if bidirectional:
        layers = [Bidirectional(layer) for layer in layers]
    outputs, states = x, []
    for layer, part in zip(layers, stack.recurrent_layers, strict=True):
        layer.build(outputs.shape)
        layer.set_weights(part.get_weights())
        outputs, *more = layer(outputs, mask=mask)
        states += more
    letters = 2 if cell == "lstm" else 1
    expected = [outputs, *(np.stack(numpy_parts(states[letter::letters])) for letter in range(letters))]
    assert_close(numpy_parts(stack(x, mask=mask)), numpy_parts(expected))


@pytest.mark.parametrize("cell", LAYERS)
def test_a_sequence_in_two_halves(cell):
    """The final states of one call are the initial states of the next."""
    stack = RecurrentStack(cell, UNITS, num_layers=3, return_state=True)
    x = random_array(BATCH, STEPS, FEATURES)
    whole, *states = stack(x)
    first, *between = stack(x[:, :2])
    second, *after = stack(x[:, 2:], initial_state=between if cell == "lstm" else between[0])
    assert_close(numpy_parts([whole, states]), [np.concatenate(numpy_parts([first, second]), 1), *numpy_parts(after)])


@pytest.mark.both_backends
@pytest.mark.parametrize("with_state", [False, True])
def test_the_mask_of_an_embedding_arrives_and_is_passed_on(with_state):
    """With an initial state as well, where Keras fills in no `mask`."""
    ids = np.array([[1, 2, 0, 0], [0, 0, 3, 1]])
    embedded = keras.layers.Embedding(4, FEATURES, mask_zero=True)(ids)
    stack = RecurrentStack("gru", UNITS, return_state=True)
    state = random_array(1, 2, UNITS) if with_state else None
    outputs, h = stack(embedded, initial_state=state)
    expected = stack(ops.convert_to_numpy(embedded), initial_state=state, mask=ids != 0)
    assert_close(numpy_parts([outputs, h]), numpy_parts(expected))
    probe = RecurrentStack("gru", UNITS)
    assert_close(numpy_parts(probe(outputs)), numpy_parts(probe(expected[0], mask=ids != 0)))
    assert not np.allclose(numpy_parts(probe(outputs))[0], numpy_parts(probe(ops.convert_to_numpy(outputs)))[0])


def test_the_mask_of_symbols():
    mask, sequences = keras.Input((None,), dtype="bool"), keras.Input((None, FEATURES))
    for arguments, expected in [
        ({}, mask),
        ({"return_state": True}, [mask, None]),
        ({"return_sequences": False}, None),
        # Beside outputs `(steps, batch, ...)` Keras would read it wrongly.
        ({"batch_first": False}, None),
    ]:
        assert RecurrentStack("gru", UNITS, **arguments).compute_mask(sequences, mask) == expected


def test_dropout_is_between_layers_alone_and_anew_at_each_step():
    x = np.ones((50, 40, 2), "float32")
    outputs = {}
    for num_layers in (1, 3):
        stack = RecurrentStack("simple_rnn", 2, num_layers=num_layers, dropout=0.5, activation="relu", use_bias=False)
        stack.build(x.shape)
        # Each layer puts out what it reads.
        stack.set_weights([np.eye(2), np.zeros((2, 2))] * num_layers)
        outputs[num_layers] = ops.convert_to_numpy(stack(x, training=True))
        np.testing.assert_array_equal(stack(x, training=False), x)
    np.testing.assert_array_equal(outputs[1], x)
    # Dropped twice, after the first and after the second layer: one in four is left, four times as large.
    assert set(np.unique(outputs[3])) == {0.0, 4.0}
    assert 0.2 < (outputs[3] > 0).mean() < 0.3
    assert (outputs[3][:, 0] != outputs[3][:, 1]).any()


def test_a_functional_model_with_states():
    sequences = keras.Input((None, FEATURES))
    h, c = keras.Input((2, UNITS)), keras.Input((2, UNITS))
    stack = RecurrentStack("lstm", UNITS, num_layers=2)
    states = [ops.transpose(state, (1, 0, 2)) for state in (h, c)]
    model = keras.Model([sequences, h, c], stack(sequences, initial_state=states))
    assert model.output_shape == (None, None, UNITS)
    x, values = random_array(BATCH, STEPS, FEATURES), [random_array(BATCH, 2, UNITS, seed=i) for i in (1, 2)]
    expected = stack(x, initial_state=[value.transpose(1, 0, 2) for value in values])
    assert_close([model.predict([x, *values], verbose=0)], numpy_parts(expected))


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        ({"cell": "rnn"}, ValueError, "`cell` must be one of 'simple_rnn', 'gru', 'lstm'.*'rnn'.*'simple_rnn'"),
        ({"cell": "LSTMM"}, ValueError, "Did you mean 'lstm'"),
        ({"cell": None}, ValueError, "`cell` must be one of .*cell=None"),
        ({"units": 0}, ValueError, "`units`"),
        ({"num_layers": 0}, ValueError, "`num_layers`"),
        ({"num_layers": 1.5}, TypeError, "`num_layers`"),
        ({"dropout": 1.0}, ValueError, "`dropout`"),
        ({"activation": "sigmoid"}, ValueError, "`activation`"),
        ({"bidirectional": 1}, TypeError, "`bidirectional`"),
        ({"use_bias": "no"}, TypeError, "`use_bias`"),
        ({"batch_first": 0}, TypeError, "`batch_first`"),
        ({"return_sequences": None}, TypeError, "`return_sequences`"),
        ({"return_state": "yes"}, TypeError, "`return_state`"),
    ],
)
def test_wrong_arguments_are_refused(arguments, error, message):
    with pytest.raises(error, match=message):
        RecurrentStack(**{"cell": "gru", "units": 3, **arguments})


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"sequences": random_array(3, 2)}, "`sequences` of .* 3 axes"),
        ({"sequences": random_array(3, 5, 7)}, "`sequences` must have 2 features"),
        ({"mask": np.ones((5, 3), bool)}, "`mask` of .*(3, 5)"),
        ({"initial_state": random_array(2, 3, 4)}, "`initial_state` of .*h, c"),
        ({"initial_state": [random_array(1, 3, 4)] * 2}, r"`initial_state` of .*\(2, batch, 4\)"),
    ],
)
def test_wrong_shapes_are_refused(arguments, message):
    stack = RecurrentStack("lstm", 4, bidirectional=True)
    stack.build((None, None, 2))
    with pytest.raises(ValueError, match=message):
        stack(**{"sequences": random_array(3, 5, 2), **arguments})


def test_open_features_are_refused():
    with pytest.raises(ValueError, match="last of a known size"):
        RecurrentStack("gru", 3)(keras.Input((None, None)))
