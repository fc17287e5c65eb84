"""What all losses share: labels as they were given, a mean over what is real, weights of any shape that Keras takes."""

from __future__ import annotations

from abc import abstractmethod
from typing import Any, ClassVar

import keras
from keras import ops

from keras_seq.core.keras_compat import get_keras_mask
from keras_seq.ops.masking import row_weights, step_weights


class CostLoss(keras.losses.Loss):
    """A loss that is the mean of costs, one for each row or each step.

    `keras.losses.Loss` casts labels to its own dtype before `call` sees them: float32 tells whole numbers apart up to
    2^24. So this class reduces by itself what `costs` computes of the labels as they were given.
    """

    arguments: ClassVar[tuple[str, ...]] = ()
    """The constructor arguments beside those of `keras.losses.Loss`; each is an attribute of its name."""

    @abstractmethod
    def costs(self, y_true: Any, y_pred: Any, mask: Any) -> tuple[Any, Any]:
        """The costs, `(batch,)` or `(batch, steps)`, and for how many real rows or steps each of them stands.

        Args:
            y_true: The labels as they were given.
            y_pred: The predictions in the dtype of the loss.
            mask: Their Keras mask, or `None`.

        Returns:
            Two tensors of one shape: the costs, 0 at padding and NaN where a label is wrong; and counts, 0 at padding.
        """

    def check_weights(self, sample_weight: Any) -> None:
        """Raise if weights cannot be those of the labels; called where there are some. Shapes are checked apart."""

    def call(self, y_true: Any, y_pred: Any) -> Any:
        """The costs, such that their mean over all rows and steps is the mean over real ones."""
        mask = get_keras_mask(y_pred)
        costs, counts = self.costs(y_true, ops.convert_to_tensor(y_pred, dtype=self.dtype), mask)
        if self.reduction not in ("sum_over_batch_size", "mean"):
            return costs
        return ops.divide_no_nan(costs, ops.mean(ops.cast(counts, costs.dtype)))

    def __call__(self, y_true: Any, y_pred: Any, sample_weight: Any = None) -> Any:
        with keras.name_scope(self.name):
            if sample_weight is not None:
                self.check_weights(sample_weight)
            mask = get_keras_mask(y_pred)
            costs, counts = self.costs(y_true, ops.convert_to_tensor(y_pred, dtype=self.dtype), mask)
            costs = ops.cast(costs, self.dtype)
            counts = ops.cast(counts, self.dtype)
            if sample_weight is not None:
                weigh = row_weights if len(costs.shape) == 1 else step_weights
                weights = weigh(counts > 0, sample_weight, self.dtype)
                costs = costs * weights
                if self.reduction == "mean_with_sample_weight":
                    counts = counts * weights
            if self.reduction in (None, "none"):
                return costs
            total = ops.sum(costs)
            if self.reduction == "sum":
                return total
            mean = ops.divide_no_nan(total, ops.sum(counts))
            # The mean of one number: so Keras scales it, where several replicas share a batch.
            return _One(dtype=self.dtype)(ops.zeros((1,)), mean[None])

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), **{name: getattr(self, name) for name in self.arguments}}


class _One(keras.losses.Loss):
    """The mean of what is predicted."""

    def call(self, y_true: Any, y_pred: Any) -> Any:
        return y_pred
