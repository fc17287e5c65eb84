"""The triplet loss of anchors, positives and negatives that are given."""

from __future__ import annotations

from typing import Any

from keras import ops

from keras_seq.core.checks import check_boolean, check_positive_number
from keras_seq.core.registration import register
from keras_seq.losses.cost_loss import CostLoss
from keras_seq.ops.labels import NO_LABEL
from keras_seq.ops.similarity import safe_sqrt
from keras_seq.ops.triplets import numbers_of_rows


@register
class EuclideanTripletLoss(CostLoss):
    """`max(margin + d(anchor, positive) - d(anchor, negative), 0)` with Euclidean distances, or their squares.

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

    def __init__(
        self, margin: float = 1.0, squared: bool = True, *, name: str = "euclidean_triplet_loss", **kwargs: Any
    ) -> None:
        super().__init__(name=name, **kwargs)
        check_positive_number("margin", margin)
        check_boolean("squared", squared)
        self.margin = margin
        self.squared = squared

    def costs(self, y_true: Any, y_pred: Any, mask: Any) -> tuple[Any, Any]:
        if len(y_pred.shape) != 3 or y_pred.shape[1] != 3:
            raise ValueError(
                "`y_pred` must be anchor, positive and negative, (batch, 3, features). Received: "
                f"y_pred.shape={tuple(y_pred.shape)}. Stack three vectors along axis 1."
            )
        labels = numbers_of_rows(y_true, y_pred)
        real = ops.not_equal(labels, NO_LABEL)
        # What stands at padding has no gradient.
        y_pred = ops.where(real[:, None, None], y_pred, 0.0)
        distances = ops.sum(ops.square(y_pred[:, 1:] - y_pred[:, :1]), axis=-1)
        if not self.squared:
            distances = safe_sqrt(distances)
        costs = ops.relu(self.margin + distances[:, 0] - distances[:, 1])
        is_right = ops.logical_and(labels >= 0, ops.isfinite(labels))
        return ops.where(real, ops.where(is_right, costs, float("nan")), 0.0), real

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "margin": self.margin, "squared": self.squared}
