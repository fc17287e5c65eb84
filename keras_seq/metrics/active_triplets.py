"""The share of pairs that a triplet loss still learns from."""

from __future__ import annotations

from typing import Any

import keras
from keras import ops

from keras_seq.core.checks import check_positive_number
from keras_seq.core.registration import register
from keras_seq.ops.similarity import similarity_matrix
from keras_seq.ops.text_labels import text_weights
from keras_seq.ops.triplets import pair_triplet_costs, whole_ids


@register
class ActiveTriplets(keras.metrics.Mean):
    """The share of pairs whose cost of `keras_seq.losses.TripletLoss` is above 0.

    It falls as a model learns. Near 1 for long, together with an embedding spread near 0, it tells of a collapse: all
    vectors are the same, and every triplet costs its margin.

    Masking: a pair with the id -1 is padding, and does not count.

    Args:
        margin: that of the loss.

    Call arguments:
        y_true: ids `(batch,)`, as the loss takes them; -1 at padding.
        y_pred: `(batch, 2, features)`, the two vectors of each pair.
        sample_weight: optional weights, `(batch,)`.

    Example: of two pairs the first has a negative that is too close.

        >>> import numpy as np
        >>> from keras_seq.metrics import ActiveTriplets
        >>> metric = ActiveTriplets(margin=0.5)
        >>> vectors = np.array([[[1.0, 0.0], [1.0, 0.0]], [[0.0, 1.0], [0.6, 0.8]]])
        >>> metric.update_state(np.array([0, 1]), vectors)
        >>> float(metric.result())
        0.5
    """

    def __init__(self, margin: float = 0.25, name: str = "active_triplets", **kwargs: Any) -> None:
        super().__init__(name=name, **kwargs)
        check_positive_number("margin", margin)
        self.margin = margin

    def update_state(self, y_true: Any, y_pred: Any, sample_weight: Any = None) -> None:
        y_pred = ops.convert_to_tensor(y_pred)
        ids = whole_ids(y_true)
        costs = pair_triplet_costs(similarity_matrix(y_pred[:, 0], y_pred[:, 1]), self.margin, ids)
        super().update_state(ops.cast(costs > 0, self.dtype), text_weights(ids >= 0, sample_weight, self.dtype))

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "margin": self.margin}
