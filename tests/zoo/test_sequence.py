"""The five shapes of a recurrent network: each computes what its equations say, pads, learns, and refuses nonsense."""

import keras
import numpy as np
import pytest
from keras import ops

from keras_seq.losses import MaskedCrossEntropy
from keras_seq.testing import run_model_test
from keras_seq.testing.padding import PLACES
from keras_seq.zoo import sequence_model

ROWS, STEPS, FEATURES, OUTPUTS, UNITS = 3, 4, 2, 3, 5
VECTORS = np.random.default_rng(0).normal(size=(ROWS, STEPS, FEATURES)).astype("float32")
REAL = np.ones((ROWS, STEPS), bool)
IDS = np.random.default_rng(1).integers(1, 9, (ROWS, STEPS)).astype("int32")
PREVIOUS = np.random.default_rng(2).normal(size=(ROWS, STEPS, OUTPUTS)).astype("float32")
PREVIOUS_IDS = np.random.default_rng(3).integers(1, OUTPUTS, (ROWS, STEPS)).astype("int32")
SEQUENCES = {"ids": {"token_ids": IDS}, "vectors": {"features": VECTORS, "mask": REAL}}
SIZE = {"ids": {"vocabulary_size": 9}, "vectors": {"num_features": FEATURES}}
FED_BACK = {"ids": {"previous_ids": PREVIOUS_IDS}, "vectors": {"previous": PREVIOUS, "previous_mask": REAL}}

# Shape -> of ids and of vectors: the arguments, the inputs, and the shape of the output.
CASES = {
    ("one_to_one", "ids"): (SIZE["ids"], {"token_id": IDS[:, 0]}, (ROWS, OUTPUTS)),
    ("one_to_one", "vectors"): (SIZE["vectors"], {"features": VECTORS[:, 0]}, (ROWS, OUTPUTS)),
    ("one_to_many", "ids"): (
        {"vocabulary_size": OUTPUTS},
        {"token_id": PREVIOUS_IDS[:, 0], **FED_BACK["ids"]},
        (ROWS, STEPS + 1, OUTPUTS),
    ),
    ("one_to_many", "vectors"): (
        {"num_features": OUTPUTS},
        {"features": PREVIOUS[:, 0], **FED_BACK["vectors"]},
        (ROWS, STEPS + 1, OUTPUTS),
    ),
    **{("many_to_one", kind): (SIZE[kind], SEQUENCES[kind], (ROWS, OUTPUTS)) for kind in SIZE},
    **{("many_to_many", kind): (SIZE[kind], SEQUENCES[kind], (ROWS, STEPS, OUTPUTS)) for kind in SIZE},
    **{
        ("encoder_decoder", kind): (SIZE[kind], {**SEQUENCES[kind], **FED_BACK[kind]}, (ROWS, STEPS, OUTPUTS))
        for kind in SIZE
    },
}


def numpy_of(model, **inputs):
    return ops.convert_to_numpy(model({name: ops.convert_to_tensor(array) for name, array in inputs.items()}))


def give_random_weights(model):
    generator = np.random.default_rng(5)
    for weight in model.trainable_weights:
        weight.assign(generator.normal(scale=0.6, size=weight.shape))


def weights_of(model):
    """Random W_ax, W_aa, b_a and W_ya, b_y, as the textbook writes them: for column vectors."""
    give_random_weights(model)
    w_ax, w_aa, b_a = model.get_layer("stack").get_weights()
    w_ya, b_y = model.get_layer("prediction").get_weights()
    return w_ax.T, w_aa.T, b_a, w_ya.T, b_y


def softmax(scores):
    powers = np.exp(scores - scores.max())
    return powers / powers.sum()


@pytest.mark.both_backends("encoder_decoder-vectors")
@pytest.mark.parametrize(("shape", "kind"), CASES)
def test_every_shape_keeps_the_promises_of_builders(shape, kind):
    arguments, inputs, output_shape = CASES[shape, kind]
    targets = np.random.default_rng(4).normal(size=output_shape).astype("float32")
    model = run_model_test(
        sequence_model,
        arguments={"shape": shape, "num_outputs": OUTPUTS, "units": UNITS, "cell": "gru", **arguments},
        inputs=inputs,
        targets=targets,
        loss="mean_squared_error",
        expected_output_shape=output_shape,
        fixed_inputs=[name for name in inputs if shape.startswith("one_to") and not name.startswith("previous")],
        # The steps of this shape are one more than those that are padded: see below.
        padding=() if shape in ("one_to_one", "one_to_many") else PLACES,
    )
    outputs = model.predict(inputs, verbose=0)
    np.testing.assert_allclose(outputs.sum(-1), 1, rtol=1e-5)


