"""Files of models of SimpleRNN, GRU, LSTM and Bidirectional: of stock layers, of the other backend, exported graphs."""

import os
import subprocess
import sys

import keras
import numpy as np
import pytest

from keras_seq.layers import GRU, LSTM, Bidirectional, SimpleRNN

BACKEND = keras.backend.backend()
OTHER_BACKEND = {"tensorflow": "jax", "jax": "tensorflow"}[BACKEND]
STEPS, FEATURES = 5, 3


def random_array(shape, seed=0):
    return np.random.default_rng(seed).normal(size=shape, scale=0.7).astype("float32")


def make_inputs(rows=6, steps=STEPS, seed=0):
    """Padding of zeros on the right, on the left and in the middle; a row of padding alone."""
    inputs = random_array((rows, steps, FEATURES), seed)
    inputs[1, 2:] = inputs[2, :3] = inputs[3, 1:3] = inputs[4] = 0
    return inputs


def build_model(stock=False, **learned):
    """Every cell, in one direction and in two."""
    classes = [SimpleRNN, GRU, LSTM, Bidirectional]
    rnn, gru, lstm, both = [getattr(keras.layers, each.__name__) for each in classes] if stock else classes
    inputs = keras.Input((None, FEATURES), name="sequences")
    x = keras.layers.Masking()(inputs)
    x = rnn(4, activation="relu", return_sequences=True, **learned)(x)
    x = gru(4, return_sequences=True, **learned)(x)
    x = both(gru(3, reset_after=False, return_sequences=True), merge_mode="sum")(x)
    x = both(lstm(3, return_sequences=True, **learned))(x)
    return keras.Model(inputs, [x, lstm(2, go_backwards=True)(x)])


def with_random_weights(model):
    model.set_weights([random_array(weight.shape, 10 + i) for i, weight in enumerate(model.get_weights())])
    return model


