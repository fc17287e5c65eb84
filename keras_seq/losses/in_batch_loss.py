"""What the losses share whose negatives are the other pairs of the batch."""

from __future__ import annotations

from abc import abstractmethod
from typing import Any

from keras import ops

from keras_seq.losses.cost_loss import CostLoss
from keras_seq.losses.pair_costs import check_stacked
from keras_seq.ops.labels import NO_LABEL
from keras_seq.ops.similarity import similarity_matrix
from keras_seq.ops.triplets import check_several_rows, rows_and_ids


class InBatchLoss(CostLoss):
    """A loss with one cost for each pair, from the cosines of all first with all second vectors and the ids of rows."""

    @abstractmethod
    def row_costs(self, scores: Any, ids: Any) -> Any:
        """The cost `(batch,)` of each pair, 0 at padding, from cosines `(batch, batch)` and ids `(batch,)` as
        `keras_seq.ops.labels.row_ids` gives them: NaN where one of them is none."""

    def costs(self, y_true: Any, y_pred: Any, mask: Any) -> tuple[Any, Any]:
        check_stacked(y_pred)
        check_several_rows(y_pred.shape[0])
        pairs, ids = rows_and_ids(y_true, y_pred)
        return self.row_costs(similarity_matrix(pairs[:, 0], pairs[:, 1]), ids), ops.not_equal(ids, NO_LABEL)
