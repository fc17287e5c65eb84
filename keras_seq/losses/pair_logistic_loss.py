"""Logistic regression on the cosine of two vectors."""

from __future__ import annotations

from typing import Any

from keras import ops

from keras_seq.core.checks import check_number, check_positive_number
from keras_seq.core.registration import register
from keras_seq.losses.pair_loss import PairLoss


@register
class PairLogisticLoss(PairLoss):
    """Logistic loss of pairs: cross-entropy of a label against `sigmoid(scale * (cosine - shift))`.

    For pairs that are labelled as duplicates or not. Other than `ContrastiveLoss` it never stops to learn from a pair,
    and takes shares between 0 and 1 as labels too.

    Masking: a pair whose `y_true` is -1 is padding; it counts neither in the sum nor in the mean.

    Args:
        scale: what the cosine is multiplied with: how steep the sigmoid is.
        shift: the cosine at which a pair is as likely a duplicate as not.
        reduction: as everywhere in Keras; by default the mean over real pairs.

    Call arguments:
        y_true: `(batch,)` or `(batch, 1)`: 1 for the same, 0 for different, or a probability; -1 at padding. Any other
            number makes the loss NaN.
        y_pred: `(batch, 2, features)`, the two vectors of each pair, of length 1.
        sample_weight: optional weights: one number, `(batch,)` or `(batch, 1)`.

    Returns:
        A scalar in nats; with `reduction=None` one cost per pair, `(batch,)`. Without any real pair 0.

    Raises:
        TypeError, ValueError: if `scale` is not a positive number, `shift` is no number, or the shapes do not fit
            each other.

    Example: a cosine of .6 with scale 10 and shift .5: log-odds of 1.

        >>> import numpy as np
        >>> from keras_seq.losses import PairLogisticLoss
        >>> vectors = np.array([[[1, 0], [0.6, 0.8]]])
        >>> round(float(PairLogisticLoss()(np.array([1.0]), vectors)), 4)  # -ln(1 / (1 + exp(-1)))
        0.3133

    Reference:
        Zhai et al., "Sigmoid Loss for Language Image Pre-Training", ICCV 2023, for pairs that are named.
    """

    arguments = ("scale", "shift")

    def __init__(
        self, scale: float = 10.0, shift: float = 0.5, *, name: str = "pair_logistic_loss", **kwargs: Any
    ) -> None:
        super().__init__(name=name, **kwargs)
        check_positive_number("scale", scale)
        check_number("shift", shift)
        self.scale = scale
        self.shift = shift

    def pair_costs(self, labels: Any, vectors: Any) -> Any:
        cosines = ops.sum(vectors[:, 0] * vectors[:, 1], axis=-1)
        log_odds = self.scale * (cosines - self.shift)
        # log(1 + exp(x)) - y x, without overflow.
        return ops.softplus(log_odds) - labels * log_odds
