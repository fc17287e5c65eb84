"""The contrastive loss of pairs that are the same or not."""

from __future__ import annotations

from typing import Any

from keras import ops

from keras_seq.core.checks import check_choice, check_positive_number
from keras_seq.core.registration import register
from keras_seq.losses.pair_loss import PairLoss
from keras_seq.ops.similarity import safe_sqrt

# Distances that are computed as 1 less a cosine are rounded to a little less than 0; cosines themselves are less.
_LEAST_DISTANCE = -1e-2


@register
class ContrastiveLoss(PairLoss):
    """Contrastive loss: draws pairs that are the same together, pushes others apart until they are a margin away.

    With the Euclidean distance d: `d ** 2` for the same, `max(margin - d, 0) ** 2` for others.

    Masking: a pair with the label -1 is padding; it counts neither in the sum nor in the mean.

    Args:
        margin: from which distance on pairs that differ cost nothing. Unit vectors are at most 2 apart.
        same_label: the label of pairs that are the same: 1, as in tensorflow_addons, or 0, as in the paper.
        reduction: as everywhere in Keras; by default the mean over real pairs.

    Call arguments:
        y_true: labels `(batch,)` or `(batch, 1)`, 0 or 1; -1 at padding. Any other number makes the loss NaN.
        y_pred: distances `(batch,)` or `(batch, 1)`, NaN below 0; or the two vectors of each pair,
            `(batch, 2, features)`.
        sample_weight: optional weights: one number, `(batch,)` or `(batch, 1)`.

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

    arguments = ("margin", "same_label")

    def __init__(
        self, margin: float = 1.0, same_label: int = 1, *, name: str = "contrastive_loss", **kwargs: Any
    ) -> None:
        super().__init__(name=name, **kwargs)
        check_positive_number("margin", margin)
        check_choice("same_label", same_label, (0, 1))
        self.margin = margin
        self.same_label = same_label

    def check_vectors(self, y_pred: Any) -> None:
        # Or distances.
        if len(y_pred.shape) != 1 and not (len(y_pred.shape) == 2 and y_pred.shape[1] == 1):
            super().check_vectors(y_pred)

    def pair_costs(self, labels: Any, vectors: Any) -> Any:
        if len(vectors.shape) == 3:
            distances = safe_sqrt(ops.sum(ops.square(vectors[:, 0] - vectors[:, 1]), axis=-1))
        else:
            distances = ops.reshape(vectors, (-1,))
        same = labels if self.same_label == 1 else 1 - labels
        costs = same * ops.square(distances) + (1 - same) * ops.square(ops.relu(self.margin - distances))
        is_label = ops.logical_or(ops.equal(labels, 0), ops.equal(labels, 1))
        return ops.where(ops.logical_and(is_label, distances >= _LEAST_DISTANCE), costs, float("nan"))
