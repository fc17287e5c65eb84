"""How far the confidence of a classifier is from how often it is right, as a Keras metric."""

from collections.abc import Sequence
from typing import Any

from keras import ops

from keras_seq.core.checks import check_positive_integer
from keras_seq.core.registration import register
from keras_seq.metrics.accumulator import Accumulator
from keras_seq.metrics.formulas import bin_places, calibration_error_of_bins
from keras_seq.ops.labels import NO_LABEL
from keras_seq.ops.predictions import not_probabilities
from keras_seq.ops.text_labels import class_ids, counted_weights


@register
class ExpectedCalibrationError(Accumulator):
    """Expected calibration error: the mean gap between confidence and accuracy.

    For text classifiers whose probabilities are shown or compared with a threshold: among the texts of which a model is
    80% sure, it should be right in 80%. Texts are put into bins of equal width by the probability of the predicted
    class (a bin holds its upper edge); the gaps of the bins are averaged, each counting by its texts.

    Masking: texts whose label is `-1` are left out. With no text at all the result is 0.

    Args:
        num_bins: How many bins.

    Call arguments (of `update_state`):
        y_true: Integer class ids `(batch,)` or `(batch, 1)`, `-1` = no label. A label that is neither a class nor `-1`
            makes the result NaN.
        y_pred: Probabilities `(batch, classes)`.
        sample_weight: Optional weights: one number, `(batch,)` or `(batch, 1)`.

    Returns (of `result`): a scalar from 0 (calibrated) to 1.

    Raises:
        TypeError, ValueError: if `num_bins` is not a positive integer, the shapes do not fit each other, or `y_pred`
            are no probabilities (in a compiled graph the result is NaN then).

    Example: 90% sure and right, 80% sure and wrong.

    >>> metric = ExpectedCalibrationError()
    >>> metric.update_state([0, 1, -1], [[0.9, 0.1], [0.8, 0.2], [0.5, 0.5]])
    >>> round(float(metric.result()), 2)
    0.45

    Reference: Naeini, Cooper and Hauskrecht, "Obtaining Well Calibrated Probabilities Using Bayesian Binning", AAAI
    2015; Guo et al., "On Calibration of Modern Neural Networks", ICML 2017, section 2.
    """

    arguments = ("num_bins",)
    direction = "down"

    def __init__(self, num_bins: int = 15, *, name: str = "ece", dtype: Any = None):
        check_positive_integer("num_bins", num_bins)
        # The sum of confidence less what was right, of each bin: the texts of a bin need not be known one by one.
        super().__init__({"gaps": (num_bins,), "total": ()}, name=name, dtype=dtype)
        self.num_bins = num_bins

    def amounts(self, y_true: Any, y_pred: Any, sample_weight: Any) -> Sequence[Any]:
        y_pred = ops.cast(y_pred, self.dtype)
        labels = class_ids(y_true, y_pred)
        weights = counted_weights(labels, sample_weight, self.dtype)
        is_wrong = not_probabilities(y_pred, ops.not_equal(labels, NO_LABEL))
        weights = ops.where(is_wrong, float("nan"), weights)
        confidences = ops.max(y_pred, axis=-1)
        correct = ops.cast(ops.equal(ops.cast(ops.argmax(y_pred, axis=-1), "int32"), labels), self.dtype)
        bins = ops.one_hot(bin_places(confidences, self.num_bins), self.num_bins, dtype=self.dtype)
        # Not weights * gaps alone: what was predicted for a text without a label may be no number.
        gaps = ops.where(ops.equal(weights, 0), 0.0, weights * (confidences - correct))
        return ops.sum(bins * gaps[:, None], axis=0), ops.sum(weights)

    def score(self, gaps: Any, count: Any) -> Any:
        return calibration_error_of_bins(gaps, count)
