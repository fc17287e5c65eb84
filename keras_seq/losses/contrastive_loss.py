"""The contrastive loss of pairs that are the same or not."""

from __future__ import annotations

from typing import Any

import keras
from keras import ops

from keras_seq.core.checks import check_choice, check_positive_number
from keras_seq.core.registration import register
from keras_seq.losses.pair_costs import check_stacked, real_pair_weights, scaled_to_real_pairs
from keras_seq.ops.similarity import safe_sqrt
from keras_seq.ops.triplets import check_rows


@register
class ContrastiveLoss(keras.losses.Loss):
    """Draws pairs that are the same together, and pushes others apart until they are a margin away.

    With the Euclidean distance d: `d ** 2` for the same, `max(margin - d, 0) ** 2` for others.

    Masking: a pair with the label -1 is padding; it counts neither in the sum nor in the mean.

    Args:
        margin: from which distance on pairs that differ cost nothing. Unit vectors are at most 2 apart.
        same_label: the label of pairs that are the same: 1, as in tensorflow_addons, or 0, as in the paper.
        reduction: as everywhere in Keras; by default the mean over real pairs.

    Call arguments:
        y_true: labels `(batch,)`, 0 or 1; -1 at padding.
        y_pred: distances `(batch,)`, or the two vectors of each pair, `(batch, 2, features)`.
        sample_weight: optional weights, `(batch,)`.

    Returns:
        A scalar; with `reduction=None` one cost per pair, `(batch,)`. Without any real pair 0.

    Raises:
        ValueError: if the shapes do not fit each other, or `same_label` is neither 0 nor 1.

    Example: distances of .5, of which the first pair is the same.

        >>> import numpy as np
        >>> from keras_seq.losses import ContrastiveLoss
        >>> loss = ContrastiveLoss(margin=0.75, same_label=0)
        >>> float(loss(np.array([0, 1]), np.array([0.5, 0.5])))  # (.5 ** 2 + .25 ** 2) / 2
        0.15625

    Reference:
        Hadsell, Chopra and LeCun, "Dimensionality Reduction by Learning an Invariant Mapping", CVPR 2006.
    """

    def __init__(
        self, margin: float = 1.0, same_label: int = 1, *, name: str = "contrastive_loss", **kwargs: Any
    ) -> None:
        super().__init__(name=name, **kwargs)
        check_positive_number("margin", margin)
        check_choice("same_label", same_label, (0, 1))
        self.margin = margin
        self.same_label = same_label

    def call(self, y_true: Any, y_pred: Any) -> Any:
        if len(y_pred.shape) == 1:
            distances = y_pred
        else:
            check_stacked(y_pred)
            distances = safe_sqrt(ops.sum(ops.square(y_pred[:, 0] - y_pred[:, 1]), axis=-1))
        check_rows(y_true, y_pred)
        labels = ops.cast(ops.reshape(y_true, (-1,)), distances.dtype)
        is_real = ops.cast(labels >= 0, distances.dtype)
        same = labels if self.same_label == 1 else 1 - labels
        costs = same * ops.square(distances) + (1 - same) * ops.square(ops.relu(self.margin - distances))
        return scaled_to_real_pairs(is_real * costs, is_real, self.reduction)

    def __call__(self, y_true: Any, y_pred: Any, sample_weight: Any = None) -> Any:
        return super().__call__(y_true, y_pred, real_pair_weights(y_true, sample_weight, self.reduction, self.dtype))

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "margin": self.margin, "same_label": self.same_label}
