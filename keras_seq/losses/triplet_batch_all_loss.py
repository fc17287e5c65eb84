"""The triplet loss of all triplets of a batch."""

from __future__ import annotations

from typing import Any

from keras_seq.core.registration import register
from keras_seq.losses.pair_loss import BatchTripletLoss
from keras_seq.ops.triplets import batch_all_cost


@register
class TripletBatchAllLoss(BatchTripletLoss):
    """Batch-all triplet loss: the mean of `max(margin + d(a, p) - d(a, n), 0)` over all triplets that cost something.

    Those that cost nothing do not count: else the mean would vanish as the model gets better.

    Masking: rows with the class id -1 are padding; they are in no triplet.

    Args:
        margin: how much farther than a positive a negative must be.
        distance: `"euclidean"`, `"squared"` (its square) or `"cosine"` (1 minus the cosine). Vectors are not made
            of length 1 here: `keras_seq.zoo.siamese_model` gives such.

    Call arguments:
        y_true: class ids `(batch,)` or `(batch, 1)`; -1 at padding. Integers of any size, told apart exactly; what is
            no id (negative, a fraction, a floating-point number too large to be exact) makes the loss NaN.
        y_pred: vectors `(batch, features)`, or `(batch, 2, features)`, two vectors of each class id.

    Returns:
        A scalar: the mean over the triplets of positive cost. 0 where the batch has no triplet.

    Raises:
        ValueError: if the shapes do not fit, or weights of rows are given: a triplet is of three rows. (One weight for
            the batch is taken.)

    Example:

        >>> import numpy as np
        >>> from keras_seq.losses import TripletBatchAllLoss
        >>> vectors = np.array([[0.0], [1.0], [3.0], [3.5]])
        >>> loss = TripletBatchAllLoss(margin=2.0)
        >>> round(float(loss(np.array([0, 0, 1, 1]), vectors)), 4)  # (1 + .5 + .5) / 3
        0.6667

    Reference:
        Hermans, Beyer and Leibe, "In Defense of the Triplet Loss for Person Re-Identification", arXiv 2017.
    """

    def __init__(
        self, margin: float = 1.0, distance: str = "euclidean", *, name: str = "triplet_batch_all_loss", **kwargs: Any
    ) -> None:
        super().__init__(margin, distance, name=name, **kwargs)

    def pair_costs(self, labels: Any, vectors: Any) -> Any:
        return batch_all_cost(self.distances(labels, vectors), labels, self.margin)
