"""Every constructor argument of the stock recurrent layers, as users combine them, through two `fit` calls.

The names are read off the signatures of Keras, so that an argument that a new version brings is asked for here. Ours
and the stock layer begin with equal weights and equal seeds, train on batches of which the last one is smaller, and
must end with equal losses, weights and predictions.
"""

import inspect

import keras
import numpy as np
import pytest
from pairwise import covering_rows

import keras_seq.layers
from keras_seq.core.keras_compat import get_keras_mask

pytestmark = pytest.mark.both_backends

ON_TENSORFLOW = keras.backend.backend() == "tensorflow"
ROWS, STEPS, FEATURES, UNITS, BATCH = 10, 5, 3, 2, 4

# Argument of a stock layer -> values, its default first.
VALUES = {
    "units": [UNITS],
    "activation": ["tanh", "relu", "softsign"],
    "recurrent_activation": ["sigmoid", "hard_sigmoid"],
    "use_bias": [True, False],
    "kernel_initializer": ["glorot_uniform", "he_normal"],
    "recurrent_initializer": ["orthogonal", "identity"],
    "bias_initializer": ["zeros", "random_normal"],
    "unit_forget_bias": [True, False],
    "kernel_regularizer": [None, "l2"],
    "recurrent_regularizer": [None, "l2"],
    "bias_regularizer": [None, "l2"],
    "activity_regularizer": [None, "l2"],
    "kernel_constraint": [None, "unit_norm"],
    "recurrent_constraint": [None, "max_norm"],
    "bias_constraint": [None, "non_neg"],
    "dropout": [0.0, 0.4],
    "recurrent_dropout": [0.0, 0.3],
    "seed": [None, 7],
    "return_sequences": [False, True],
    "return_state": [False, True],
    "go_backwards": [False, True],
    "stateful": [False, True],
    "unroll": [False, True],
    "reset_after": [True, False],
    "use_cudnn": ["auto", False],
    # What they take beyond their signature, for `keras.layers.RNN` and `keras.layers.Layer`.
    "zero_output_for_mask": [False, True],
    "implementation": [2, 1],
    "name": [None, "named"],
    "dtype": [None, "mixed_bfloat16", "float64" if ON_TENSORFLOW else "mixed_float16"],
    "trainable": [True, False],
    "autocast": [True, False],
}
# What the fused loop does not compute; the rest of the arguments meets it in every combination.
PLAIN = {
    "activation": ["softsign"],
    "recurrent_activation": ["hard_sigmoid"],
    "recurrent_dropout": [0.3],
    "unroll": [True],
}
# Around the layer: none, or a `Bidirectional` that merges so; fewer on JAX, which compiles each model for seconds.
WRAPPERS = ["none", "concat", "sum", "ave", "mul", None] if ON_TENSORFLOW else ["none", "concat", None]
# `weights` is kept for old configurations: Keras does not set them.
OF_THE_WRAPPER = ["layer", "merge_mode", "weights", "backward_layer"]
OF_THE_MODEL = {"mask": ["none", "right", "left"], "open_steps": [False, True], "own_dtype": [False, True]}
OF_THE_STACK = {
    "cell": ["lstm", "gru", "simple_rnn"],
    "units": [UNITS],
    "num_layers": [1, 2],
    "bidirectional": [False, True],
    "dropout": [0.0, 0.4],
    "weight_dropout": [0.0],  # no stock layer has it
    "activation": ["tanh", "relu"],
    "use_bias": [True, False],
    "batch_first": [True, False],
    "return_sequences": [True, False],
    "return_state": [False, True],
    "fused": [None, False],
}
CLASSES = ["LSTM", "GRU", "SimpleRNN"]


def signature(layer_class):
    parameters = inspect.signature(layer_class.__init__).parameters.values()
    named = [each.name for each in parameters if each.kind is not inspect.Parameter.VAR_KEYWORD]
    return named[1:]


def arguments_of(name):
    """Names of the arguments of a stock layer."""
    beyond = ["zero_output_for_mask", "name", "dtype", "trainable", "autocast"]
    of_gates = [] if name == "SimpleRNN" else ["implementation"]
    return [*signature(getattr(keras.layers, name)), *beyond, *of_gates]


def rows_of(factors):
    """Few rows that hold all pairs of values."""
    return [
        {name: values[place] for (name, values), place in zip(factors.items(), row, strict=True)}
        for row in covering_rows(*factors.values())
    ]


def for_the_thorough_run(place):
    """Seven of eight: each model is compiled for seconds."""
    return [] if place % 8 == 0 else [pytest.mark.thorough]


