"""Every private name of Keras that this package uses, behind functions of its own.

Keras may rename these in any release: `tests/core/test_keras_compat.py` asks each of them for what it is used for, and
`pyproject.toml` bounds the releases of Keras to those that passed. No other module imports from `keras.src` or reads an
underscored attribute of a Keras object (`tests/core/test_private_names.py`).
"""

from __future__ import annotations

from typing import Any

import keras

# Under JAX the mask of a traced tensor is no attribute of that tensor, so that `_keras_mask` would not do.
from keras.src import backend


def get_keras_mask(tensor: Any) -> Any:
    """The Keras mask that comes with a tensor, `(batch, steps)` boolean, or `None`.

    A layer gets it as its argument `mask`; a loss or a metric has to ask for it.
    """
    return backend.get_keras_mask(tensor)


def set_keras_mask(tensor: Any, mask: Any) -> None:
    """Give a tensor the Keras mask with which a layer would have put it out."""
    backend.set_keras_mask(tensor, mask)


def set_direction(metric: keras.metrics.Metric, direction: str) -> None:
    """Say whether more or less of a metric is better, for callbacks with `mode="auto"`.

    Without it `EarlyStopping` and `ModelCheckpoint` refuse to watch a metric whose name they do not know.

    Args:
        metric: The metric.
        direction: `"up"` or `"down"`.
    """
    metric._direction = direction


def build_training_state(model: keras.Model, batch: tuple[Any, ...]) -> None:
    """Make the variables of optimizer, loss and metrics now, which Keras makes when `fit` sees its first batch.

    A checkpoint is restored into them. Nothing is computed, and no random number is drawn.

    Args:
        model: A compiled model.
        batch: `(inputs, labels)`, of which shapes and dtypes are read.
    """
    model._symbolic_build(data_batch=batch)


def adam_moments(optimizer: keras.optimizers.Adam, variable: keras.Variable) -> tuple[keras.Variable, keras.Variable]:
    """The running means of the gradient of a variable and of its square, as a built `Adam` keeps them."""
    place = optimizer._get_variable_index(variable)
    return optimizer._momentums[place], optimizer._velocities[place]


def trained_variables(optimizer: keras.optimizers.Optimizer) -> list[keras.Variable]:
    """The variables that a built optimizer trains.

    A list of them as an attribute would be tracked: as variables of the optimizer, which JAX is then given twice.
    """
    return optimizer._trainable_variables
