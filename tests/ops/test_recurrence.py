import keras
import numpy as np
import pytest

from keras_seq.layers import GRU, LSTM, Bidirectional
from keras_seq.ops.serving import serving_graph

pytestmark = pytest.mark.skipif(keras.backend.backend() != "tensorflow", reason="graphs are exported from TensorFlow")

STEPS, FEATURES, UNITS = 7, 3, 4


def make_mask(kind, rows):
    lengths = np.array([7, 3, 0, 1, 5, 6, 2, 4])[:rows, None]
    steps = np.arange(STEPS)
    if kind == "right":
        return steps < lengths
    if kind == "left":
        return steps >= STEPS - lengths
    return np.random.default_rng(3).random((rows, STEPS)) < 0.5


def graph_of(call, *specs):
    import tensorflow as tf

    with serving_graph():
        return tf.function(call, autograph=False).get_concrete_function(*specs)


def op_types(graph):
    definition = graph.graph.as_graph_def()
    nodes = [*definition.node, *(node for function in definition.library.function for node in function.node_def)]
    return {node.op for node in nodes}


@pytest.mark.parametrize("rows", [1, 3, 8], ids=["one", "few", "many"])
@pytest.mark.parametrize("kind", [None, "right", "left", "holes"])
@pytest.mark.parametrize("settings", [{}, {"go_backwards": True, "use_bias": False}], ids=["forwards", "backwards"])
def test_a_graph_that_serves_gives_the_same_numbers(settings, kind, rows):
    """Few rows run in one op that knows no mask, many in the loop."""
    import tensorflow as tf

    generator = np.random.default_rng(1)
    layer = LSTM(UNITS, return_sequences=True, return_state=True, bias_initializer="random_normal", **settings)
    layer.build((None, None, FEATURES))
    x = generator.normal(size=(rows, STEPS, FEATURES)).astype("float32")
    state = [generator.normal(size=(rows, UNITS)).astype("float32") for _ in range(2)]
    mask = None if kind is None else make_mask(kind, rows)

    def call(x, h, c, mask=None):
        return layer(x, initial_state=[h, c], mask=mask)

    specs = [tf.TensorSpec((None, None, FEATURES)), *[tf.TensorSpec((None, UNITS))] * 2]
    specs += [] if mask is None else [tf.TensorSpec((None, None), tf.bool)]
    graph = graph_of(call, *specs)
    assert "BlockLSTMV2" in op_types(graph)
    given = [tf.constant(value) for value in (x, *state, *([] if mask is None else [mask]))]
    for actual, expected in zip(graph(*given), call(*given), strict=True):
        np.testing.assert_allclose(actual, expected, rtol=1e-5, atol=1e-6)


def test_no_steps_and_no_rows():
    import tensorflow as tf

    layer = LSTM(UNITS, return_sequences=True, return_state=True)
    layer.build((None, None, FEATURES))
    graph = graph_of(
        lambda x, mask: layer(x, mask=mask), tf.TensorSpec((None, None, FEATURES)), tf.TensorSpec((None, None), tf.bool)
    )
    for shape in [(2, 0), (0, 3), (1, 0)]:
        outputs, h, c = graph(tf.zeros((*shape, FEATURES)), tf.zeros(shape, tf.bool))
        assert outputs.shape == (*shape, UNITS)
        np.testing.assert_array_equal(h, np.zeros((shape[0], UNITS)))
        np.testing.assert_array_equal(c, np.zeros((shape[0], UNITS)))


def test_only_a_standard_lstm_in_a_serving_graph_is_one_op():
    import tensorflow as tf

    spec = tf.TensorSpec((None, None, FEATURES))
    for layer in (LSTM(UNITS, activation="relu"), LSTM(UNITS, dtype="float64"), GRU(UNITS)):
        layer.build((None, None, FEATURES))
        assert "BlockLSTMV2" not in op_types(graph_of(layer, spec))
    layer = Bidirectional(LSTM(UNITS))
    layer.build((None, None, FEATURES))
    assert "BlockLSTMV2" in op_types(graph_of(layer, spec))
    assert "BlockLSTMV2" not in op_types(tf.function(layer).get_concrete_function(spec))
