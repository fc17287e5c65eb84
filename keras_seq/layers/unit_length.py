"""Vectors made of length 1."""

from __future__ import annotations

from typing import Any

import keras

from keras_seq.core.registration import register
from keras_seq.ops.similarity import unit_rows


@register
class UnitLength(keras.layers.Layer):
    """L2 normalization: divides each vector by its Euclidean length, so that the product of two is their cosine.

    As `keras.layers.UnitNormalization`, whose gradient at a zero vector is NaN under JAX: one text of padding alone
    would spoil every weight below. Here a zero vector stays zero, and its gradient is finite.

    Masking: none; a vector has no steps.

    Call arguments:
        inputs: `(..., features)`.

    Returns:
        The same shape. Numbers are computed in float32 at least.

    Example:
        >>> import numpy as np
        >>> from keras_seq.layers import UnitLength
        >>> np.asarray(UnitLength()(np.array([[3.0, 4.0], [0.0, 0.0]]))).astype(float).round(4).tolist()
        [[0.6, 0.8], [0.0, 0.0]]
    """

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.built = True

    def call(self, inputs: Any) -> Any:
        return unit_rows(inputs)

    def compute_output_shape(self, input_shape: Any) -> Any:
        return input_shape
