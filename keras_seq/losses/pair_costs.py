"""What the losses share that compare the two vectors of a pair alone."""

from __future__ import annotations

from abc import abstractmethod
from typing import Any

from keras import ops

from keras_seq.losses.cost_loss import CostLoss
from keras_seq.ops.labels import NO_LABEL
from keras_seq.ops.triplets import numbers_of_rows


class PairCosts(CostLoss):
    """A loss with one cost for each pair, of its cosine; labels from 0 to 1, and -1 at padding."""

    @abstractmethod
    def pair_costs(self, y_true: Any, cosines: Any) -> Any:
        """The cost `(batch,)` of each pair from labels and cosines `(batch,)`."""

    def costs(self, y_true: Any, y_pred: Any, mask: Any) -> tuple[Any, Any]:
        check_stacked(y_pred)
        labels = numbers_of_rows(y_true, y_pred)
        real = ops.not_equal(labels, NO_LABEL)
        # What stands at padding has no gradient.
        y_pred = ops.where(real[:, None, None], y_pred, 0.0)
        costs = self.pair_costs(labels, ops.sum(y_pred[:, 0] * y_pred[:, 1], axis=-1))
        is_right = ops.logical_and(labels >= 0, labels <= 1)
        return ops.where(real, ops.where(is_right, costs, float("nan")), 0.0), real


def check_stacked(y_pred: Any) -> None:
    """Raise unless `y_pred` is the two vectors of each pair."""
    if len(y_pred.shape) != 3 or y_pred.shape[1] != 2:
        raise ValueError(
            "`y_pred` must be the two vectors of each pair, (batch, 2, features). Received: "
            f"y_pred.shape={tuple(y_pred.shape)}. Take them from `keras_seq.zoo.stacked_twins(model)`."
        )
