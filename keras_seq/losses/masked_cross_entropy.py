"""The training loss of models that predict one class per step."""

from __future__ import annotations

from typing import Any

import keras
from keras import ops

from keras_seq.core.registration import register


@register
class MaskedCrossEntropy(keras.losses.Loss):
    """Cross-entropy averaged over the real steps of a batch.

    Masking: steps whose label is `ignored_label` count neither in the sum nor in the mean; the Keras mask is not
    needed.

    Args:
        ignored_label: the label of padding.

    Call arguments:
        y_true: `(batch, steps)` integer class ids, `-1` at padding.
        y_pred: `(batch, steps, classes)` log-probabilities, as a log-softmax gives them.

    Returns:
        A scalar in nats; with `reduction="sum"` the sum over steps, with `reduction=None` one per step,
        `(batch, steps)`.

    Example:
        >>> import numpy as np
        >>> from keras_seq.losses import MaskedCrossEntropy
        >>> log_probabilities = np.log([[[0.7, 0.3], [0.6, 0.4], [0.5, 0.5]]])
        >>> round(float(MaskedCrossEntropy()(np.array([[0, 0, -1]]), log_probabilities)), 4)  # -(ln .7 + ln .6) / 2
        0.4338
    """

    def __init__(self, *, ignored_label: int = -1, name: str = "masked_cross_entropy", **kwargs: Any) -> None:
        super().__init__(name=name, **kwargs)
        self.ignored_label = ignored_label

    def call(self, y_true: Any, y_pred: Any) -> Any:
        real = ops.not_equal(y_true, self.ignored_label)
        labels = ops.cast(ops.where(real, y_true, 0), "int32")
        chosen = ops.one_hot(labels, y_pred.shape[-1], dtype=y_pred.dtype)
        # A class of probability zero has the log-probability -inf, and 0 * -inf is no number.
        losses = -ops.sum(ops.where(chosen > 0, y_pred, 0.0), axis=-1)
        losses = ops.where(real, losses, 0.0)
        if self.reduction in (None, "none", "sum"):
            return losses
        # Scaled so that the mean over all steps, which the base class takes, is the mean over real ones.
        share = ops.mean(ops.cast(real, losses.dtype))
        return losses / ops.maximum(share, keras.backend.epsilon())

    def __call__(self, y_true: Any, y_pred: Any, sample_weight: Any = None) -> Any:
        # The labels say what is padding; a Keras mask on top of them would change the mean taken by the base class.
        return super().__call__(y_true, ops.copy(y_pred), sample_weight)

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "ignored_label": self.ignored_label}
