"""Wrong arguments of SimpleRNN, GRU, LSTM, of their cells and of Bidirectional; and the cells themselves."""

import keras
import numpy as np
import pytest
from keras import ops

from keras_seq.layers import GRU, LSTM, Bidirectional, GRUCell, LSTMCell, SimpleRNN, SimpleRNNCell

LAYERS = [SimpleRNN, GRU, LSTM]
CELLS = [SimpleRNNCell, GRUCell, LSTMCell]


def zeros(*shape):
    return np.zeros(shape, "float32")


@pytest.mark.parametrize("layer_class", LAYERS + CELLS)
@pytest.mark.parametrize(
    ("units", "error", "message"),
    [
        (0, ValueError, "`units` must be a positive integer. Received: units=0. Pass 1 or more."),
        (-1, ValueError, "`units` must be a positive integer. Received: units=-1. Pass 1 or more."),
        (2.5, TypeError, "`units` must be an integer. Received: units=2.5. Pass a whole number."),
        (True, TypeError, "`units` must be an integer. Received: units=True. Pass a whole number."),
        ("4", TypeError, "`units` must be an integer. Received: units='4'. Pass a whole number."),
    ],
)
def test_units(layer_class, units, error, message):
    with pytest.raises(error) as raised:
        layer_class(units)
    assert str(raised.value) == message


@pytest.mark.parametrize("layer_class", LAYERS + CELLS)
@pytest.mark.parametrize("name", ["dropout", "recurrent_dropout"])
def test_rates(layer_class, name):
    for rate in (1.5, -0.1, 1):
        with pytest.raises(ValueError) as raised:
            layer_class(4, **{name: rate})
        assert str(raised.value) == (
            f"`{name}` must be a rate: at least 0 and below 1. Received: {name}={rate}. Pass 0 to switch it off."
        )
    with pytest.raises(TypeError, match=f"`{name}` must be a number. Received: {name}='a lot'."):
        layer_class(4, **{name: "a lot"})


@pytest.mark.parametrize("layer_class", LAYERS)
def test_learned_initial_state(layer_class):
    with pytest.raises(TypeError, match="`learn_initial_state` must be a boolean. Received: learn_initial_state=1."):
        layer_class(4, learn_initial_state=1)
    message = r"`learn_initial_state` must be False .* Received: learn_initial_state=True, stateful=True. Choose one"
    with pytest.raises(ValueError, match=message):
        layer_class(4, learn_initial_state=True, stateful=True)


def wrapped(layer_class):
    return Bidirectional(layer_class(4, return_sequences=True))


@pytest.mark.parametrize("make", [*LAYERS, *(lambda units, of=of: wrapped(of) for of in LAYERS)])
def test_sequences(make):
    for shape in ((2, 3), (2, 5, 3, 1)):
        with pytest.raises(ValueError) as raised:
            make(4)(zeros(*shape))
        text = str(raised.value)
        assert "`sequences` of" in text, text
        assert f"must have the 3 axes (batch, steps, features). Received: shape={shape}." in text
    layer = make(4)
    with pytest.raises(ValueError, match=r"must have a known number of features .* Received: shape=\(None, 5, None\)"):
        layer(keras.Input((5, None)))
    layer = make(4)
    layer(zeros(2, 5, 3))
    with pytest.raises(ValueError, match=r"must have 3 features, .* Received: shape=\(2, 5, 7\). Pass sequences of 3"):
        layer(zeros(2, 5, 7))


@pytest.mark.parametrize("make", [*LAYERS, *(lambda units, of=of: wrapped(of) for of in LAYERS)])
def test_mask(make):
    layer = make(4)
    for shape in ((2, 4), (3, 5), (2, 5, 2), (2, 4, 1), (2,)):
        with pytest.raises(ValueError) as raised:
            layer(zeros(2, 5, 3), mask=ops.ones(shape, "bool"))
        text = str(raised.value)
        assert "`mask` of" in text, text
        assert f"must have the shape (batch, steps) of the sequences, (2, 5). Received: shape={shape}." in text


