"""The triplet loss of anchors, positives and negatives that are given."""

from __future__ import annotations

from typing import Any

from keras import ops

from keras_seq.core.checks import check_boolean, check_positive_number
from keras_seq.core.registration import register
from keras_seq.losses.pair_loss import PairLoss
from keras_seq.ops.similarity import safe_sqrt


@register
class EuclideanTripletLoss(PairLoss):
    """Triplet margin loss, `max(margin + d(anchor, positive) - d(anchor, negative), 0)`, of Euclidean distances.

    Masking: a triplet whose `y_true` is -1 is padding; it counts neither in the sum nor in the mean.

    Args:
        margin: how much farther than the positive the negative must be.
        squared: whether distances are squared, as in FaceNet; or plain, as in `torch.nn.TripletMarginLoss`.
        reduction: as everywhere in Keras; by default the mean over real triplets.

    Call arguments:
        y_true: `(batch,)` or `(batch, 1)`: any number of at least 0; -1 at padding. A number that is neither, and one
            that is not finite, make the loss NaN.
        y_pred: `(batch, 3, features)`: anchor, positive, negative.
        sample_weight: optional weights: one number, `(batch,)` or `(batch, 1)`.

    Returns:
        A scalar; with `reduction=None` one cost per triplet, `(batch,)`. Without any real triplet 0.

    Raises:
        ValueError: if the shapes do not fit.

    Example: distances of 1 and 3.

        >>> import numpy as np
        >>> from keras_seq.losses import EuclideanTripletLoss
        >>> triplet = np.array([[[0.0], [1.0], [3.0]]])
        >>> float(EuclideanTripletLoss(margin=2.5, squared=False)(np.array([0]), triplet))
        0.5
        >>> float(EuclideanTripletLoss(margin=9.0)(np.array([0]), triplet))  # 9 + 1 - 9
        1.0

    Reference:
        Schroff, Kalenichenko and Philbin, "FaceNet: A Unified Embedding for Face Recognition and Clustering",
        CVPR 2015.
    """

    num_vectors = 3
    highest_label = float("inf")
    arguments = ("margin", "squared")

    def __init__(
        self, margin: float = 1.0, squared: bool = True, *, name: str = "euclidean_triplet_loss", **kwargs: Any
    ) -> None:
        super().__init__(name=name, **kwargs)
        check_positive_number("margin", margin)
        check_boolean("squared", squared)
        self.margin = margin
        self.squared = squared

    def pair_costs(self, labels: Any, vectors: Any) -> Any:
        distances = ops.sum(ops.square(vectors[:, 1:] - vectors[:, :1]), axis=-1)
        if not self.squared:
            distances = safe_sqrt(distances)
        return ops.relu(self.margin + distances[:, 0] - distances[:, 1])
