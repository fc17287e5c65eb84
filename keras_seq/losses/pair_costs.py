"""What the losses share that compare the two vectors of a pair alone."""

from __future__ import annotations

from abc import abstractmethod
from typing import Any

import keras
from keras import ops

from keras_seq.ops.text_labels import text_weights
from keras_seq.ops.triplets import check_rows


class PairCosts(keras.losses.Loss):
    """A loss with one cost for each pair, of its cosine; pairs with a label below 0 are padding."""

    @abstractmethod
    def pair_costs(self, y_true: Any, cosines: Any) -> Any:
        """The cost `(batch,)` of each pair from labels and cosines `(batch,)`."""

    def call(self, y_true: Any, y_pred: Any) -> Any:
        check_stacked(y_pred)
        check_rows(y_true, y_pred)
        # A column (batch, 1) must not meet cosines (batch,): the costs would be those of all labels with all pairs.
        labels = ops.cast(ops.reshape(y_true, (-1,)), y_pred.dtype)
        is_real = ops.cast(labels >= 0, y_pred.dtype)
        costs = is_real * self.pair_costs(labels, ops.sum(y_pred[:, 0] * y_pred[:, 1], axis=-1))
        return scaled_to_real_pairs(costs, is_real, self.reduction)

    def __call__(self, y_true: Any, y_pred: Any, sample_weight: Any = None) -> Any:
        return super().__call__(y_true, y_pred, real_pair_weights(y_true, sample_weight, self.reduction, self.dtype))


def check_stacked(y_pred: Any) -> None:
    """Raise unless `y_pred` is the two vectors of each pair."""
    if len(y_pred.shape) != 3 or y_pred.shape[1] != 2:
        raise ValueError(
            "`y_pred` must be the two vectors of each pair, (batch, 2, features). Received: "
            f"y_pred.shape={tuple(y_pred.shape)}. Take them from `keras_seq.zoo.stacked_twins(model)`."
        )


def scaled_to_real_pairs(costs: Any, is_real: Any, reduction: str | None) -> Any:
    """Costs `(batch,)` such that their mean over all rows, which Keras takes, is the mean over real ones."""
    if reduction not in ("sum_over_batch_size", "mean"):
        return costs
    return ops.divide_no_nan(costs, ops.mean(is_real))


def real_pair_weights(y_true: Any, sample_weight: Any, reduction: str | None, dtype: Any) -> Any:
    """Sample weights that are 0 at padding; `None` where none are needed."""
    if sample_weight is None and reduction != "mean_with_sample_weight":
        return None
    return text_weights(ops.reshape(ops.convert_to_tensor(y_true), (-1,)) >= 0, sample_weight, dtype)
