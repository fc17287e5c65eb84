"""What the losses share whose negatives are the other pairs of the batch."""

from __future__ import annotations

from abc import abstractmethod
from typing import Any

import keras
from keras import ops

from keras_seq.losses.pair_costs import check_stacked, real_pair_weights, scaled_to_real_pairs
from keras_seq.ops.similarity import similarity_matrix
from keras_seq.ops.triplets import check_rows, check_several_rows, whole_ids


class InBatchLoss(keras.losses.Loss):
    """A loss with one cost for each pair, from the cosines of all first with all second vectors and the ids of rows."""

    @abstractmethod
    def row_costs(self, scores: Any, ids: Any) -> Any:
        """The cost `(batch,)` of each pair, 0 at padding, from cosines `(batch, batch)` and int ids `(batch,)`."""

    def call(self, y_true: Any, y_pred: Any) -> Any:
        check_stacked(y_pred)
        check_rows(y_true, y_pred)
        check_several_rows(y_pred.shape[0])
        ids = whole_ids(y_true)
        costs = self.row_costs(similarity_matrix(y_pred[:, 0], y_pred[:, 1]), ids)
        return scaled_to_real_pairs(costs, ops.cast(ids >= 0, costs.dtype), self.reduction)

    def __call__(self, y_true: Any, y_pred: Any, sample_weight: Any = None) -> Any:
        return super().__call__(y_true, y_pred, real_pair_weights(y_true, sample_weight, self.reduction, self.dtype))
