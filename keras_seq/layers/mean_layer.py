"""The mean of what is real."""

from __future__ import annotations

from typing import Any

from keras import ops

from keras_seq.core.checks import check_choice, check_integer
from keras_seq.core.registration import register
from keras_seq.layers.step_pooling import StepPooling
from keras_seq.ops.pooling import equal_weights

Tensor = Any


@register
class MeanLayer(StepPooling):
    """Mean pooling: the vector of a text as the average of its real steps. It has no weights.

        scale="mean":  v = (x_1 + ... + x_n) / n
        scale="sqrt":  v = (x_1 + ... + x_n) / sqrt(n)

    The square root keeps the spread of sums of independent vectors alike, whatever their number; the mean shrinks it.

    Masking: n and the sum are of real steps alone, wherever padding stands; a row without any gives zeros. The mask
    has no axis left and ends here. An axis that it does not have, such as the features, is averaged whole, and the mask
    goes on.

    Args:
        axis: the axis that goes: 1, the steps, or any other but that of the batch.
        scale: `"mean"` or `"sqrt"`: what the sum is divided by.

    Call arguments:
        sequences: `(batch, steps, features)` floating, or of any other rank that has the axis.
        mask: boolean, of the leading axes of `sequences`, `True` = real.

    Returns:
        The input without the axis: `(batch, features)`.

    Raises:
        TypeError: if `axis` is not an integer.
        ValueError: if `axis` is 0 or not an axis of the input, or `scale` is unknown.

    Example:
        >>> import numpy as np
        >>> from keras_seq.layers import MeanLayer
        >>> words = np.array([[[1.0, 2.0], [3.0, 4.0], [9.0, 9.0]]])
        >>> MeanLayer()(words, mask=np.array([[True, True, False]])).numpy().tolist()
        [[2.0, 3.0]]

    Reference:
        Iyyer et al., "Deep Unordered Composition Rivals Syntactic Methods for Text Classification", ACL 2015.
    """

    def __init__(self, axis: int = 1, *, scale: str = "mean", **kwargs: Any) -> None:
        super().__init__(**kwargs)
        check_integer("axis", axis)
        if axis == 0:
            raise ValueError("`axis` must not be that of the batch. Received: axis=0. Pass 1 for the steps.")
        check_choice("scale", scale, ("mean", "sqrt"))
        self.axis = axis
        self.scale = scale

    def build(self, input_shape: tuple) -> None:
        self._axis_of(len(input_shape))
        self.built = True

    def call(self, sequences: Tensor, mask: Tensor | None = None) -> Tensor:
        rank = len(sequences.shape)
        axis = self._axis_of(rank)
        if mask is None or axis >= len(mask.shape):
            real = ops.ones((1,) * axis + (ops.shape(sequences)[axis],) + (1,) * (rank - axis - 1), dtype="bool")
        else:
            real = ops.reshape(ops.cast(mask, "bool"), (*ops.shape(mask), *(1,) * (rank - len(mask.shape))))
        return self._mean(sequences, real, axis)

    def step_weights(self, sequences: Tensor, mask: Tensor | None = None) -> Tensor:
        """How much each step counts in the mean: 1/n.

        Args:
            sequences: `(batch, steps, features)` floating.
            mask: `(batch, steps)` boolean, `True` = real step; `None`: all are.

        Returns:
            `(batch, steps)` float32: 1/n at the n real steps of a row, 0 at padding.

        Raises:
            ValueError: if the layer does not average steps of vectors.
        """
        rank = len(ops.shape(sequences))
        if rank != 3 or self._axis_of(rank) != 1:
            raise ValueError(
                "`axis` must be 1 and `sequences` of the shape (batch, steps, features): only steps have weights. "
                f"Received: axis={self.axis}, sequences.shape={ops.shape(sequences)}. Average over the steps."
            )
        return super().step_weights(sequences, mask)

    def _weights(self, sequences: Tensor, real: Tensor) -> Tensor:
        return equal_weights(real)

    def _mean(self, sequences: Tensor, real: Tensor, axis: int) -> Tensor:
        number = ops.maximum(ops.sum(ops.cast(real, "float32"), axis=axis, keepdims=True), 1.0)
        divisor = number if self.scale == "mean" else ops.sqrt(number)
        # Divided before it is added up: a sum of many steps may be too large for half precision.
        parts = ops.where(real, sequences / ops.cast(divisor, sequences.dtype), ops.zeros_like(sequences))
        return ops.sum(parts, axis=axis)

    def _axis_of(self, rank: int) -> int:
        axis = self.axis + rank if self.axis < 0 else self.axis
        if not 0 < axis < rank:
            raise ValueError(
                f"`axis` must be an axis of the input other than that of the batch. Received: axis={self.axis}, an "
                f"input of rank {rank}. Pass 1 for the steps."
            )
        return axis

    def compute_mask(self, inputs: Tensor, mask: Tensor | None = None) -> Tensor | None:
        if mask is None:
            return None
        axis = self._axis_of(len(inputs.shape))
        if axis >= len(mask.shape):
            return mask
        return ops.any(mask, axis=axis) if len(mask.shape) > 2 else None

    def compute_output_shape(self, input_shape: tuple) -> tuple:
        axis = self._axis_of(len(input_shape))
        return (*input_shape[:axis], *input_shape[axis + 1 :])

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "axis": self.axis, "scale": self.scale}
