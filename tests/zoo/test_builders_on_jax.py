"""Every builder's model takes a step of `fit` on the second backend; `test_registry_wide.py` does more on the first."""

import keras
import numpy as np
import pytest

from keras_seq.zoo import list_builders, registered_builder

pytestmark = [
    pytest.mark.both_backends,
    pytest.mark.skipif(keras.backend.backend() != "jax", reason="the step on the second backend"),
]


@pytest.mark.parametrize("name", list_builders())
def test_a_step_of_fit(name):
    entry = registered_builder(name)
    model = entry.build(**entry.example)
    arrays = {
        symbol.name: np.ones((2, *((size or 3) for size in symbol.shape[1:] or [3])), symbol.dtype)
        for symbol in model.inputs
    }
    model.compile(loss=lambda y_true, y_pred: keras.ops.mean(keras.ops.square(keras.ops.tanh(y_pred))))
    history = model.fit(arrays, np.zeros((2, 3), "int32"), verbose=0)
    assert np.isfinite(history.history["loss"]).all()
