"""A mask for vectors that came from ids without one."""

from __future__ import annotations

from typing import Any

import keras
from keras import ops

from keras_seq.core.registration import register

Tensor = Any


@register
class MaskFromIds(keras.layers.Layer):
    """Masks vectors of tokens by the ids that they were made from, and makes those of padding zero.

    For models that read tokens by their characters or n-grams alone: no word embedding brings a mask there.

    Masking: a token is real if any of its ids is not 0. A mask that the vectors bring must agree.

    Call arguments:
        inputs: a list: the vectors `(batch, steps, features)`, then one or more integer tensors of ids
            `(batch, steps, ...)`.

    Returns:
        The vectors, with a mask.

    Raises:
        ValueError: if the inputs are not vectors and ids.

    Example:
        >>> import numpy as np
        >>> from keras_seq.layers import MaskFromIds
        >>> character_ids = np.array([[[4, 2], [0, 0]]])
        >>> MaskFromIds()([np.ones((1, 2, 3)), character_ids]).numpy().tolist()
        [[[1.0, 1.0, 1.0], [0.0, 0.0, 0.0]]]
    """

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.supports_masking = True

    def build(self, input_shape: Any) -> None:
        ranks = [len(shape) for shape in input_shape] if isinstance(input_shape, list) else []
        if len(ranks) < 2 or ranks[0] != 3 or min(ranks) < 2:
            raise ValueError(
                "`inputs` must be a list of vectors (batch, steps, features) and ids (batch, steps, ...). "
                f"Received: shapes {input_shape}. Give the ids that the vectors were made from."
            )
        self.built = True

    def call(self, inputs: list[Tensor]) -> Tensor:
        vectors, *ids = inputs
        return ops.where(_any_id(ids)[..., None], vectors, ops.zeros_like(vectors))

    def compute_mask(self, inputs: list[Tensor], mask: Any = None) -> Tensor:
        _, *ids = inputs
        real = _any_id(ids)
        return real if mask is None or mask[0] is None else ops.logical_and(real, mask[0])

    def compute_output_shape(self, input_shape: Any) -> tuple:
        return input_shape[0]


def _any_id(ids: list[Tensor]) -> Tensor:
    """Boolean `(batch, steps)`: whether any id of a token is not 0."""
    found = None
    for each in ids:
        axes = tuple(range(2, len(each.shape)))
        real = ops.not_equal(each, 0)
        real = ops.any(real, axis=axes) if axes else real
        found = real if found is None else ops.logical_or(found, real)
    return found