def assert_close(actual, expected):
    for left, right in zip(actual, expected, strict=True):
        np.testing.assert_allclose(left, right, rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("direction", ["from-stock", "to-stock"])
def test_weights_files_fit_the_stock_layers(direction, tmp_path):
    models = [with_random_weights(build_model(stock=True)), build_model()]
    if direction == "to-stock":
        models = [with_random_weights(build_model()), build_model(stock=True)]
    source, target = models
    source.save_weights(tmp_path / "model.weights.h5")
    target.load_weights(tmp_path / "model.weights.h5")
    for loaded, saved in zip(target.get_weights(), source.get_weights(), strict=True):
        np.testing.assert_array_equal(loaded, saved)
    inputs = make_inputs()
    assert_close(target.predict(inputs, verbose=0), source.predict(inputs, verbose=0))


# Runs under the other backend; where that is JAX, without TensorFlow. Reads what this process saved, compares, and
# saves files of its own: the same model, and one that it trained.
PROGRAM = """
import sys
folder, backend = sys.argv[1:]
if backend == "jax":
    sys.modules["tensorflow"] = None  # any import of it now raises
import keras
import numpy as np
import keras_seq.layers

assert keras.backend.backend() == backend
arrays = np.load(f"{folder}/arrays.npz")
model = keras.saving.load_model(f"{folder}/model.keras")
bare = keras.models.model_from_json(open(f"{folder}/model.json").read())
bare.load_weights(f"{folder}/model.weights.h5")
for each in (model, bare):
    outputs = each.predict(arrays["inputs"], verbose=0)
    for name, output in zip(["sequences", "last"], outputs, strict=True):
        np.testing.assert_allclose(output, arrays[name], rtol=1e-5, atol=1e-5)
model.save(f"{folder}/back.keras")
model.save_weights(f"{folder}/back.weights.h5")

targets = [np.ones_like(output) for output in outputs]
before = model.get_weights()
model.compile(keras.optimizers.SGD(0.05), "mse")
losses = model.fit(arrays["inputs"], targets, batch_size=3, epochs=3, verbose=0).history["loss"]
assert losses[-1] < losses[0], losses
after = model.get_weights()
assert all((old != new).any() and np.isfinite(new).all() for old, new in zip(before, after, strict=True))
model.save(f"{folder}/trained.keras")
np.savez(f"{folder}/trained.npz", *model.predict(arrays["inputs"], verbose=0))
assert backend != "jax" or sys.modules["tensorflow"] is None
print("done on", keras.backend.backend())
"""


@pytest.mark.thorough
def test_files_move_between_backends(tmp_path):
    """There and back; and JAX reads, trains by `model.fit` and saves without TensorFlow."""
    model, inputs = with_random_weights(build_model(learn_initial_state=True)), make_inputs()
    sequences, last = model.predict(inputs, verbose=0)
    np.savez(tmp_path / "arrays.npz", inputs=inputs, sequences=sequences, last=last)
    model.save(tmp_path / "model.keras")
    model.save_weights(tmp_path / "model.weights.h5")
    (tmp_path / "model.json").write_text(model.to_json(), encoding="utf-8")
    result = subprocess.run(
        [sys.executable, "-c", PROGRAM, str(tmp_path), OTHER_BACKEND],
        env={**os.environ, "KERAS_BACKEND": OTHER_BACKEND, "JAX_PLATFORMS": "cpu"},
        capture_output=True,
        text=True,
        timeout=300,
    )
    assert result.returncode == 0, result.stderr[-3000:]
    assert f"done on {OTHER_BACKEND}" in result.stdout

    back = keras.saving.load_model(tmp_path / "back.keras")
    assert_close(back.predict(inputs, verbose=0), [sequences, last])
    bare = build_model(learn_initial_state=True)
    bare.load_weights(tmp_path / "back.weights.h5")
    assert_close(bare.predict(inputs, verbose=0), [sequences, last])
    trained = keras.saving.load_model(tmp_path / "trained.keras")
    arrays = np.load(tmp_path / "trained.npz")
    assert_close(trained.predict(inputs, verbose=0), [arrays[name] for name in arrays.files])


@pytest.mark.skipif(BACKEND != "tensorflow", reason="exports graphs of TensorFlow")
@pytest.mark.parametrize(
    "steps", [None, pytest.param(STEPS, marks=pytest.mark.thorough)], ids=["any-steps", "fixed-steps"]
)
def test_exported_graph_holds_stock_operations_alone(steps, tmp_path):
    """Also of a model whose compiled loops ran before; reloaded, it answers as the model, for any number of rows."""
    import tensorflow as tf
    from tensorflow.core.protobuf import saved_model_pb2
    from tensorflow.python.framework import op_def_registry

    model = with_random_weights(build_model(learn_initial_state=True))
    tf.function(model)(tf.constant(make_inputs()), training=True)
    module = tf.Module()
    module.model = model
    spec = tf.TensorSpec((None, steps, FEATURES), name="sequences")
    module.serve = tf.function(lambda sequences: model(sequences, training=False), input_signature=[spec])
    tf.saved_model.save(module, str(tmp_path))

    saved = saved_model_pb2.SavedModel.FromString((tmp_path / "saved_model.pb").read_bytes())
    operations = set()
    for graph in [meta.graph_def for meta in saved.meta_graphs]:
        names = {function.signature.name for function in graph.library.function}
        for function in graph.library.function:
            assert not function.attr["_XlaMustCompile"].b, f"{function.signature.name} must be compiled"
        nodes = [*graph.node, *(node for function in graph.library.function for node in function.node_def)]
        for node in nodes:
            assert not node.attr["_XlaMustCompile"].b, f"{node.name} must be compiled"
        operations |= {node.op for node in nodes} - names
    assert {"MatMul", "Tanh", "Sigmoid", "Relu"} <= operations, "the scan has missed the loops"
    assert {"While", "StatelessWhile"} & operations
    foreign = [name for name in operations if name.startswith(("Cudnn", "Xla", "PyFunc", "EagerPyFunc"))]
    assert not foreign
    assert all(op_def_registry.get(name) is not None for name in operations)

    revived = tf.saved_model.load(str(tmp_path))
    for rows, length in [(6, STEPS), (9, STEPS if steps else 8)]:
        inputs = make_inputs(rows, length, seed=rows)
        for left, right in zip(revived.serve(tf.constant(inputs)), model(inputs, training=False), strict=True):
            np.testing.assert_allclose(left, right, rtol=1e-6, atol=1e-6)
