"""The training loss of models that predict one class per step."""

from __future__ import annotations

from typing import Any

from keras import ops

from keras_seq.core.checks import check_integer
from keras_seq.core.keras_calls import check_no_class_weight
from keras_seq.core.registration import register
from keras_seq.losses.cost_loss import CostLoss
from keras_seq.ops.cross_entropy import step_cross_entropy
from keras_seq.ops.masking import labels_of_real_steps
from keras_seq.ops.predictions import not_log_probabilities


@register
class MaskedCrossEntropy(CostLoss):
    """Cross-entropy averaged over the real steps of a batch.

    The mean is taken once, over all real steps of all rows: a long row counts for more than a short one, and neither
    padding nor the way in which steps are spread over the rows of the batch changes the value.

    Masking: steps whose label is `ignored_label`, and steps that the Keras mask of `y_pred` calls padding, count
    neither in the sum nor in the mean. Where the labels tell the padding, no Keras mask is needed.

    Args:
        ignored_label: the label of padding.

    Call arguments:
        y_true: `(batch, steps)` integer class ids, `-1` at padding. A label that is neither a class nor `ignored_label`
            makes the loss NaN, whatever its dtype: 0.5 and 2^32 are no classes.
        y_pred: `(batch, steps, classes)` log-probabilities, as a log-softmax gives them; not probabilities or logits.
        sample_weight: optional weights: one number, `(batch,)` or `(batch, steps)`. As everywhere in Keras they weigh
            the sum, which is divided by the number of real steps, or with `reduction="mean_with_sample_weight"` by
            their weights. (`class_weight` of `fit` is refused: Keras reads several labels of a row as one class.)

    Returns:
        A scalar in nats; with `reduction="sum"` the sum over steps, with `reduction=None` one per step,
        `(batch, steps)`. Without any real step 0.

    Raises:
        TypeError: if `ignored_label` is not an integer.
        ValueError: if the shapes do not fit each other; if `class_weight` was given to `fit`; or if a number of
            `y_pred` at a real step is above 0, as no log-probability is. In a compiled graph, where the numbers are not
            known when it is made, the loss is NaN then.

    Example: the true classes of three steps had the probabilities .7, .6 and .9; the fourth step is padding.

        >>> import numpy as np
        >>> from keras_seq.losses import MaskedCrossEntropy
        >>> log_probabilities = np.log([[[0.7, 0.3], [0.4, 0.6], [0.9, 0.1], [0.5, 0.5]]])
        >>> loss = MaskedCrossEntropy()(np.array([[0, 1, 0, -1]]), log_probabilities)
        >>> round(float(loss), 4)  # -(ln .7 + ln .6 + ln .9) / 3
        0.3243
    """

    arguments = ("ignored_label",)

    def __init__(self, *, ignored_label: int = -1, name: str = "masked_cross_entropy", **kwargs: Any) -> None:
        super().__init__(name=name, **kwargs)
        check_integer("ignored_label", ignored_label)
        self.ignored_label = ignored_label

    def costs(self, y_true: Any, y_pred: Any, mask: Any) -> tuple[Any, Any]:
        labels = labels_of_real_steps(y_true, y_pred, self.ignored_label, mask=mask)
        real = ops.not_equal(labels, self.ignored_label)
        costs = step_cross_entropy(labels, y_pred, self.ignored_label)
        return ops.where(not_log_probabilities(y_pred, real), float("nan"), costs), real

    def check_weights(self, sample_weight: Any) -> None:
        check_no_class_weight("Give `sample_weight`, one number per step: `np.take(weights_of_classes, y)`.")
