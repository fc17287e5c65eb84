"""Features of the same tokens, added up."""

from __future__ import annotations

from typing import Any

import keras

from keras_seq.core.registration import register
from keras_seq.layers.concatenate_features import joined_mask


@register
class SumFeatures(keras.layers.Add):
    """Adds vectors of the same steps and keeps their mask.

    `keras.layers.Add` drops every mask as soon as one input has none, and calls a step real if one input does. Here a
    step is real if every input that has a mask says so.

    Masking: inputs without a mask have no say; without any mask there is none on the output.

    Call arguments:
        inputs: list of tensors `(batch, steps, features)`.

    Returns:
        `(batch, steps, features)`.

    Raises:
        ValueError: if the inputs differ in shape.

    Example:
        >>> import numpy as np
        >>> from keras_seq.layers import SumFeatures
        >>> SumFeatures()([np.ones((1, 2, 2)), np.ones((1, 2, 2))]).numpy().tolist()
        [[[2.0, 2.0], [2.0, 2.0]]]

    Reference:
        Bojanowski et al., "Enriching Word Vectors with Subword Information", TACL 5, 2017.
    """

    def compute_mask(self, inputs: Any, mask: Any = None) -> Any:
        return joined_mask(mask)
