"""What is used of Keras' private names, each asked for what it is used for: a release that renames one fails here."""

import keras
import numpy as np
import pytest
from keras import ops

from keras_seq.core.keras_compat import (
    adam_moments,
    build_training_state,
    get_keras_mask,
    set_direction,
    set_keras_mask,
    trained_variables,
)
from keras_seq.training.fit_recipe import OptimizerSection
from keras_seq.training.optimizers import build_optimizer

pytestmark = pytest.mark.both_backends


def test_a_mask_comes_with_what_a_layer_puts_out():
    outputs = keras.layers.Masking()(ops.convert_to_tensor(np.array([[[1.0], [0.0]]], "float32")))
    assert ops.convert_to_numpy(get_keras_mask(outputs)).tolist() == [[True, False]]


def test_a_layer_is_called_with_the_mask_that_was_set():
    sequences = ops.convert_to_tensor(np.array([[[1.0], [3.0]]], "float32"))
    assert get_keras_mask(sequences) is None
    set_keras_mask(sequences, ops.convert_to_tensor(np.array([[False, True]])))
    assert float(keras.layers.GlobalAveragePooling1D()(sequences)[0, 0]) == 3


@pytest.mark.parametrize(("direction", "kept"), [("up", 1), ("down", 0)])
def test_callbacks_hear_what_is_better(direction, kept):
    """Two epochs of falling error: the weights of the one with the better value are restored."""
    metric = keras.metrics.MeanMetricWrapper(lambda y_true, y_pred: y_pred[:, 0], name="prediction")
    set_direction(metric, direction)
    model = keras.Sequential([keras.Input((1,)), keras.layers.Dense(1, use_bias=False, kernel_initializer="zeros")])
    model.compile("sgd", loss="mse", metrics=[metric])
    watch = keras.callbacks.EarlyStopping(monitor="prediction", patience=5, restore_best_weights=True)
    model.fit(np.ones((2, 1)), np.ones((2, 1)), epochs=2, verbose=0, callbacks=[watch])
    assert watch.best_epoch == kept


def test_all_variables_of_a_training_are_made_and_nothing_is_computed():
    model = keras.Sequential([keras.Input((2,)), keras.layers.Dropout(0.5, seed=1), keras.layers.Dense(1)])
    model.compile("adam", loss="mse", metrics=["mae"])
    before = model.get_weights(), [np.array(variable) for variable in model.non_trainable_variables]
    build_training_state(model, (np.ones((3, 2), "float32"), np.ones((3, 1), "float32")))
    made = len(model.optimizer.variables), len(model.metrics_variables)
    assert made[0] > 2
    assert all(not np.any(ops.convert_to_numpy(variable)) for variable in model.metrics_variables)
    for arrays, now in zip(before, (model.get_weights(), model.non_trainable_variables), strict=True):
        for array, other in zip(arrays, now, strict=True):
            np.testing.assert_array_equal(array, ops.convert_to_numpy(other))
    model.fit(np.ones((3, 2)), np.ones((3, 1)), verbose=0)
    assert (len(model.optimizer.variables), len(model.metrics_variables)) == made


@pytest.mark.parametrize("name", ["Adam", "AdamW"])
def test_the_moments_of_a_variable(name):
    first, second = (keras.Variable(np.zeros(2, "float32")) for _ in range(2))
    optimizer = getattr(keras.optimizers, name)(beta_1=0.75, beta_2=0.5)
    gradients = [ops.convert_to_tensor(np.array(values, "float32")) for values in ([1.0, 1.0], [4.0, -2.0])]
    optimizer.apply(gradients, [first, second])
    momentum, velocity = adam_moments(optimizer, second)
    np.testing.assert_allclose(ops.convert_to_numpy(momentum), [1.0, -0.5])
    np.testing.assert_allclose(ops.convert_to_numpy(velocity), [8.0, 2.0])


def test_an_optimizer_keeps_what_it_trains_beside_its_own_variables():
    variable = keras.Variable(np.zeros(2, "float32"))
    optimizer = build_optimizer(OptimizerSection(ema=0.9), 10)
    optimizer.build([variable])
    assert [each is variable for each in trained_variables(optimizer)] == [True]
    assert all(each is not variable for each in optimizer.variables)