@pytest.mark.parametrize("activation", ["tanh", "relu"])
def test_many_to_many_is_the_equation_of_the_textbook(activation):
    model = sequence_model(
        "many_to_many", OUTPUTS, num_features=FEATURES, units=UNITS, stack={"activation": activation}
    )
    w_ax, w_aa, b_a, w_ya, b_y = weights_of(model)
    outputs = numpy_of(model, features=VECTORS, mask=REAL)
    g = {"tanh": np.tanh, "relu": lambda z: np.maximum(z, 0)}[activation]
    for row in range(ROWS):
        a = np.zeros(UNITS)
        for t in range(STEPS):
            a = g(w_aa @ a + w_ax @ VECTORS[row, t] + b_a)
            np.testing.assert_allclose(outputs[row, t], softmax(w_ya @ a + b_y), rtol=1e-4, atol=1e-6)


@pytest.mark.both_backends
def test_one_to_many_reads_the_start_and_then_what_it_gave():
    model = sequence_model("one_to_many", OUTPUTS, num_features=OUTPUTS, units=UNITS, output_activation="sigmoid")
    w_ax, w_aa, b_a, w_ya, b_y = weights_of(model)
    start = PREVIOUS[:, 0]
    previous, mask = np.zeros_like(PREVIOUS), np.zeros_like(REAL)
    for t in range(STEPS):
        # Step by step, with padding after what is known.
        previous[:, t], mask[:, t] = numpy_of(model, features=start, previous=previous, previous_mask=mask)[:, t], True
    for row in range(ROWS):
        a, x = np.zeros(UNITS), start[row]
        for t in range(STEPS):
            a = np.tanh(w_aa @ a + w_ax @ x + b_a)
            x = 1 / (1 + np.exp(-(w_ya @ a + b_y)))
            np.testing.assert_allclose(previous[row, t], x, rtol=1e-4, atol=1e-5)


