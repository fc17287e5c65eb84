"""The triplet loss of the hardest triplet of each anchor."""

from __future__ import annotations

from typing import Any

from keras_seq.core.checks import check_boolean
from keras_seq.core.registration import register
from keras_seq.losses.pair_loss import BatchTripletLoss
from keras_seq.ops.triplets import batch_hard_cost


@register
class TripletBatchHardLoss(BatchTripletLoss):
    """Batch-hard triplet loss: the mean over anchors, with their farthest positive and nearest negative in the batch.

    `max(margin + d(a, p) - d(a, n), 0)`; with `soft` the softplus of the difference instead, without a margin.

    Masking: rows with the class id -1 are padding; they are in no triplet.

    Args:
        margin: how much farther than a positive a negative must be.
        soft: whether the softplus replaces the hinge.
        distance: `"euclidean"`, `"squared"` (its square) or `"cosine"` (1 minus the cosine). Vectors are not made
            of length 1 here: `keras_seq.zoo.siamese_model` gives such.

    Call arguments:
        y_true: class ids `(batch,)` or `(batch, 1)`; -1 at padding. Integers of any size, told apart exactly; what is
            no id (negative, a fraction, a floating-point number too large to be exact) makes the loss NaN.
        y_pred: vectors `(batch, features)`, or `(batch, 2, features)`, two vectors of each class id.

    Returns:
        A scalar: the mean over anchors that have a positive and a negative. 0 where the batch has no triplet.

    Raises:
        ValueError: if the shapes do not fit, or weights of rows are given: a triplet is of three rows. (One weight for
            the batch is taken.)

    Example:

        >>> import numpy as np
        >>> from keras_seq.losses import TripletBatchHardLoss
        >>> vectors = np.array([[0.0], [1.0], [3.0], [3.5]])
        >>> loss = TripletBatchHardLoss(margin=2.0)
        >>> round(float(loss(np.array([0, 0, 1, 1]), vectors)), 4)  # (0 + 1 + .5 + 0) / 4
        0.375

    Reference:
        Hermans, Beyer and Leibe, "In Defense of the Triplet Loss for Person Re-Identification", arXiv 2017.
    """

    arguments = (*BatchTripletLoss.arguments, "soft")

    def __init__(
        self,
        margin: float = 1.0,
        soft: bool = False,
        distance: str = "euclidean",
        *,
        name: str = "triplet_batch_hard_loss",
        **kwargs: Any,
    ) -> None:
        super().__init__(margin, distance, name=name, **kwargs)
        check_boolean("soft", soft)
        self.soft = soft

    def pair_costs(self, labels: Any, vectors: Any) -> Any:
        return batch_hard_cost(self.distances(labels, vectors), labels, self.margin, self.soft)
