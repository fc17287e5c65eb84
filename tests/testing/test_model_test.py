"""The harness itself: it passes a good builder and catches each kind of broken one."""

import keras
import numpy as np
import pytest

from keras_seq.testing import run_model_test
from keras_seq.testing.padding import PLACES

TOKEN_IDS = np.array([[2, 3, 1], [3, 3, 2]], "int32")
TARGETS = np.array([[0, 1, 0], [1, 1, 0]], "int32")
SHARED = []


@keras.saving.register_keras_serializable(package="keras_seq_tests")
def masked_loss(y_true, y_pred):
    ops = keras.ops
    real = ops.cast(y_true >= 0, y_pred.dtype)
    log_probabilities = ops.log_softmax(y_pred)
    chosen = ops.take_along_axis(log_probabilities, ops.expand_dims(ops.maximum(y_true, 0), -1), axis=-1)
    return -ops.sum(ops.squeeze(chosen, -1) * real) / ops.maximum(ops.sum(real), 1)


def token_model(num_tags, name="token_ids", compiled=False, share=False, pool=False, neighbours=False, rows=False):
    if share and SHARED:
        return SHARED[0]
    token_ids = keras.Input(shape=(None,), dtype="int32", name=name)
    hidden = keras.layers.Embedding(5, 4)(token_ids)
    if pool:
        hidden = hidden + keras.ops.mean(hidden, axis=1, keepdims=True)
    if neighbours:
        hidden = hidden * keras.ops.cast(token_ids != 0, "float32")[..., None]
        hidden = hidden + keras.ops.pad(hidden, [[0, 0], [1, 0], [0, 0]])[:, :-1]
    if rows:
        hidden = hidden + 0 * keras.ops.take(hidden, np.array([0]), axis=0)  # Is there a first one?
    model = keras.Model(token_ids, keras.layers.Dense(num_tags)(hidden))
    if compiled:
        model.compile(loss="mse")
    if share:
        SHARED.append(model)
    return model


def run(padding=PLACES, **arguments):
    return run_model_test(
        token_model,
        arguments={"num_tags": 2, **arguments},
        inputs={"token_ids": TOKEN_IDS},
        targets=TARGETS,
        loss=masked_loss,
        expected_output_shape=(2, 3, 2),
        padding=padding,
    )


def test_good_builder_passes():
    assert run().compiled


def test_padding_stands_where_the_model_takes_it():
    assert run(padding=("left", "right"), neighbours=True).compiled


def biased_model(pool=False):
    """A tag of every token, given one vector of its row, which has no steps."""
    inputs = {"token_ids": keras.Input((None,), dtype="int32", name="token_ids"), "row": keras.Input((4,), name="row")}
    hidden = keras.layers.Embedding(5, 4)(inputs["token_ids"])
    if pool:
        hidden = hidden + keras.ops.mean(hidden, axis=1, keepdims=True)
    hidden = hidden * keras.layers.Reshape((1, 4))(inputs["row"])
    return keras.Model(inputs, keras.layers.Dense(2)(hidden))


@pytest.mark.parametrize("pool", [False, True])
def test_an_input_without_steps_is_neither_lengthened_nor_padded(pool):
    arguments = {
        "arguments": {"pool": pool},
        "inputs": {"token_ids": TOKEN_IDS, "row": np.random.default_rng(0).normal(size=(2, 4)).astype("float32")},
        "targets": TARGETS,
        "loss": masked_loss,
        "fixed_inputs": ["row"],
    }
    if not pool:
        run_model_test(biased_model, **arguments)
        return
    with pytest.raises(AssertionError, match="the real steps changed"):
        run_model_test(biased_model, **arguments)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"name": "words"}, "expected \\['token_ids'\\]"),
        ({"compiled": True}, "is compiled"),
        ({"share": True}, "share weights"),
        ({"pool": True}, "the real steps changed"),
        ({"num_tags": 3}, "outputs have the shapes"),
        ({"neighbours": True}, "holes: the real steps changed"),
        ({"rows": True}, "a batch of no rows is refused, which exports must take"),
    ],
)
def test_broken_builder_is_caught(arguments, message):
    with pytest.raises(AssertionError, match=message):
        run(**arguments)
