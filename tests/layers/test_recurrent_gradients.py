"""Training SimpleRNN, GRU, LSTM and Bidirectional: gradients, in every way the loop over time is traced.

With `training=True` TensorFlow compiles the loop and cuts the batch into parts, one per core; an open number of steps
is rounded up first. At prediction the loop is made of stock operations. Each must give the gradients of the stock
layer, which autodiff computes.
"""

import keras
import numpy as np
import pytest
from keras import ops

from keras_seq.layers import GRU, LSTM, Bidirectional, SimpleRNN

ON_TENSORFLOW = keras.backend.backend() == "tensorflow"
DTYPE, TOLERANCE = ("float64", 1e-9) if ON_TENSORFLOW else ("float32", 1e-5)
STEPS, FEATURES, UNITS, ROWS = 4, 3, 2, 17

only_tensorflow = pytest.mark.skipif(not ON_TENSORFLOW, reason="about graphs of TensorFlow")

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


@pytest.fixture(autouse=True)
def two_cores(monkeypatch):
    """On any machine the batch of 17 rows is cut into parts of 9 and 8, and each direction of two has one part."""
    if ON_TENSORFLOW:
        from keras_seq.ops import recurrence_tensorflow

        assert ROWS // recurrence_tensorflow.MIN_ROWS == 2
        monkeypatch.setattr(recurrence_tensorflow, "_cores", lambda: 2)


def random_array(shape, seed=0, dtype=DTYPE):
    return np.random.default_rng(seed).normal(size=shape, scale=0.7).astype(dtype)