def layer_rows(classes, only_fused):
    factors = {"class": classes, "wrapper": WRAPPERS, "backward_layer": [False, True], **OF_THE_MODEL}
    for name in dict.fromkeys(name for each in classes for name in arguments_of(each)):
        refused = PLAIN.get(name, []) if only_fused else []
        factors[name] = [value for value in VALUES[name] if value not in refused]
    rows = []
    for row in rows_of(factors):
        if only_fused and row["dropout"]:
            row["implementation"] = 2
        if row["class"] == "SimpleRNN" and row["wrapper"] != "none":
            row["seed"] = None  # the stock layer keeps it out of its configuration, and the wrapper makes copies
        if row["unroll"]:
            row["open_steps"] = False  # Keras unrolls a known number of steps alone
        if row["dtype"]:
            # Keras adds up losses of different dtypes, and multiplies inputs of one with masks of another, and fails.
            row |= {name: None for name in row if name.endswith("_regularizer")} | {"autocast": True}
        if row["wrapper"] != "none" and row["stateful"]:
            row["return_state"] = False  # Keras fails; see `test_states_of_a_stateful_wrapper`
        name = "-".join(str(row[name]) for name in ("class", "wrapper", "activation"))
        rows.append(pytest.param(row, id=name, marks=for_the_thorough_run(len(rows))))
    return rows


def make_layer(module, row):
    """A recurrent layer, perhaps in a wrapper, of our package or of Keras."""
    arguments = {name: row[name] for name in arguments_of(row["class"]) if name != "units"}
    if module is keras.layers and "use_cudnn" in arguments:
        arguments["use_cudnn"] = False
    layer_class = getattr(module, row["class"])
    layer = layer_class(row["units"], **arguments)
    if row["wrapper"] == "none":
        return layer
    backward_layer = None
    if row["backward_layer"] or row["go_backwards"]:
        others = {"go_backwards": not row["go_backwards"], "use_bias": not row["use_bias"], "name": "other"}
        backward_layer = layer_class(row["units"], **{**arguments, **others})
    return module.Bidirectional(
        layer,
        merge_mode=row["wrapper"],
        backward_layer=backward_layer,
        dtype=None if row["own_dtype"] else row["dtype"],
    )


def make_model(layer, row):
    """A model of this layer alone; its output is made of all that the layer gives."""
    rows = BATCH if row.get("stateful") else None
    steps = None if row["open_steps"] else STEPS
    inputs = keras.Input(batch_shape=(rows, steps, FEATURES))
    x = inputs if row["mask"] == "none" else keras.layers.Masking()(inputs)
    outputs = keras.tree.flatten(layer(x))
    outputs = [keras.layers.GlobalAveragePooling1D()(part) if len(part.shape) == 3 else part for part in outputs]
    joined = outputs[0] if len(outputs) == 1 else keras.layers.Concatenate()(outputs)
    return keras.Model(inputs, keras.layers.Dense(1, kernel_initializer="ones", dtype="float32")(joined))


def make_data(row):
    generator = np.random.default_rng(0)
    rows = 2 * BATCH if row.get("stateful") else ROWS
    x = generator.normal(size=(rows, STEPS, FEATURES)).astype("float32")
    real = generator.integers(1, STEPS + 1, (rows, 1))
    if row["mask"] == "right":
        x[np.arange(STEPS) >= real] = 0
    elif row["mask"] == "left":
        x[np.arange(STEPS) < STEPS - real] = 0
    return x, generator.normal(size=(rows, 1)).astype("float32")


def train(make_model, row, run_eagerly=False):
    """Losses of two `fit` calls, final weights, and outputs."""
    keras.utils.set_random_seed(3)
    model = make_model()
    x, y = make_data(row)
    model.compile(keras.optimizers.SGD(0.1), "mse", jit_compile=not ON_TENSORFLOW, run_eagerly=run_eagerly)
    losses = [model.fit(x, y, batch_size=BATCH, shuffle=False, verbose=0).history["loss"][0] for _ in range(2)]
    outputs = keras.ops.convert_to_numpy(model(x[:BATCH], training=False))
    return [np.asarray(array, "float64") for array in [losses, *model.get_weights(), outputs]]


def assert_equal(actual, expected, dtype):
    tolerance = {None: 2e-5, "float64": 1e-6, "mixed_bfloat16": 0.03, "mixed_float16": 0.01}[dtype]
    assert len(actual) == len(expected)
    for ours, stock in zip(actual, expected, strict=True):
        np.testing.assert_allclose(ours, stock, rtol=tolerance, atol=tolerance * max(1.0, np.abs(stock).max()))


def compare(row, run_eagerly):
    """The stock layer learns eagerly: it is the same, and its graphs take long to trace."""
    expected, actual = (
        train(lambda module=module: make_model(make_layer(module, row), row), row, eagerly)
        for module, eagerly in ((keras.layers, ON_TENSORFLOW), (keras_seq.layers, run_eagerly))
    )
    assert_equal(actual, expected, row["dtype"])


def test_every_argument_has_values():
    for name in CLASSES:
        assert set(arguments_of(name)) <= set(VALUES)
    assert signature(keras.layers.Bidirectional) == OF_THE_WRAPPER
    assert signature(keras_seq.layers.RecurrentStack) == list(OF_THE_STACK)


