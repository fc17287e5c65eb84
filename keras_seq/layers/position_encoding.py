"""Where in its sequence a vector stands."""

from __future__ import annotations

from typing import Any

import keras
from keras import ops

from keras_seq.core.checks import check_boolean, check_positive_number
from keras_seq.core.registration import register
from keras_seq.layers.step_pooling import check_sequences_shape
from keras_seq.ops.pooling import real_positions, real_steps

Tensor = Any


@register
class PositionEncoding(keras.layers.Layer):
    """Adds a fixed pattern of sines to each step, from which a transformer reads the order. It has no weights.

        PE(t, 2i)     = sin(t / max_wavelength^(2i / d))
        PE(t, 2i + 1) = cos(t / max_wavelength^(2i / d))

    t counts from 0, i is the number of a pair of features, and d the number of features.

    Masking: t counts real steps, so that padding on the left or inside moves nothing. The mask goes on.

    Args:
        max_wavelength: of the slowest sine, about 2 pi times this; well above the length of the longest text.
        scale_inputs: whether the input is multiplied by sqrt(d), as in the paper: vectors of small numbers would be
            lost beside the sines.

    Call arguments:
        sequences: `(batch, steps, features)` floating.
        mask: `(batch, steps)` boolean, `True` = real step.

    Returns:
        `(batch, steps, features)`.

    Raises:
        TypeError: if an argument has a wrong type.
        ValueError: if `max_wavelength` is not positive, or the input is not a batch of sequences of vectors.

    Example:
        >>> import numpy as np
        >>> from keras_seq.layers import PositionEncoding
        >>> PositionEncoding()(np.zeros((1, 2, 2)), mask=np.array([[False, True]])).numpy()[0, 1].tolist()
        [0.0, 1.0]

    Reference:
        Vaswani et al., "Attention Is All You Need", NIPS 2017, sections 3.4 and 3.5.
    """

    def __init__(self, max_wavelength: float = 10_000.0, *, scale_inputs: bool = False, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        check_positive_number("max_wavelength", max_wavelength)
        check_boolean("scale_inputs", scale_inputs)
        self.max_wavelength = max_wavelength
        self.scale_inputs = scale_inputs
        self.supports_masking = True

    def build(self, input_shape: tuple) -> None:
        check_sequences_shape(input_shape)
        self.built = True

    def call(self, sequences: Tensor, mask: Tensor | None = None) -> Tensor:
        _, steps, features = ops.shape(sequences)
        # Every position once, then looked up: a batch has many rows and few positions.
        pairs = ops.arange(features, dtype="int32") // 2
        wavelengths = ops.power(float(self.max_wavelength), ops.cast(2 * pairs, "float32") / features)
        angles = ops.cast(ops.arange(steps, dtype="int32"), "float32")[:, None] / wavelengths
        is_sine = ops.equal(ops.arange(features, dtype="int32") % 2, 0)
        table = ops.cast(ops.where(is_sine, ops.sin(angles), ops.cos(angles)), self.compute_dtype)
        if mask is None:
            encoding = table[None]
        else:
            # What stands at padding after the last real step has a position that no step may have.
            positions = ops.minimum(real_positions(real_steps(sequences, mask)), steps - 1)
            encoding = ops.take(table, positions, axis=0)
        return (sequences * features**0.5 if self.scale_inputs else sequences) + encoding

    def compute_output_shape(self, input_shape: tuple) -> tuple:
        return input_shape

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "max_wavelength": self.max_wavelength, "scale_inputs": self.scale_inputs}
