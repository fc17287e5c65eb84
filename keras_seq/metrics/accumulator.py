"""What the Keras metrics share: sums over batches, and a score of them."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

import keras
from keras import ops

from keras_seq.core.keras_calls import check_no_class_weight
from keras_seq.core.keras_compat import set_direction
from keras_seq.metrics.formulas import ratio
from keras_seq.ops.masking import step_weights


class Accumulator(keras.metrics.Metric):
    """A metric that is a formula of sums, and so exact however the data is cut into batches.

    On the JAX backend Keras hands metrics no mask while it trains, only while it evaluates: let the labels tell the
    padding.

    Args:
        sums: Name -> shape of each sum, in the order in which `amounts` gives them.
        name: Name of the metric.
        dtype: Dtype of the sums; float32 counts exactly up to 16.7 million.
    """

    arguments: ClassVar[tuple[str, ...]] = ()
    """The constructor arguments beside `name` and `dtype`; each is an attribute of its name."""
    direction: ClassVar[str | None] = None
    """Which is better, `"up"` or `"down"`, for callbacks with `mode="auto"`."""

    def __init__(self, sums: Mapping[str, tuple[int, ...]], *, name: str, dtype: Any = None) -> None:
        super().__init__(name=name, dtype=dtype)
        if self.direction is not None:
            set_direction(self, self.direction)
        self.sums = [
            self.add_variable(shape=shape, initializer="zeros", dtype=self.dtype, name=summed)
            for summed, shape in sums.items()
        ]

    @abstractmethod
    def amounts(self, y_true: Any, y_pred: Any, sample_weight: Any) -> Sequence[Any]:
        """What a batch adds to each of the sums; NaN where labels or predictions are wrong."""

    @abstractmethod
    def score(self, *sums: Any) -> Any:
        """The result, of the sums as tensors."""

    def update_state(self, y_true: Any, y_pred: Any, sample_weight: Any = None) -> None:
        for summed, amount in zip(self.sums, self.amounts(y_true, y_pred, sample_weight), strict=True):
            summed.assign_add(amount)

    def result(self) -> Any:
        return self.score(*(ops.convert_to_tensor(summed) for summed in self.sums))

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), **{name: getattr(self, name) for name in self.arguments}}


class StepMean(Accumulator):
    """A metric that is one sum over the real steps, `part`, divided by another, `whole`; 0 where there is no step."""

    def __init__(self, part: str, whole: str, *, name: str, dtype: Any = None) -> None:
        super().__init__({part: (), whole: ()}, name=name, dtype=dtype)

    @abstractmethod
    def steps(self, y_true: Any, y_pred: Any) -> tuple[Any, Any, Any]:
        """Which steps are real, and what each adds to part and to whole: three tensors `(batch, steps)`."""

    def amounts(self, y_true: Any, y_pred: Any, sample_weight: Any) -> Sequence[Any]:
        if sample_weight is not None:
            check_no_class_weight("Give `sample_weight`, one number per step: of class ids `np.take(weights, y)`.")
        real, *counted = self.steps(y_true, y_pred)
        weights = step_weights(real, sample_weight, self.dtype)
        # Not weights * costs alone: a cost may be infinite, and 0 * inf is no number.
        is_left_out = ops.equal(weights, 0)
        return [ops.sum(ops.where(is_left_out, 0.0, weights * ops.cast(each, self.dtype))) for each in counted]

    def score(self, part: Any, whole: Any) -> Any:
        return ratio(part, whole)
