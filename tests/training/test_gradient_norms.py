import keras
import numpy as np
import pytest
from keras import ops

from keras_seq.layers import GRU, LSTM, Bidirectional, SimpleRNN
from keras_seq.training import GradientNorms, hidden_gradient_norms
from keras_seq.training.gradient_norms import first_to_last
from keras_seq.training.hidden_gradients import Tape, with_probes

BATCH, STEPS, FEATURES, UNITS = 4, 6, 3, 5


def make_inputs(kind):
    inputs = np.random.default_rng(0).normal(size=(BATCH, STEPS, FEATURES)).astype("float32")
    mask = np.ones((BATCH, STEPS), bool)
    for row, real in enumerate([6, 4, 1, 0]):
        if kind == "right":
            mask[row, real:] = False
        elif kind == "left":
            mask[row, : STEPS - real] = False
    if kind == "holes":
        mask = np.random.default_rng(5).random((BATCH, STEPS)) < 0.6
    return inputs * mask[..., None], mask


class Squares(keras.losses.Loss):
    """Half the squares of all outputs, those at masked steps too, summed within a row and averaged over rows."""

    def __call__(self, y_true, y_pred, sample_weight=None):
        return ops.sum(ops.square(y_pred - ops.cast(y_true, y_pred.dtype))) / (2 * BATCH)


squares = Squares()


def random_weights(model, seed=1):
    generator = np.random.default_rng(seed)
    model.set_weights([generator.normal(size=weight.shape).astype("float32") * 0.6 for weight in model.get_weights()])
    return model


def masked_model(layer):
    inputs = keras.Input((None, FEATURES))
    return random_weights(keras.Model(inputs, layer(keras.layers.Masking()(inputs))))


def mean_over_real_rows(gradients, mask):
    norms = np.where(mask, np.linalg.norm(gradients, axis=-1), 0.0)
    with np.errstate(invalid="ignore"):
        return norms.sum(0) / mask.sum(0)


def simple_rnn_by_hand(inputs, mask, weights, reverse):
    """Hidden states `(batch, steps, units)` in float64, aligned with the input; a masked step holds the state."""
    kernel, recurrent_kernel, bias = (weight.astype("float64") for weight in weights)
    states, h = np.zeros((BATCH, STEPS, UNITS)), np.zeros((BATCH, UNITS))
    for t in range(STEPS)[:: -1 if reverse else 1]:
        h = np.where(mask[:, t, None], np.tanh(inputs[:, t] @ kernel + h @ recurrent_kernel + bias), h)
        states[:, t] = h
    return states


def backward_by_hand(states, mask, recurrent_kernel, direct, reverse):
    """dL/dh_t of all steps in float64, from what the loss sees of each output directly."""
    gradients, later = np.zeros_like(states), np.zeros((BATCH, UNITS))
    for t in range(STEPS)[:: 1 if reverse else -1]:
        gradients[:, t] = total = direct[:, t] + later
        through = (total * (1 - states[:, t] ** 2)) @ recurrent_kernel.T.astype("float64")
        later = np.where(mask[:, t, None], through, total)
    return gradients


@pytest.mark.both_backends("left-True-True")
@pytest.mark.parametrize("sequences", [True, False])
@pytest.mark.parametrize("reverse", [False, True])
@pytest.mark.parametrize("kind", ["none", "right", "left", "holes"])
def test_norms_are_those_of_a_backward_pass_by_hand(kind, reverse, sequences):
    inputs, mask = make_inputs(kind)
    model = masked_model(
        keras.layers.SimpleRNN(UNITS, return_sequences=sequences, go_backwards=reverse, name="recurrent")
    )
    states = simple_rnn_by_hand(inputs, mask, model.get_weights(), reverse)
    last = 0 if reverse else -1
    targets = np.random.default_rng(2).normal(size=(BATCH, STEPS, UNITS) if sequences else (BATCH, UNITS))
    direct = np.zeros_like(states)
    if sequences:
        # What the layer returns is in the order in which it reads; no state stands behind its first masked steps.
        order = slice(None, None, -1 if reverse else 1)
        shown = np.cumsum(mask[:, order], axis=1)[:, order, None] > 0
        direct = np.where(shown, states - targets[:, order], 0.0) / BATCH
    else:
        direct[:, last] = (states[:, last] - targets) / BATCH
    expected = backward_by_hand(states, mask, model.get_weights()[1], direct, reverse)
    measured = hidden_gradient_norms(model, inputs, targets.astype("float32"), loss=squares)
    assert list(measured) == ["recurrent"]
    np.testing.assert_allclose(measured["recurrent"], mean_over_real_rows(expected, mask), rtol=2e-5)


