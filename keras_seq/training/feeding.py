"""How batches of arrays come into `model.fit`, on each backend."""

import itertools
from collections.abc import Iterable, Iterator
from typing import Any, Protocol

import keras
import numpy as np

from keras_seq.core.errors import RunError
from keras_seq.training.callbacks import Position


class Batches(Protocol):
    """Training data whose order is a pure function of its seed and the epoch."""

    def __len__(self) -> int:
        """Batches of one epoch."""

    def epoch(self, epoch: int, skip: int = 0) -> Iterable[Any]:
        """The `(inputs, labels)` batches of an epoch, NumPy arrays or a `tf.data.Dataset`, without the first `skip`."""


def first_batch(batches: Batches) -> tuple[Any, Any]:
    """The first batch of the first epoch.

    Raises:
        RunError: if there is none.
    """
    for inputs, labels in batches.epoch(0):
        return inputs, labels
    raise RunError("the training data makes no batch; add sentences")


def as_dataset(model: keras.Model, batches: Any) -> Any:
    """What `model.fit` takes: under TensorFlow a dataset whose shapes leave batch and steps open."""
    if keras.backend.backend() != "tensorflow" or hasattr(batches, "element_spec"):
        return iter(batches) if not hasattr(batches, "element_spec") else batches
    # Only this backend needs it, and has it loaded already.
    import tensorflow as tf

    iterator = iter(batches)
    first = next(iterator)
    signature = keras.tree.map_structure(lambda array: _open_spec(tf, array), first)
    inputs, labels = signature
    signature = (_like_model_inputs(tf, model, inputs), labels)
    dataset = tf.data.Dataset.from_generator(lambda: itertools.chain([first], iterator), output_signature=signature)
    # There is nothing to tune, and the end of an epoch would wait for the tuner to wake: it sleeps twice as long each
    # time, so that an epoch may take up to twice its time.
    options = tf.data.Options()
    options.autotune.enabled = False
    return dataset.prefetch(4).with_options(options)


def counted(batches: Iterable[Any], position: Position) -> Iterable[Any]:
    """The same batches, of which `position` counts the tokens, or rows, that were fetched, where they are arrays."""
    return batches if hasattr(batches, "element_spec") else _count(iter(batches), position)


def _count(batches: Iterator[Any], position: Position) -> Iterator[Any]:
    for inputs, labels in batches:
        labels_array = labels if isinstance(labels, np.ndarray) else keras.tree.flatten(labels)[0]
        if labels_array.ndim > 1 and np.issubdtype(labels_array.dtype, np.integer):
            position.unit = "tokens"
            position.units += int(np.count_nonzero(labels_array >= 0))
        else:
            position.unit = "rows"
            position.units += len(labels_array)
        yield inputs, labels


def _open_spec(tf: Any, array: Any) -> Any:
    array = np.asarray(array)
    shape = [None if axis < 2 else size for axis, size in enumerate(array.shape)]
    return tf.TensorSpec(shape, array.dtype)


def _like_model_inputs(tf: Any, model: keras.Model, inputs: Any) -> Any:
    """Take the shapes that the model declares for its inputs: they say which axes are fixed."""
    declared = {tensor.name: tensor.shape for tensor in getattr(model, "inputs", None) or []}
    if isinstance(inputs, dict):
        return {name: tf.TensorSpec(declared.get(name, spec.shape), spec.dtype) for name, spec in inputs.items()}
    if isinstance(inputs, tf.TensorSpec) and len(declared) == 1:
        return tf.TensorSpec(next(iter(declared.values())), inputs.dtype)
    return inputs