def make_mask(rows=ROWS):
    """Rows with padding on the right, on the left, with holes, without padding, and without a real step."""
    mask = np.ones((rows, STEPS), bool)
    for row in range(rows):
        real = [4, 2, 0, 3, 1][row % 5]
        order = [np.arange(STEPS), np.arange(STEPS)[::-1], np.random.default_rng(row).permutation(STEPS)][row // 5 % 3]
        mask[row, order[real:]] = False
    return mask


def make_mask_beside_states():
    """On JAX the stock layers show an initial state at leading padding, where on TensorFlow they, and ours on either,
    show zeros: there padding stands between real steps alone."""
    mask = make_mask()
    if not ON_TENSORFLOW:
        mask[:, [0, -1]] = True
    return mask


def make_layer(case, stock=False, both=False, dtype=DTYPE, **arguments):
    layer_class, options = CASES[case]
    arguments = {"return_sequences": True, "return_state": True, "dtype": dtype, **options, **arguments}
    if not stock:
        layer = layer_class(UNITS, **arguments)
        return Bidirectional(layer, dtype=dtype) if both else layer
    if layer_class is not SimpleRNN:
        arguments["use_cudnn"] = False
    layer = getattr(keras.layers, layer_class.__name__)(UNITS, **arguments)
    return keras.layers.Bidirectional(layer, dtype=dtype) if both else layer


def make_pair(case, **arguments):
    """The layer and the stock one, with the same random weights."""
    layer, stock = make_layer(case, **arguments), make_layer(case, stock=True, **arguments)
    for each in (layer, stock):
        each.build((None, None, FEATURES))
    stock.set_weights([random_array(weight.shape, 50 + i) for i, weight in enumerate(stock.get_weights())])
    layer.set_weights(stock.get_weights())
    return layer, stock


def random_states(case, both=False, rows=ROWS, dtype=DTYPE):
    count = (2 if CASES[case][0] is LSTM else 1) * (2 if both else 1)
    return [random_array((rows, UNITS), 8 + k, dtype) for k in range(count)]


def differentiated(layer, training=False, **graph):
    """A function of inputs, mask and initial states giving the outputs, and the derivatives of a weighted sum of all of
    them with regard to the inputs, each weight, and each state. On TensorFlow it is a `tf.function` in training, or if
    arguments of one are given."""

    def total(outputs):
        # Every number of an output has a weight of its own, the same for each number of rows.
        weights = [
            random_array(
                (ROWS, *[STEPS] * (len(output.shape) - 2), output.shape[-1]),
                20 + i,
                keras.backend.standardize_dtype(output.dtype),
            )
            for i, output in enumerate(outputs)
        ]
        return sum(
            ops.sum(output * ops.convert_to_tensor(weight)[: ops.shape(output)[0]])
            for output, weight in zip(outputs, weights, strict=True)
        )

    def call(inputs, mask, states):
        arguments = {} if states is None else {"initial_state": list(states)}
        return keras.tree.flatten(layer(inputs, mask=mask, training=training, **arguments))

    if ON_TENSORFLOW:
        import tensorflow as tf

        def compute(inputs, mask, states):
            with tf.GradientTape() as tape:
                tape.watch([inputs, *(states or ())])
                outputs = call(inputs, mask, states)
                result = total(outputs)
            sources = [inputs, *(weight.value for weight in layer.trainable_weights), *(states or ())]
            return outputs, tape.gradient(result, sources)

        return tf.function(compute, **graph) if training or graph else compute

    import jax

    def compute(inputs, mask, states):
        def of_arrays(inputs, values, states):
            with keras.StatelessScope(zip(layer.trainable_weights, values, strict=True)):
                outputs = call(inputs, mask, states)
            return total(outputs), outputs

        values = [weight.value for weight in layer.trainable_weights]
        (_, outputs), parts = jax.value_and_grad(of_arrays, argnums=(0, 1, 2), has_aux=True)(inputs, values, states)
        return outputs, jax.tree.leaves(parts)

    return compute


def tensors(inputs, mask, states):
    def tensor(array):
        return None if array is None else ops.convert_to_tensor(array)

    return tensor(inputs), tensor(mask), None if states is None else [tensor(state) for state in states]


def evaluate(compute, inputs, mask=None, states=None):
    """NumPy arrays of the outputs and of the derivatives."""
    outputs, parts = compute(*tensors(inputs, mask, states))
    return [ops.convert_to_numpy(part) for part in outputs], [ops.convert_to_numpy(part) for part in parts]


def assert_close(actual, expected, tolerance):
    """The difference, relative to the greatest number of each array (but at least 1), is within the tolerance."""
    assert len(actual) == len(expected)
    for left, right in zip(actual, expected, strict=True):
        assert left.shape == right.shape
        scale = max(1.0, np.abs(right).max(initial=0.0))
        np.testing.assert_allclose(left / scale, right / scale, rtol=0, atol=tolerance)


def assert_equal(ours, stocks, tolerance=TOLERANCE):
    for actual, expected in zip(ours, stocks, strict=True):
        assert_close(actual, expected, tolerance)


@pytest.mark.parametrize(
    "arguments",
    [
        {},
        {"go_backwards": True, "use_bias": False},
        pytest.param({"both": True}, marks=pytest.mark.thorough),
        pytest.param({"both": True, "use_bias": False}, marks=pytest.mark.thorough),
    ],
    ids=["one", "backwards", "both", "both-no-bias"],
)
@pytest.mark.parametrize("case", CASES)
def test_plain_loop(case, arguments):
    """`training=False`: what the way back needs is computed again."""
    layer, stock = make_pair(case, **arguments)
    inputs, states = random_array((ROWS, STEPS, FEATURES)), random_states(case, arguments.get("both", False))
    for given in (None, states):
        for mask in (None, make_mask() if given is None else make_mask_beside_states()):
            assert_equal(
                evaluate(differentiated(layer), inputs, mask, given),
                evaluate(differentiated(stock), inputs, mask, given),
            )


@pytest.mark.both_backends("rnn-arguments0", "gru-arguments5", "gru-reset-before-arguments3", "lstm-arguments4")
@pytest.mark.parametrize(
    ("case", "arguments"),
    [
        *((case, {}) for case in CELLS),
        ("gru", {"go_backwards": True, "use_bias": False}),
        ("lstm", {"return_sequences": False, "return_state": False}),
        # The fused cases of test_constructor_arguments wrap layers in both directions, too.
        *(pytest.param(case, {"both": True}, marks=pytest.mark.thorough) for case in CASES),
    ],
)
def test_compiled_loop(case, arguments):
    """`training=True`: one direction runs in two parts, two directions in one each."""
    layer, stock = make_pair(case, **arguments)
    inputs, states = random_array((ROWS, STEPS, FEATURES)), random_states(case, arguments.get("both", False))
    for mask, given in [
        (make_mask_beside_states(), states),
        (make_mask(), None),
        *([(None, states)] if case == "lstm" and not arguments else []),
    ]:
        assert_equal(
            evaluate(differentiated(layer, True), inputs, mask, given),
            evaluate(differentiated(stock), inputs, mask, given),
        )


@pytest.mark.both_backends("lstm-compiled")
@pytest.mark.parametrize("training", [False, True], ids=["plain", "compiled"])
@pytest.mark.parametrize("case", CELLS)
def test_learned_initial_state(case, training):
    """Its derivative is the sum over rows of that of a state that is given."""
    layer, stock = make_layer(case, learn_initial_state=True), make_layer(case, stock=True)
    for each in (layer, stock):
        each.build((None, None, FEATURES))
    layer.set_weights([random_array(weight.shape, 50 + i) for i, weight in enumerate(layer.get_weights())])
    count = len(random_states(case))
    learned = layer.get_weights()[:count]
    stock.set_weights(layer.get_weights()[count:])
    inputs, mask = random_array((ROWS, STEPS, FEATURES)), make_mask_beside_states()
    outputs, (d_inputs, *d_weights) = evaluate(differentiated(layer, training), inputs, mask)
    expected, (d_inputs_of_stock, *d_others) = evaluate(
        differentiated(stock), inputs, mask, [np.tile(state, (ROWS, 1)) for state in learned]
    )
    d_learned = [derivative.sum(axis=0) for derivative in d_others[-count:]]
    assert_close(outputs, expected, TOLERANCE)
    assert_close([d_inputs, *d_weights], [d_inputs_of_stock, *d_learned, *d_others[:-count]], TOLERANCE)


@only_tensorflow
@pytest.mark.parametrize("case", ["gru", "lstm"])
def test_training_under_an_eager_tape(case):
    """As in a training loop of one's own, or with `run_eagerly=True`."""
    layer, stock = make_pair(case)
    inputs, mask, states = random_array((ROWS, STEPS, FEATURES)), make_mask(), random_states(case)
    eager = differentiated(layer, True).python_function
    assert_equal(evaluate(eager, inputs, mask, states), evaluate(differentiated(stock), inputs, mask, states))


@only_tensorflow
@pytest.mark.parametrize(("case", "both"), [pytest.param("lstm", False, marks=pytest.mark.thorough), ("rnn", True)])
def test_any_number_of_rows_in_one_graph(case, both):
    """The batch is open: 17 rows are parts of 9 and 8; 5 rows of 3 and 2; 1 row of 1 and none."""
    import tensorflow as tf

    from keras_seq.ops import recurrence_tensorflow

    layer, stock = make_pair(case, both=both, dtype="float32")
    spec = [
        tf.TensorSpec((None, STEPS, FEATURES)),
        tf.TensorSpec((None, STEPS), tf.bool),
        [tf.TensorSpec((None, UNITS)) for _ in random_states(case, both)],
    ]
    graph = differentiated(layer, True, input_signature=spec)
    for rows in (ROWS, 1, recurrence_tensorflow.MIN_ROWS - 3, 0):
        inputs, mask = random_array((rows, STEPS, FEATURES), dtype="float32"), make_mask(rows)
        states = random_states(case, both, rows, "float32")
        if not rows:
            outputs, parts = evaluate(graph, inputs, mask, states)
            assert outputs[0].shape == (0, STEPS, 2 * UNITS if both else UNITS)
            assert all((part == 0).all() for part in parts)
            continue
        assert_equal(evaluate(graph, inputs, mask, states), evaluate(differentiated(stock), inputs, mask, states), 1e-5)


@only_tensorflow
@pytest.mark.parametrize("rows", [1, 5, 16])
def test_few_rows(rows):
    """The number of rows is known: below `MIN_ROWS` there is one part, and 16 rows are cut evenly."""
    layer, stock = make_pair("lstm")
    inputs, mask = random_array((rows, STEPS, FEATURES)), make_mask(rows)
    assert_equal(evaluate(differentiated(layer, True), inputs, mask), evaluate(differentiated(stock), inputs, mask))


@only_tensorflow
@pytest.mark.parametrize(
    ("case", "training", "rounded_to"),
    [
        ("lstm", True, 6),
        *(pytest.param(case, True, 6, marks=pytest.mark.thorough) for case in CELLS if case != "lstm"),
        ("gru", True, 4),
        ("lstm", True, None),
        ("gru", False, None),
    ],
)
def test_any_number_of_steps_in_one_graph(case, training, rounded_to, monkeypatch):
    """Four steps, rounded up to six or to four; loops of few units are not compiled where the number is open."""
    import tensorflow as tf

    from keras_seq.ops import recurrence_tensorflow

    assert UNITS < recurrence_tensorflow.MIN_UNITS
    if rounded_to:
        monkeypatch.setattr(recurrence_tensorflow, "MIN_UNITS", UNITS)
        monkeypatch.setattr(recurrence_tensorflow, "STEPS_ROUNDED_TO", rounded_to)
    layer, stock = make_pair(case, both=True, dtype="float32")
    states = random_states(case, both=True, dtype="float32")
    spec = [
        tf.TensorSpec((None, None, FEATURES)),
        tf.TensorSpec((None, None), tf.bool),
        [tf.TensorSpec((None, UNITS)) for _ in states],
    ]
    graph = differentiated(layer, training, input_signature=spec)
    inputs, mask = random_array((ROWS, STEPS, FEATURES), dtype="float32"), make_mask()
    assert_equal(evaluate(graph, inputs, mask, states), evaluate(differentiated(stock), inputs, mask, states), 1e-5)
    functions = graph.get_concrete_function().graph.as_graph_def().library.function
    assert any(function.attr["_XlaMustCompile"].b for function in functions) is bool(rounded_to)


@only_tensorflow
def test_a_batch_without_steps_changes_nothing(monkeypatch):
    import tensorflow as tf

    from keras_seq.ops import recurrence_tensorflow

    monkeypatch.setattr(recurrence_tensorflow, "MIN_UNITS", UNITS)
    layer = LSTM(UNITS, return_state=True)
    layer.build((None, None, FEATURES))

    @tf.function(input_signature=[tf.TensorSpec((None, None, FEATURES)), tf.TensorSpec((None, None), tf.bool)])
    def compute(inputs, mask):
        with tf.GradientTape() as tape:
            outputs = layer(inputs, mask=mask, training=True)
            total = sum(tf.reduce_sum(output) for output in outputs)
        return outputs, tape.gradient(total, [variable.value for variable in layer.trainable_variables])

    for array in keras.tree.flatten(compute(np.zeros((ROWS, 0, FEATURES), "float32"), np.zeros((ROWS, 0), bool))):
        np.testing.assert_array_equal(array, 0)


@only_tensorflow
def test_open_steps_without_a_mask_are_not_rounded(monkeypatch):
    import tensorflow as tf

    from keras_seq.ops import recurrence_tensorflow

    monkeypatch.setattr(recurrence_tensorflow, "MIN_UNITS", UNITS)
    monkeypatch.setattr(recurrence_tensorflow, "STEPS_ROUNDED_TO", 3)
    layer, stock = make_pair("gru", dtype="float32")
    inputs = random_array((ROWS, STEPS, FEATURES), dtype="float32")
    compute = differentiated(layer, True).python_function
    graph = tf.function(lambda x, *_: compute(x, None, None), input_signature=[tf.TensorSpec((None, None, FEATURES))])
    assert_equal(evaluate(lambda x, *_: graph(x), inputs, None), evaluate(differentiated(stock), inputs, None), 1e-5)


@only_tensorflow
@pytest.mark.parametrize(("case", "training"), [("gru", True), ("lstm", True), ("gru", False)])
def test_inside_a_compiled_function(case, training):
    layer, stock = make_pair(case, dtype="float32")
    graph = differentiated(layer, training, jit_compile=True)
    inputs, mask = random_array((ROWS, STEPS, FEATURES), dtype="float32"), make_mask()
    states = random_states(case, dtype="float32")
    assert_equal(evaluate(graph, inputs, mask, states), evaluate(differentiated(stock), inputs, mask, states), 1e-5)


@pytest.mark.both_backends("gru")
@pytest.mark.parametrize("case", CELLS)
def test_rows_without_a_real_step(case):
    """They give zeros, pass the derivatives of the final states on to the initial ones, and move no weight."""
    layer, _ = make_pair(case)
    inputs, states = random_array((ROWS, STEPS, FEATURES)), random_states(case)
    outputs, (d_inputs, *d_others) = evaluate(
        differentiated(layer, True), inputs, np.zeros((ROWS, STEPS), bool), states
    )
    assert (outputs[0] == 0).all()
    d_weights, d_states = d_others[: -len(states)], d_others[-len(states) :]
    assert all((part == 0).all() for part in [d_inputs, *d_weights])
    for k, (state, after, derivative) in enumerate(zip(states, outputs[1:], d_states, strict=True)):
        np.testing.assert_array_equal(after, state)
        np.testing.assert_array_equal(derivative, random_array(state.shape, 21 + k))


def build_model(dtype):
    """Every cell, over sequences padded with zeros."""
    keras.utils.set_random_seed(3)
    # The usual orthogonal matrices cannot be drawn in bfloat16.
    options = {"dtype": dtype, "recurrent_initializer": "glorot_uniform"}
    inputs = keras.Input((STEPS, FEATURES))
    x = keras.layers.Masking()(inputs)
    x = SimpleRNN(4, activation="relu", return_sequences=True, **options)(x)
    x = GRU(4, reset_after=dtype.startswith("mixed"), return_sequences=True, **options)(x)
    x = Bidirectional(LSTM(4, learn_initial_state=True, **options), dtype=dtype)(x)
    return keras.Model(inputs, keras.layers.Dense(1, dtype=dtype)(x))


def make_examples(rows=34):
    inputs = random_array((rows, STEPS, FEATURES), dtype="float32")
    inputs[~make_mask(rows)] = 0
    return inputs, inputs.sum(axis=(1, 2))[:, None] > 0


def train(model, jit_compile, rate=0.5, epochs=6):
    inputs, labels = make_examples()
    model.compile(
        keras.optimizers.SGD(rate, momentum=0.5),
        keras.losses.BinaryCrossentropy(from_logits=True),
        jit_compile=jit_compile,
    )
    return model.fit(inputs, labels.astype("float32"), batch_size=17, epochs=epochs, shuffle=False, verbose=0).history


@pytest.mark.parametrize(
    ("dtype", "jit_compile"),
    [
        ("mixed_float16", False),
        *(
            pytest.param(name, jit_compile, marks=pytest.mark.thorough)
            for name, jit_compile in [
                ("mixed_float16", True),
                ("mixed_bfloat16", False),
                ("float16", False),
                ("bfloat16", False),
            ]
        ),
    ],
)
def test_low_precision(dtype, jit_compile):
    model = build_model(dtype)
    losses = train(model, jit_compile)["loss"]
    assert losses[-1] < 0.97 * losses[0], losses
    assert all(np.isfinite(np.asarray(weight, "float32")).all() for weight in model.get_weights())
    held = {weight.dtype for layer in model.layers[2:-1] for weight in layer.trainable_weights}
    assert held == {"float32" if dtype.startswith("mixed") else dtype}


@pytest.mark.both_backends
def test_training_twice_gives_the_same_bits():
    runs = []
    for _ in range(2):
        keras.utils.set_random_seed(3)
        model = keras.Sequential(
            [keras.Input((STEPS, FEATURES)), keras.layers.Masking(), LSTM(4), keras.layers.Dense(1)]
        )
        before = model.get_weights()
        train(model, jit_compile=False, epochs=2)
        runs.append(model.get_weights())
        assert all((old != new).any() for old, new in zip(before, runs[-1], strict=True)), "a weight never moved"
    for one, other in zip(*runs, strict=True):
        np.testing.assert_array_equal(one, other)