@pytest.mark.both_backends("True")
@pytest.mark.parametrize("sequences", [True, False])
def test_each_direction_has_norms_of_its_own(sequences):
    inputs, mask = make_inputs("right")
    wrapped = keras.layers.SimpleRNN(UNITS, return_sequences=sequences)
    model = masked_model(keras.layers.Bidirectional(wrapped, name="both"))
    targets = np.random.default_rng(2).normal(size=(BATCH, STEPS, 2 * UNITS) if sequences else (BATCH, 2 * UNITS))
    measured = hidden_gradient_norms(model, inputs, targets.astype("float32"), loss=squares)
    assert list(measured) == ["both/forward", "both/backward"]
    for index, name in enumerate(measured):
        weights = model.get_weights()[3 * index : 3 * index + 3]
        states = simple_rnn_by_hand(inputs, mask, weights, reverse=index == 1)
        own = targets[..., UNITS * index : UNITS * (index + 1)]
        direct = np.zeros_like(states)
        if sequences:
            # Outputs at masked steps are zero.
            direct = np.where(mask[..., None], states - own, 0.0) / BATCH
        else:
            direct[:, -1 + index] = (states[:, -1 + index] - own) / BATCH
        expected = backward_by_hand(states, mask, weights[1], direct, reverse=index == 1)
        np.testing.assert_allclose(measured[name], mean_over_real_rows(expected, mask), rtol=2e-5)


def sigmoid(x):
    return 1 / (1 + np.exp(-x))


def lstm_step(x, h, c, kernel, recurrent_kernel, bias):
    i, f, g, o = np.split(x @ kernel + h @ recurrent_kernel + bias, 4, axis=-1)
    c = sigmoid(f) * c + sigmoid(i) * np.tanh(g)
    return sigmoid(o) * np.tanh(c), c


def gru_step(x, h, c, kernel, recurrent_kernel, bias):
    xz, xr, xh = np.split(x @ kernel + bias[0], 3, axis=-1)
    hz, hr, hh = np.split(h @ recurrent_kernel + bias[1], 3, axis=-1)
    z, r = sigmoid(xz + hz), sigmoid(xr + hr)
    return z * h + (1 - z) * np.tanh(xh + r * hh), c


@pytest.mark.both_backends
@pytest.mark.parametrize(
    ("layer", "step"), [(LSTM, lstm_step), (keras.layers.LSTM, lstm_step), (keras.layers.GRU, gru_step)]
)
def test_norms_are_those_of_finite_differences(layer, step):
    inputs, _ = make_inputs("none")
    model = masked_model(layer(UNITS, name="recurrent"))
    targets = np.random.default_rng(2).normal(size=(BATCH, UNITS))
    weights = [weight.astype("float64") for weight in model.get_weights()]

    def loss(shift, at):
        """The loss when `shift` is added to the state after step `at`, in float64."""
        h = c = np.zeros((BATCH, UNITS))
        for t in range(STEPS):
            h, c = step(inputs[:, t], h, c, *weights)
            h = h + shift * (t == at)
        return np.sum((h - targets) ** 2) / 2 / BATCH

    gradients = np.zeros((BATCH, STEPS, UNITS))
    for row, t, unit in np.ndindex(gradients.shape):
        shift = np.zeros((BATCH, UNITS))
        shift[row, unit] = 1e-5
        gradients[row, t, unit] = (loss(shift, t) - loss(-shift, t)) / 2e-5
    measured = hidden_gradient_norms(model, inputs, targets.astype("float32"), loss=squares)["recurrent"]
    np.testing.assert_allclose(measured, np.linalg.norm(gradients, axis=-1).mean(0), rtol=2e-5)