def test_one_to_one_and_many_to_one_predict_from_the_last_state():
    one = sequence_model("one_to_one", OUTPUTS, num_features=FEATURES, units=UNITS, output_activation="linear")
    many = sequence_model("many_to_one", OUTPUTS, num_features=FEATURES, units=UNITS, output_activation="linear")
    w_ax, w_aa, b_a, w_ya, b_y = weights_of(one)
    many.set_weights(one.get_weights())
    expected = np.tanh(VECTORS[:, 0] @ w_ax.T + b_a) @ w_ya.T + b_y
    np.testing.assert_allclose(numpy_of(one, features=VECTORS[:, 0]), expected, rtol=1e-4, atol=1e-5)
    mask = np.tile([True, False, False, False], (ROWS, 1))
    np.testing.assert_allclose(numpy_of(many, features=VECTORS, mask=mask), expected, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("cell", ["simple_rnn", "gru", "lstm"])
def test_the_decoder_begins_where_the_encoder_ended(cell):
    model = sequence_model("encoder_decoder", OUTPUTS, num_features=FEATURES, cell=cell, units=UNITS, num_layers=2)
    inputs = {"features": VECTORS, "mask": REAL, "previous": PREVIOUS, "previous_mask": REAL}
    _, *states = model.get_layer("encoder")(VECTORS)
    decoded = model.get_layer("decoder")(PREVIOUS, initial_state=states)
    expected = model.get_layer("output_activation")(model.get_layer("prediction")(decoded))
    np.testing.assert_allclose(numpy_of(model, **inputs), ops.convert_to_numpy(expected), rtol=1e-4, atol=1e-5)
    assert np.abs(numpy_of(model, **{**inputs, "features": -VECTORS}) - expected).max() > 1e-3
    # Sources of any length, padded on any side, and targets of another length, padded on the right.
    pad = np.full((ROWS, 2, FEATURES), 9, "float32")
    gap = np.zeros((ROWS, 2), bool)
    for before, after in ((1, 0), (0, 1), (1, 1)):
        inputs["features"] = np.concatenate([pad] * before + [VECTORS] + [pad] * after, 1)
        inputs["mask"] = np.concatenate([gap] * before + [REAL] + [gap] * after, 1)
        inputs["previous"] = np.concatenate([PREVIOUS, 9 + np.zeros_like(PREVIOUS)], 1)
        inputs["previous_mask"] = np.concatenate([REAL, ~REAL], 1)
        np.testing.assert_allclose(numpy_of(model, **inputs)[:, :STEPS], expected, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize(("shape", "kind"), [case for case in CASES if case[0] in ("one_to_many", "encoder_decoder")])
def test_an_output_never_sees_what_is_fed_back_later(shape, kind):
    arguments, inputs, _ = CASES[shape, kind]
    model = sequence_model(shape, OUTPUTS, units=UNITS, cell="lstm", num_layers=2, **arguments)
    give_random_weights(model)
    before = numpy_of(model, **inputs)
    name = "previous_ids" if kind == "ids" else "previous"
    changed = inputs[name].copy()
    changed[:, 2:] = 0 if kind == "ids" else 7
    seen = 3 if shape == "one_to_many" else 2
    after = numpy_of(model, **{**inputs, name: changed})
    np.testing.assert_allclose(after[:, :seen], before[:, :seen], rtol=1e-5, atol=1e-6)
    assert np.abs(after[:, seen:] - before[:, seen:]).max() > 1e-3


@pytest.mark.parametrize("kind", SIZE)
def test_the_loss_of_one_to_many_ignores_padding(kind):
    arguments, inputs, output_shape = CASES["one_to_many", kind]
    model = sequence_model("one_to_many", OUTPUTS, units=UNITS, **arguments)
    model.compile(loss="mean_squared_error")
    targets = np.random.default_rng(4).normal(size=output_shape).astype("float32")
    expected = model.evaluate(inputs, targets, verbose=0)
    padded = {
        name: np.concatenate([array, np.zeros_like(array)], 1) if name.startswith("previous") else array
        for name, array in inputs.items()
    }
    targets = np.concatenate([targets, np.full_like(targets[:, 1:], 50)], 1)
    np.testing.assert_allclose(model.evaluate(padded, targets, verbose=0), expected, rtol=1e-5)


def test_options_reach_the_stack():
    options = {"bidirectional": True, "dropout": 0.25, "activation": "relu", "use_bias": False}
    model = sequence_model("many_to_one", OUTPUTS, vocabulary_size=9, num_layers=2, units=UNITS, stack=options)
    config = model.get_layer("stack").get_config()
    assert {name: config[name] for name in options} == options
    assert (config["cell"], config["num_layers"], config["units"]) == ("simple_rnn", 2, UNITS)
    assert model.get_layer("prediction").kernel.shape[0] == 2 * UNITS


def test_learns_the_sign_of_a_sum():
    keras.utils.set_random_seed(0)
    x = np.random.default_rng(0).normal(size=(512, 6, 1)).astype("float32")
    y = (x.sum(axis=(1, 2)) > 0).astype("int32")
    inputs = {"features": x, "mask": np.ones((512, 6), bool)}
    model = sequence_model("many_to_one", 2, num_features=1, units=8)
    model.compile(keras.optimizers.Adam(0.02), "sparse_categorical_crossentropy", metrics=["accuracy"])
    model.fit(inputs, y, batch_size=64, epochs=6, verbose=0)
    assert model.evaluate(inputs, y, verbose=0)[1] > 0.9


def test_learns_to_reverse_a_string():
    """With letters 2 to 6 and 1 as the start; sources padded on the left, targets on the right."""
    keras.utils.set_random_seed(0)
    generator = np.random.default_rng(0)
    source, previous = np.zeros((512, 4), "int32"), np.zeros((512, 4), "int32")
    targets = np.full((512, 4), -1)
    for row in range(512):
        letters = generator.integers(2, 7, generator.integers(2, 5))
        length = len(letters)
        source[row, 4 - length :] = letters
        targets[row, :length] = letters[::-1]
        previous[row, :length] = [1, *letters[:0:-1]]
    inputs = {"token_ids": source, "previous_ids": previous}
    model = sequence_model(
        "encoder_decoder", 7, vocabulary_size=7, cell="gru", units=32, output_activation="log_softmax"
    )
    model.compile(keras.optimizers.Adam(0.02), MaskedCrossEntropy())
    before = model.evaluate(inputs, targets, verbose=0)
    model.fit(inputs, targets, batch_size=64, epochs=12, verbose=0)
    assert before > 1.7
    assert model.evaluate(inputs, targets, verbose=0) < 0.5


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        ({"shape": "many_to_few"}, ValueError, "`shape` must be one of 'one_to_one'"),
        ({"num_outputs": 0}, ValueError, "`num_outputs`"),
        ({"num_features": None}, ValueError, "Exactly one of .*num_features=None, vocabulary_size=None"),
        ({"vocabulary_size": 5}, ValueError, "Exactly one of .*num_features=2, vocabulary_size=5"),
        ({"num_features": 0}, ValueError, "`num_features`"),
        ({"num_features": None, "vocabulary_size": 2.5}, TypeError, "`vocabulary_size`"),
        ({"cell": "lsmt"}, ValueError, "`cell` .*Did you mean 'lstm'"),
        ({"units": -1}, ValueError, "`units`"),
        ({"num_layers": 0}, ValueError, "`num_layers`"),
        ({"output_activation": "sofmax"}, ValueError, "`output_activation`"),
        ({"stack": {"bidirectonal": True}}, ValueError, "`stack` takes the keys .* Received: bidirectonal"),
        ({"stack": ["dropout"]}, TypeError, "`stack` must be a mapping"),
        ({"stack": {"dropout": 1.0}}, ValueError, "`dropout`"),
        ({"shape": "one_to_many", "num_outputs": 3}, ValueError, "`num_outputs` must equal `num_features`"),
        ({"shape": "one_to_many", "stack": {"bidirectional": True}}, ValueError, "`stack.bidirectional` must be False"),
        ({"shape": "encoder_decoder", "stack": {"bidirectional": True}}, ValueError, "'encoder_decoder'.*backwards"),
    ],
)
def test_wrong_arguments_are_refused(arguments, error, message):
    with pytest.raises(error, match=message):
        sequence_model(**{"shape": "many_to_many", "num_outputs": 2, "num_features": 2, **arguments})
