"""Share of tokens whose tag is right, padding left out."""

from typing import Any

import keras
from keras import ops

from keras_seq.core.registration import register
from keras_seq.ops.masking import step_weights
from keras_seq.ops.tag_decoding import decode_tags


@register
class MaskedTokenAccuracy(keras.metrics.Metric):
    """Share of real tokens whose predicted tag is the true one.

    For taggers and language models, beside a loss that leaves out the same steps. Most tokens of entity data are
    outside any entity: there, look at `EntityF1` first.

    Masking: steps whose `y_true` is negative are left out. With no real step at all the accuracy is 0.

    Args:
        name: Name of the metric.
        dtype: Dtype of the counts; float32 counts exactly up to 16.7 million tokens.

    Call arguments (of `update_state`):
        y_true: int tensor `(batch, steps)` of tag ids, negative where there is no token.
        y_pred: Either tag ids, int `(batch, steps)`, or scores of the tags, float `(batch, steps, tags)`, or potentials
            of a CRF, float `(batch, steps, tags, tags)`. A negative id at a real step is an error.
        sample_weight: Optional weights, `(batch,)` or `(batch, steps)`.

    Returns (of `result`): a scalar.

    Raises:
        ValueError: When the shapes do not fit each other.

    Example:

    >>> accuracy = MaskedTokenAccuracy()
    >>> accuracy.update_state([[1, 2, -1]], [[1, 0, 0]])
    >>> float(accuracy.result())
    0.5
    """

    def __init__(self, *, name: str = "token_accuracy", dtype: Any = None):
        super().__init__(name=name, dtype=dtype)
        self.correct = self.add_variable(shape=(), initializer="zeros", dtype=self.dtype, name="correct")
        self.total = self.add_variable(shape=(), initializer="zeros", dtype=self.dtype, name="total")

    def update_state(self, y_true: Any, y_pred: Any, sample_weight: Any = None) -> None:
        y_true = ops.cast(y_true, "int32")
        mask = y_true >= 0
        tag_ids = decode_tags(y_pred, mask)
        weights = step_weights(mask, sample_weight, self.dtype)
        self.correct.assign_add(ops.sum(weights * ops.cast(tag_ids == y_true, self.dtype)))
        self.total.assign_add(ops.sum(weights))

    def result(self) -> Any:
        return ops.divide_no_nan(ops.convert_to_tensor(self.correct), ops.convert_to_tensor(self.total))