@pytest.mark.both_backends
@pytest.mark.parametrize("layer_class", LAYERS)
def test_initial_state(layer_class):
    layer = layer_class(4)
    count = 2 if layer_class is LSTM else 1
    wrong = [[zeros(2, 5)] * count, [zeros(2, 4)] * (count + 1), [zeros(4)] * count, []]
    for states in wrong:
        with pytest.raises(ValueError) as raised:
            layer(zeros(2, 5, 3), initial_state=states)
        text = str(raised.value)
        assert "`initial_state` of" in text, text
        shapes = [state.shape for state in states]
        assert (
            f"must hold {count} tensor(s) of the shapes {', '.join(['(2, 4)'] * count)}. Received: shapes {shapes}."
            in text
        )
    layer(zeros(2, 5, 3), initial_state=[zeros(2, 4)] * count)


def with_numbers(cell, stock):
    """Both cells, built, with the same weights: random ones, as biases begin at zero."""
    generator = np.random.default_rng(0)
    for each in (cell, stock):
        each.build((None, 3))
    stock.set_weights([generator.normal(size=weight.shape) for weight in stock.get_weights()])
    cell.set_weights(stock.get_weights())
    return cell, stock


@pytest.mark.parametrize(
    ("cell_class", "arguments"),
    [
        (SimpleRNNCell, {}),
        (SimpleRNNCell, {"activation": "relu", "use_bias": False}),
        (GRUCell, {}),
        (GRUCell, {"reset_after": False}),
        (LSTMCell, {}),
        (LSTMCell, {"use_bias": False}),
    ],
)
def test_cells_are_those_of_keras(cell_class, arguments):
    """One step gives the numbers of the stock cell, and `keras.layers.RNN` those of the layer."""
    generator = np.random.default_rng(1)
    stock_class = getattr(keras.layers, cell_class.__name__)
    cell, stock = with_numbers(cell_class(4, **arguments), stock_class(4, **arguments))
    assert cell_class.from_config(cell.get_config()).get_config() == cell.get_config()
    states = [generator.normal(size=(2, 4)).astype("float32") for _ in range(2 if cell_class is LSTMCell else 1)]
    x = generator.normal(size=(2, 3)).astype("float32")
    for actual, expected in zip(keras.tree.flatten(cell(x, states)), keras.tree.flatten(stock(x, states)), strict=True):
        np.testing.assert_array_equal(ops.convert_to_numpy(actual), ops.convert_to_numpy(expected))

    layer_class = {SimpleRNNCell: SimpleRNN, GRUCell: GRU, LSTMCell: LSTM}[cell_class]
    layer = layer_class(4, return_sequences=True, **arguments)
    layer.build((None, None, 3))
    layer.set_weights(cell.get_weights())
    sequences = generator.normal(size=(2, 5, 3)).astype("float32")
    mask = ops.convert_to_tensor(np.array([[True, False, True, True, False], [False] * 5]))
    np.testing.assert_allclose(
        keras.layers.RNN(cell, return_sequences=True)(sequences, mask=mask),
        layer(sequences, mask=mask),
        rtol=1e-5,
        atol=1e-6,
    )


@pytest.mark.parametrize("shapes", [[(2, 4)] * 2, [(2, 4)] * 3 + [(2, 5)], [(3, 4)] * 4], ids=["few", "width", "rows"])
def test_initial_state_of_both_directions(shapes):
    layer = Bidirectional(LSTM(4))
    with pytest.raises(ValueError, match=r"`initial_state` of .* must hold 4 tensor\(s\) of the shapes \(2, 4\)"):
        layer(zeros(2, 5, 3), initial_state=[zeros(*shape) for shape in shapes])


def test_integer_sequences_are_cast():
    layer = LSTM(4)
    integers = np.arange(24).reshape(2, 4, 3) % 3
    np.testing.assert_array_equal(layer(integers), layer(integers.astype("float32")))