LAYERS = {
    "keras_seq_lstm": LSTM(UNITS, return_sequences=True),
    "keras_seq_gru": GRU(UNITS, learn_initial_state=True, go_backwards=True),
    "keras_seq_simple_rnn": SimpleRNN(UNITS, activation="relu", return_sequences=True),
    "lstm": keras.layers.LSTM(UNITS),
    "gru_backwards": keras.layers.GRU(UNITS, return_sequences=True, go_backwards=True),
    "gru_reset_before": keras.layers.GRU(UNITS, reset_after=False, activation="relu", use_bias=False),
    "simple_rnn": keras.layers.SimpleRNN(UNITS, return_sequences=True, zero_output_for_mask=True),
    "both": Bidirectional(LSTM(UNITS, return_sequences=True)),
    "both_last": Bidirectional(LSTM(UNITS)),
    "both_sum": keras.layers.Bidirectional(keras.layers.GRU(UNITS, return_sequences=True), merge_mode="sum"),
    "both_apart": keras.layers.Bidirectional(keras.layers.GRU(UNITS, return_sequences=True), merge_mode=None),
}


@pytest.mark.both_backends("both-holes")
@pytest.mark.parametrize("kind", ["none", "right", "left", "holes"])
@pytest.mark.parametrize("name", LAYERS)
def test_a_probe_puts_out_what_the_layer_does(name, kind):
    inputs, _ = make_inputs(kind)
    layer = type(LAYERS[name]).from_config(LAYERS[name].get_config())
    model = masked_model(layer)
    probed = with_probes(model, Tape())
    assert keras.tree.map_structure(lambda part: part.shape, probed.output) == keras.tree.map_structure(
        lambda part: part.shape, model.output
    )
    for ours, its in zip(keras.tree.flatten(probed(inputs)), keras.tree.flatten(model(inputs)), strict=True):
        np.testing.assert_allclose(ops.convert_to_numpy(ours), ops.convert_to_numpy(its), atol=1e-6)


@pytest.mark.parametrize("both", [False, True])
def test_states_are_handed_over_and_layers_within_models_are_found(both):
    def recurrent(name, **arguments):
        layer = keras.layers.GRU(UNITS, return_sequences=True, name=name, **arguments)
        return Bidirectional(layer, name=name) if both else layer

    source, target = keras.Input((None, FEATURES), name="source"), keras.Input((None, FEATURES), name="target")
    _, *states = recurrent("encoder", return_state=True)(source)
    decoded = recurrent("decoder")(target, initial_state=states)
    features = keras.Input((None, decoded.shape[-1]))
    inner = keras.Model(features, keras.layers.GRU(UNITS, name="within")(features), name="inner")
    model = random_weights(keras.Model({"source": source, "target": target}, inner(decoded)))
    inputs = {"source": make_inputs("none")[0], "target": make_inputs("none")[0][:, :4]}
    outputs = with_probes(model, Tape())(inputs)
    np.testing.assert_allclose(ops.convert_to_numpy(outputs), ops.convert_to_numpy(model(inputs)), atol=1e-6)
    measured = hidden_gradient_norms(model, inputs, np.zeros((BATCH, UNITS), "float32"), loss=squares)
    parts = ("/forward", "/backward") if both else ("",)
    lengths = {f"{name}{part}": steps for name, steps in (("encoder", 6), ("decoder", 4)) for part in parts}
    assert {name: len(norms) for name, norms in measured.items()} == {**lengths, "within": 4}
    assert all((norms > 0).all() for norms in measured.values())


def test_a_layer_called_twice_has_norms_for_each_call():
    layer = keras.layers.SimpleRNN(UNITS, name="twin")
    first, second = keras.Input((None, FEATURES)), keras.Input((None, FEATURES))
    model = keras.Model([first, second], keras.layers.Subtract()([layer(first), layer(second)]))
    inputs = [make_inputs("none")[0], make_inputs("none")[0][:, :2]]
    measured = hidden_gradient_norms(model, inputs, np.zeros((BATCH, UNITS), "float32"), loss=squares)
    assert {name: len(norms) for name, norms in measured.items()} == {"twin": 6, "twin/call_2": 2}


