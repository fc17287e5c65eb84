"""The triplet loss of the semi-hard negative of each pair."""

from __future__ import annotations

from typing import Any

from keras_seq.core.registration import register
from keras_seq.losses.pair_loss import BatchTripletLoss
from keras_seq.ops.triplets import semi_hard_cost


@register
class TripletSemiHardLoss(BatchTripletLoss):
    """Semi-hard triplet loss: each pair of one class with the nearest negative that is farther than the positive.

    Where no negative is farther, the farthest one is taken: it is the least hard. FaceNet takes squared
    distances; the default is that of tensorflow_addons.

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
        A scalar: the mean over ordered pairs of one class. 0 where the batch has no triplet.

    Raises:
        ValueError: if the shapes do not fit, or weights of rows are given: a triplet is of three rows. (One weight for
            the batch is taken.)

    Example:

        >>> import numpy as np
        >>> from keras_seq.losses import TripletSemiHardLoss
        >>> vectors = np.array([[0.0], [1.0], [3.0], [3.5]])
        >>> loss = TripletSemiHardLoss(margin=2.0)
        >>> round(float(loss(np.array([0, 0, 1, 1]), vectors)), 4)  # (0 + 1 + .5 + 0) / 4
        0.375

    Reference:
        Schroff, Kalenichenko and Philbin, "FaceNet: A Unified Embedding for Face Recognition and Clustering",
        CVPR 2015.
    """

    def __init__(
        self, margin: float = 1.0, distance: str = "euclidean", *, name: str = "triplet_semi_hard_loss", **kwargs: Any
    ) -> None:
        super().__init__(margin, distance, name=name, **kwargs)

    def pair_costs(self, labels: Any, vectors: Any) -> Any:
        return semi_hard_cost(self.distances(labels, vectors), labels, self.margin)
