"""Whether a graph is traced to be served: then layers may take ways that no compiler and no gradient need."""

from __future__ import annotations

import contextlib
import contextvars
from collections.abc import Iterator

import keras

_SERVING = contextvars.ContextVar("serving", default=False)


@contextlib.contextmanager
def serving_graph() -> Iterator[None]:
    """Trace graphs that are to be served: on TensorFlow an LSTM then reads a few rows at a time in a single op, and
    `SubwordEmbedding` reads the vectors of real n-grams alone.

    Such a graph cannot be compiled by XLA; it gives the same numbers (to some 1e-6) in less time.

    Example:
        >>> import keras, tensorflow as tf
        >>> from keras_seq.layers import LSTM
        >>> from keras_seq.ops.serving import serving_graph
        >>> layer = LSTM(4)
        >>> with serving_graph():
        ...     graph = tf.function(layer).get_concrete_function(tf.TensorSpec((None, None, 3))).graph
    """
    token = _SERVING.set(True)
    try:
        yield
    finally:
        _SERVING.reset(token)


def is_serving_graph() -> bool:
    """Whether the code runs under `serving_graph`, on TensorFlow."""
    return _SERVING.get() and keras.backend.backend() == "tensorflow"
