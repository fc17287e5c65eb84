"""The share of pairs that a triplet loss still learns from."""

from __future__ import annotations

from typing import Any

import keras
from keras import ops

from keras_seq.core.checks import check_positive_number
from keras_seq.core.registration import register
from keras_seq.ops.labels import NO_LABEL
from keras_seq.ops.masking import row_weights
from keras_seq.ops.similarity import similarity_matrix
from keras_seq.ops.triplets import check_vectors, pair_triplet_costs, rows_and_ids


@register
class ActiveTriplets(keras.metrics.Mean):
    """The share of active triplets: pairs whose cost of `keras_seq.losses.TripletLoss` is above 0.

    It falls as a model learns. Near 1 for long, together with an embedding spread near 0, it tells of a collapse: all
    vectors are the same, and every triplet costs its margin.

    Masking: a pair with the id -1 is padding, and does not count.

    Args:
        margin: that of the loss.

    Call arguments:
        y_true: ids `(batch,)`, as the loss takes them; -1 at padding. What is no id makes the result NaN.
        y_pred: `(batch, 2, features)`, the two vectors of each pair.
        sample_weight: optional weights: one number, `(batch,)` or `(batch, 1)`.

    Returns (of `result`): a scalar from 0 to 1.

    Raises:
        ValueError: if the shapes do not fit each other.

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
        check_vectors(y_pred)
        pairs, ids = rows_and_ids(y_true, y_pred)
        costs = pair_triplet_costs(similarity_matrix(pairs[:, 0], pairs[:, 1]), self.margin, ids)
        # NaN is not above 0, and must be seen.
        is_active = ops.where(ops.isnan(costs), float("nan"), ops.cast(costs > 0, costs.dtype))
        weights = row_weights(ops.not_equal(ids, NO_LABEL), sample_weight, self.dtype)
        super().update_state(is_active, weights)

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "margin": self.margin}
