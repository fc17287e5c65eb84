"""F1 averaged over classes, as a Keras metric."""

from collections.abc import Sequence
from typing import Any

from keras import ops

from keras_seq.core.checks import check_positive_integer
from keras_seq.core.registration import register
from keras_seq.metrics.accumulator import Accumulator
from keras_seq.metrics.formulas import macro_f1
from keras_seq.ops.labels import NO_LABEL
from keras_seq.ops.text_labels import class_ids, counted_weights


@register
class MacroF1(Accumulator):
    """Macro F1: F1 averaged over classes, each class counting alike however rare it is.

    For text classifiers whose classes differ in size, where accuracy speaks of the large ones alone. The mean is
    over the classes that occur, in the labels or in the predictions; the F1 of a class that is never right is 0. These
    are the rules of scikit-learn, and the numbers are those of `classification_scores`.

    Masking: texts whose label is `-1` are left out. With no text at all the result is 0.

    Args:
        num_classes: How many classes there are.

    Call arguments (of `update_state`):
        y_true: Integer class ids `(batch,)` or `(batch, 1)`, `-1` = no label. A label that is neither a class nor `-1`
            makes the result NaN.
        y_pred: Probabilities or scores `(batch, classes)`, of which the largest counts. What is no number makes the
            result NaN.
        sample_weight: Optional weights: one number, `(batch,)` or `(batch, 1)`.

    Returns (of `result`): a scalar.

    Raises:
        TypeError, ValueError: if `num_classes` is not a positive integer, or the shapes do not fit each other.

    Example: class 0 is found once of two times (F1 2/3), class 1 once, with one false alarm (F1 2/3); class 2 does not
    occur.

    >>> metric = MacroF1(num_classes=3)
    >>> metric.update_state([0, 0, 1, -1], [[0.9, 0.1, 0], [0.2, 0.8, 0], [0.1, 0.9, 0], [0, 0, 1]])
    >>> round(float(metric.result()), 3)
    0.667
    """

    arguments = ("num_classes",)
    direction = "up"

    def __init__(self, num_classes: int, *, name: str = "macro_f1", dtype: Any = None):
        check_positive_integer("num_classes", num_classes)
        super().__init__(dict.fromkeys(("correct", "predicted", "true"), (num_classes,)), name=name, dtype=dtype)
        self.num_classes = num_classes

    def amounts(self, y_true: Any, y_pred: Any, sample_weight: Any) -> Sequence[Any]:
        y_pred = ops.convert_to_tensor(y_pred)
        labels, predicted_ids = class_ids(y_true, y_pred), ops.argmax(y_pred, axis=-1)
        if y_pred.shape[-1] != self.num_classes:
            raise ValueError(
                f"`y_pred` must have one column for each of the {self.num_classes} classes. "
                f"Received: y_pred.shape={tuple(y_pred.shape)}. Give `num_classes` of the model."
            )
        # Of scores that are not numbers none is the largest.
        is_wrong = ops.logical_and(ops.not_equal(labels, NO_LABEL), ops.any(ops.isnan(y_pred), axis=-1))
        weights = ops.where(is_wrong, float("nan"), counted_weights(labels, sample_weight, self.dtype))[:, None]
        true = ops.one_hot(labels, self.num_classes, dtype=self.dtype) * weights
        predicted = ops.one_hot(predicted_ids, self.num_classes, dtype=self.dtype) * weights
        is_right = ops.cast(ops.equal(ops.cast(predicted_ids, "int32"), labels), self.dtype)[:, None]
        return [ops.sum(counts, axis=0) for counts in (true * is_right, predicted, true)]

    def score(self, correct: Any, predicted: Any, true: Any) -> Any:
        return macro_f1(correct, predicted, true)
