"""What the layers share that turn a sequence of vectors into one vector."""

from __future__ import annotations

from typing import Any

import keras
from keras import ops

from keras_seq.ops.pooling import real_steps, weighted_sum

Tensor = Any


class StepPooling(keras.layers.Layer):
    """Base of layers that add up the real steps of a sequence, each times its weight.

    A subclass says what each step weighs (`_weights`); one that does not add up steps has its own `_pool` as well.
    """

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.supports_masking = True

    def build(self, input_shape: tuple) -> None:
        check_sequences_shape(input_shape)
        self.built = True

    def call(self, sequences: Tensor, mask: Tensor | None = None) -> Tensor:
        return self._pool(sequences, real_steps(sequences, mask))

    def step_weights(self, sequences: Tensor, mask: Tensor | None = None) -> Tensor:
        """How much each step counts in the pooled vector.

        Args:
            sequences: `(batch, steps, features)` floating: what the layer is called on.
            mask: `(batch, steps)` boolean, `True` = real step; `None`: all are.

        Returns:
            `(batch, steps)` float32: not negative, 0 at padding, with a sum of 1 in each row that has a real step.
        """
        sequences = ops.convert_to_tensor(sequences, dtype=self.compute_dtype)
        if not self.built:
            self.build(tuple(sequences.shape))
        return self._weights(sequences, real_steps(sequences, mask))

    def _weights(self, sequences: Tensor, real: Tensor) -> Tensor:
        raise NotImplementedError

    def _pool(self, sequences: Tensor, real: Tensor) -> Tensor:
        return weighted_sum(sequences, self._weights(sequences, real), real)

    def compute_mask(self, inputs: Tensor, mask: Tensor | None = None) -> None:
        return None

    def compute_output_shape(self, input_shape: tuple) -> tuple:
        return (input_shape[0], *input_shape[2:])


def check_sequences_shape(shape: tuple) -> None:
    """Raise unless a shape is that of a batch of sequences of vectors."""
    if len(shape) != 3 or shape[-1] is None:
        raise ValueError(
            "`sequences` must have the shape (batch, steps, features), the number of features fixed. "
            f"Received: sequences.shape={tuple(shape)}. Give one vector per step."
        )
