"""The triplet loss of anchors, positives and negatives that are given."""

from __future__ import annotations

from typing import Any

import keras
from keras import ops

from keras_seq.core.checks import check_boolean, check_positive_number
from keras_seq.core.registration import register
from keras_seq.losses.pair_costs import real_pair_weights, scaled_to_real_pairs
from keras_seq.ops.similarity import safe_sqrt
from keras_seq.ops.triplets import check_rows


@register
class EuclideanTripletLoss(keras.losses.Loss):
    """`max(margin + d(anchor, positive) - d(anchor, negative), 0)` with Euclidean distances, or their squares.

    Masking: a triplet whose `y_true` is below 0 is padding; it counts neither in the sum nor in the mean.

    Args:
        margin: how much farther than the positive the negative must be.
        squared: whether distances are squared, as in FaceNet; or plain, as in `torch.nn.TripletMarginLoss`.
        reduction: as everywhere in Keras; by default the mean over real triplets.

    Call arguments:
        y_true: `(batch,)`: any number of at least 0; -1 at padding.
        y_pred: `(batch, 3, features)`: anchor, positive, negative.
        sample_weight: optional weights, `(batch,)`.

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

    def call(self, y_true: Any, y_pred: Any) -> Any:
        if len(y_pred.shape) != 3 or y_pred.shape[1] != 3:
            raise ValueError(
                "`y_pred` must be anchor, positive and negative, (batch, 3, features). Received: "
                f"y_pred.shape={tuple(y_pred.shape)}. Stack three vectors along axis 1."
            )
        check_rows(y_true, y_pred)
        distances = ops.sum(ops.square(y_pred[:, 1:] - y_pred[:, :1]), axis=-1)
        if not self.squared:
            distances = safe_sqrt(distances)
        is_real = ops.cast(ops.reshape(y_true, (-1,)) >= 0, distances.dtype)
        costs = is_real * ops.relu(self.margin + distances[:, 0] - distances[:, 1])
        return scaled_to_real_pairs(costs, is_real, self.reduction)

    def __call__(self, y_true: Any, y_pred: Any, sample_weight: Any = None) -> Any:
        return super().__call__(y_true, y_pred, real_pair_weights(y_true, sample_weight, self.reduction, self.dtype))

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "margin": self.margin, "squared": self.squared}