@pytest.mark.parametrize("row", layer_rows(CLASSES, only_fused=True))
def test_fused(row):
    layer = make_layer(keras_seq.layers, {**row, "wrapper": "none"})
    assert layer.is_fused
    compare(row, run_eagerly=False)


@pytest.mark.thorough
@pytest.mark.parametrize("row", layer_rows(CLASSES, only_fused=False))
def test_all_settings(row):
    compare(row, run_eagerly=ON_TENSORFLOW)


@pytest.mark.parametrize("merge_mode", ["concat", None])
def test_states_of_a_stateful_wrapper(merge_mode):
    """Where Keras 3.15 fails to say which output has a mask."""
    layer = keras_seq.layers.Bidirectional(
        keras_seq.layers.LSTM(UNITS, return_sequences=True, return_state=True, stateful=True), merge_mode=merge_mode
    )
    row = {"stateful": True, "open_steps": False, "mask": "right"}
    model = make_model(layer, row)
    model.compile("sgd", "mse")
    x, y = make_data(row)
    model.fit(x, y, batch_size=BATCH, verbose=0)
    parts = keras.tree.flatten(layer(keras.layers.Masking()(x[:BATCH])))
    real = np.any(x[:BATCH] != 0, axis=-1)
    has_mask = [get_keras_mask(part) is not None for part in parts]
    assert has_mask == [True] * (len(parts) - 4) + [False] * 4
    for part in parts[:-4]:
        np.testing.assert_array_equal(get_keras_mask(part), real)


class Stock(keras.layers.Layer):
    """The layers of Keras that a stack stands for, made in its order, as each draws its seeds."""

    def __init__(self, row):
        super().__init__()
        self.row = row
        self.supports_masking = True
        classes = {"lstm": keras.layers.LSTM, "gru": keras.layers.GRU, "simple_rnn": keras.layers.SimpleRNN}
        self.recurrent = []
        for index in range(row["num_layers"]):
            layer = classes[row["cell"]](
                row["units"],
                activation=row["activation"],
                use_bias=row["use_bias"],
                return_sequences=row["return_sequences"] or index < row["num_layers"] - 1,
                return_state=True,
                **({} if row["cell"] == "simple_rnn" else {"use_cudnn": False}),
            )
            self.recurrent.append(keras.layers.Bidirectional(layer) if row["bidirectional"] else layer)
        self.between = [keras.layers.Dropout(row["dropout"]) for _ in self.recurrent[1:]]

    def build(self, shape):
        for layer in self.recurrent:
            layer.build(shape)
            shape = layer.compute_output_shape(shape)[0]

    def call(self, x, mask=None, training=None):
        if not self.row["batch_first"]:
            x = keras.ops.transpose(x, (1, 0, 2))
        states = []
        for index, layer in enumerate(self.recurrent):
            if index:
                x = self.between[index - 1](x, training=training)
            x, *of_layer = layer(x, mask=mask, training=training)
            states += of_layer
        if self.row["return_sequences"] and not self.row["batch_first"]:
            x = keras.ops.transpose(x, (1, 0, 2))
        if not self.row["return_state"]:
            return x
        count = 2 if self.row["cell"] == "lstm" else 1
        return (x, *(keras.ops.stack(states[letter::count]) for letter in range(count)))

    def compute_mask(self, inputs, mask=None):
        return mask if self.row["return_sequences"] else None


class StackModel(keras.Model):
    """The mean of all that a stack gives: Keras' own pooling knows neither steps first nor stacked states."""

    def __init__(self, stack, row):
        super().__init__()
        self.stack, self.row = stack, row
        self.head = keras.layers.Dense(1, kernel_initializer="ones")

    def call(self, inputs, training=None):
        real = keras.ops.any(inputs != 0, axis=-1)
        x = inputs if self.row["batch_first"] else keras.ops.transpose(inputs, (1, 0, 2))
        outputs = self.stack(x, mask=real, training=training)
        first, *states = outputs if isinstance(outputs, tuple) else (outputs,)
        if self.row["return_sequences"]:
            first = keras.ops.mean(first, axis=1 if self.row["batch_first"] else 0)
        parts = [first, *(keras.ops.sum(state, axis=0) for state in states)]
        return self.head(keras.ops.concatenate(parts, axis=-1))


@pytest.mark.parametrize(
    "row",
    [
        pytest.param(row, id=f"{row['cell']}-{row['num_layers']}", marks=for_the_thorough_run(place))
        for place, row in enumerate(rows_of(OF_THE_STACK))
    ],
)
def test_stack(row):
    arguments = {name: value for name, value in row.items() if name != "cell"}
    data = {"mask": "right"}
    expected = train(lambda: StackModel(Stock(row), row), data, run_eagerly=ON_TENSORFLOW)
    actual = train(lambda: StackModel(keras_seq.layers.RecurrentStack(row["cell"], **arguments), row), data)
    assert_equal(actual, expected, None)
