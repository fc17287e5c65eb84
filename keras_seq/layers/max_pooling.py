"""The largest value of each feature."""

from __future__ import annotations

from typing import Any

from keras_seq.core.registration import register
from keras_seq.layers.step_pooling import StepPooling
from keras_seq.ops.pooling import maximum_of_steps, maximum_weights

Tensor = Any


@register
class MaxPooling(StepPooling):
    """Max pooling over time: the maximum of each feature over the real steps; one strong word decides.

    Masking: padding is never the maximum; a row without a real step gives zeros. The mask ends here.

    `step_weights` is the share of the features that have their maximum at a step; steps with an equal maximum, up to
    rounding, share the feature.

    Call arguments:
        sequences: `(batch, steps, features)` floating.
        mask: `(batch, steps)` boolean, `True` = real step.

    Returns:
        `(batch, features)`.

    Raises:
        ValueError: if the input is not a batch of sequences of vectors.

    Example:
        >>> import numpy as np
        >>> from keras_seq.layers import MaxPooling
        >>> pooling, words = MaxPooling(), np.array([[[1.0, 7.0], [3.0, 4.0], [9.0, 9.0]]])
        >>> mask = np.array([[True, True, False]])
        >>> pooling(words, mask=mask).numpy().tolist()
        [[3.0, 7.0]]
        >>> pooling.step_weights(words, mask).numpy().tolist()
        [[0.5, 0.5, 0.0]]

    Reference:
        Collobert et al., "Natural Language Processing (Almost) from Scratch", JMLR 12, 2011, section 3.3.2.
    """

    def _weights(self, sequences: Tensor, real: Tensor) -> Tensor:
        return maximum_weights(sequences, real)

    def _pool(self, sequences: Tensor, real: Tensor) -> Tensor:
        return maximum_of_steps(sequences, real)
