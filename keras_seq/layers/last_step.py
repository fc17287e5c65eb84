"""The vector at the end of a sequence."""

from __future__ import annotations

from typing import Any

from keras import ops

from keras_seq.core.checks import check_boolean
from keras_seq.core.registration import register
from keras_seq.layers.step_pooling import StepPooling, check_sequences_shape
from keras_seq.ops.pooling import end_weights, weighted_sum

Tensor = Any


@register
class LastStep(StepPooling):
    """Last-step pooling: the last real step, the final state of a recurrent layer that returned all of them.

    After a layer that reads in both directions, `both_ends=True` gives the final state of each: the first half of the
    features at the last real step, the second half, which was read backwards, at the first.

    Masking: the last real step is found wherever padding stands; a row without any gives zeros. The mask ends here.

    `step_weights` is 1 at the last real step; with `both_ends` half of it at either end.

    Args:
        both_ends: whether the second half of the features is taken from the first real step.

    Call arguments:
        sequences: `(batch, steps, features)` floating.
        mask: `(batch, steps)` boolean, `True` = real step.

    Returns:
        `(batch, features)`.

    Raises:
        TypeError: if `both_ends` is not a boolean.
        ValueError: if the input is not a batch of sequences of vectors, or has no two halves of features.

    Example:
        >>> import numpy as np
        >>> from keras_seq.layers import LastStep
        >>> states, mask = np.array([[[1.0, 2.0], [3.0, 4.0], [9.0, 9.0]]]), np.array([[True, True, False]])
        >>> LastStep()(states, mask=mask).numpy().tolist()
        [[3.0, 4.0]]
        >>> LastStep(both_ends=True)(states, mask=mask).numpy().tolist()
        [[3.0, 2.0]]

    Reference:
        Graves, "Supervised Sequence Labelling with Recurrent Neural Networks", Springer 2012, chapter 3.
    """

    def __init__(self, *, both_ends: bool = False, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        check_boolean("both_ends", both_ends)
        self.both_ends = both_ends

    def build(self, input_shape: tuple) -> None:
        check_sequences_shape(input_shape)
        if self.both_ends and input_shape[-1] % 2:
            raise ValueError(
                "`sequences` must have an even number of features with `both_ends=True`: one half per direction. "
                f"Received: sequences.shape={tuple(input_shape)}. Pass `both_ends=False` after a single direction."
            )
        self.built = True

    def _weights(self, sequences: Tensor, real: Tensor) -> Tensor:
        last = end_weights(real)
        return (last + end_weights(real, first=True)) / 2 if self.both_ends else last

    def _pool(self, sequences: Tensor, real: Tensor) -> Tensor:
        if not self.both_ends:
            return weighted_sum(sequences, end_weights(real), real)
        forward, backward = ops.split(sequences, 2, axis=-1)
        return ops.concatenate(
            [
                weighted_sum(forward, end_weights(real), real),
                weighted_sum(backward, end_weights(real, first=True), real),
            ],
            axis=-1,
        )

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "both_ends": self.both_ends}
