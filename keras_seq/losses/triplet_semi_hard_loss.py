"""The triplet loss of the semi-hard negative of each pair."""

from __future__ import annotations

from typing import Any

from keras_seq.core.checks import check_choice, check_positive_number
from keras_seq.core.registration import register
from keras_seq.losses.mining_loss import DISTANCES, MiningLoss
from keras_seq.ops.triplets import distance_matrix, semi_hard_cost


@register
class TripletSemiHardLoss(MiningLoss):
    """The mean over pairs of one class of the cost with the nearest negative that is farther than the positive.

    Where no negative is farther, the farthest one is taken: it is the least hard. As `TripletSemiHardLoss` of
    tensorflow_addons, but for its default distance.

    Masking: rows with the class id -1 are padding; they are in no triplet.

    Args:
        margin: how much farther than a positive a negative must be.
        distance: `"euclidean"`, `"squared"` (its square) or `"cosine"` (1 minus the cosine). Vectors are not made
            of length 1 here: `keras_seq.zoo.siamese_model` gives such.

    Call arguments:
        y_true: class ids `(batch,)`; -1 at padding.
        y_pred: vectors `(batch, features)`, or `(batch, 2, features)`, two vectors of each class id.

    Returns:
        A scalar: the mean over ordered pairs of one class. 0 where the batch has no triplet.

    Raises:
        ValueError: if the shapes do not fit, or sample weights are given: a triplet is of three rows.

    Example:

        >>> import numpy as np
        >>> from keras_seq.losses import TripletSemiHardLoss
        >>> vectors = np.array([[0.0], [1.0], [3.0], [3.5]])
        >>> loss = TripletSemiHardLoss(margin=2.0, distance="euclidean")
        >>> round(float(loss(np.array([0, 0, 1, 1]), vectors)), 4)  # (0 + 1 + .5 + 0) / 4
        0.375

    Reference:
        Schroff, Kalenichenko and Philbin, "FaceNet: A Unified Embedding for Face Recognition and Clustering",
        CVPR 2015.
    """

    def __init__(
        self, margin: float = 1.0, distance: str = "squared", *, name: str = "triplet_semi_hard_loss", **kwargs: Any
    ) -> None:
        super().__init__(name=name, **kwargs)
        check_positive_number("margin", margin)
        check_choice("distance", distance, DISTANCES)
        self.margin = margin
        self.distance = distance

    def batch_cost(self, vectors: Any, ids: Any) -> Any:
        return semi_hard_cost(distance_matrix(vectors, self.distance), ids, self.margin)

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "margin": self.margin, "distance": self.distance}
