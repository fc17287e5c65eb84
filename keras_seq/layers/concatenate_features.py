"""Features of the same tokens, side by side."""

from __future__ import annotations

from typing import Any

import keras
from keras import ops

from keras_seq.core.registration import register


@register
class ConcatenateFeatures(keras.layers.Concatenate):
    """Concatenates vectors of the same steps along the last axis and keeps their mask.

    `keras.layers.Concatenate` calls a step real as soon as one input has no mask or calls it real: join masked word
    vectors with unmasked case vectors and the padding is lost. Here a step is real if every input that has a mask says
    so.

    Masking: inputs without a mask have no say; without any mask there is none on the output.

    Call arguments:
        inputs: list of tensors `(batch, steps, features_i)`.

    Returns:
        `(batch, steps, sum of features_i)`.

    Example:
        >>> import numpy as np
        >>> from keras_seq.layers import ConcatenateFeatures
        >>> ConcatenateFeatures()([np.ones((2, 5, 3), "float32"), np.ones((2, 5, 4), "float32")]).shape
        TensorShape([2, 5, 7])
    """

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(axis=-1, **kwargs)

    def compute_mask(self, inputs: Any, mask: Any = None) -> Any:
        return joined_mask(mask)

    def get_config(self) -> dict[str, Any]:
        config = super().get_config()
        del config["axis"]
        return config


def joined_mask(masks: Any) -> Any:
    """Real where every mask of a list says so; `None` in it has no say. `None` without any mask."""
    masks = [mask for mask in masks or [] if mask is not None]
    if not masks:
        return None
    joined = masks[0]
    for mask in masks[1:]:
        joined = ops.logical_and(joined, mask)
    return joined