def test_the_measured_model_stays_as_it_was_and_its_present_weights_count():
    inputs, _ = make_inputs("right")
    targets = np.ones((BATCH, 1), "float32")
    model = keras.Sequential(
        [keras.Input((None, FEATURES)), keras.layers.Masking(), LSTM(UNITS, name="lstm"), keras.layers.Dense(1)]
    )
    model.compile("sgd", "mse")
    config, weights = model.get_config(), model.get_weights()
    measure = GradientNorms(model)
    before = measure(inputs, targets)["lstm"]
    assert model.get_config() == config
    assert all((old == new).all() for old, new in zip(weights, model.get_weights(), strict=True))
    assert model.get_layer("lstm").output.shape == (None, UNITS)
    model.fit(inputs, targets, verbose=0)
    after = measure(inputs, targets)["lstm"]
    assert not np.allclose(before, after)
    np.testing.assert_allclose(hidden_gradient_norms(model, inputs, targets)["lstm"], after, rtol=1e-6)


def test_the_loss_is_that_of_compile_masks_included():
    tokens = np.array([[3, 1, 2, 0, 0], [1, 2, 0, 0, 0]])
    inputs = keras.Input((None,), dtype="int32")
    x = keras.layers.Embedding(4, 3, mask_zero=True)(inputs)
    model = keras.Model(inputs, keras.layers.Dense(4)(keras.layers.GRU(UNITS, return_sequences=True)(x)))
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    norms = {}
    for width in (3, 5):
        norms[width] = next(
            iter(hidden_gradient_norms(model, tokens[:, :width], tokens[:, :width], loss=loss).values())
        )
    # Keras averages over all steps, real or not, but gives no weight to those that are not.
    np.testing.assert_allclose(norms[5][:3], norms[3], rtol=1e-5)
    assert np.isnan(norms[5][3:]).all()
    model.compile("sgd", loss)
    np.testing.assert_array_equal(next(iter(hidden_gradient_norms(model, tokens, tokens).values()))[:3], norms[5][:3])


def test_exploded_gradients_are_infinite():
    model = keras.Sequential([keras.Input((200, 1)), keras.layers.SimpleRNN(2, activation="linear", name="rnn")])
    model.set_weights([np.ones((1, 2)), 10 * np.eye(2), np.zeros(2)])
    norms = hidden_gradient_norms(model, np.zeros((1, 200, 1)), np.ones((1, 2)), loss="mse")["rnn"]
    assert np.isinf(norms[0])
    np.testing.assert_allclose(norms[-3:] / norms[-1], [100, 10, 1], rtol=1e-5)
    assert first_to_last("rnn", norms) == np.inf


def test_the_ratio_follows_the_order_of_reading():
    norms = np.array([np.nan, 0.1, 1.0, 2.0, np.nan])
    assert first_to_last("lstm", norms) == pytest.approx(0.05)
    assert first_to_last("both/forward", norms) == pytest.approx(0.05)
    assert first_to_last("both/backward", norms) == pytest.approx(20)
    assert np.isnan(first_to_last("lstm", np.full(3, np.nan)))
    assert np.isnan(first_to_last("lstm", np.zeros(3)))


class Subclassed(keras.Model):
    def call(self, inputs):
        return inputs


def test_what_cannot_be_measured_is_refused():
    inputs, _ = make_inputs("none")
    plain = keras.Sequential([keras.Input((None, FEATURES)), keras.layers.Dense(1, name="dense")], name="plain")
    with pytest.raises(ValueError, match=r"`model` must have a recurrent layer.*Received: model='plain'.*dense"):
        GradientNorms(plain, loss="mse")
    with pytest.raises(TypeError, match="`model` must be a functional or sequential"):
        GradientNorms(Subclassed(), loss="mse")
    with pytest.raises(ValueError, match="`model` must be built"):
        GradientNorms(keras.Sequential([keras.layers.GRU(2)]), loss="mse")
    model = keras.Sequential([keras.Input((None, FEATURES)), keras.layers.GRU(1)])
    with pytest.raises(ValueError, match="`loss` must be given where the model is not compiled"):
        GradientNorms(model)
    with pytest.raises(ValueError, match="`loss` must be one loss"):
        GradientNorms(model, loss=["mse"])
    with pytest.raises(ValueError, match="`inputs` and `targets` must be arrays with the same number of rows"):
        hidden_gradient_norms(model, inputs, np.ones((BATCH + 1, 1)), loss="mse")
    with pytest.raises(ValueError, match="Received: 0 rows"):
        hidden_gradient_norms(model, inputs[:0], np.ones((0, 1)), loss="mse")
