"""The training loss of models that classify whole texts."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from keras import ops

from keras_seq.core.checks import check_boolean, check_non_negative_number, check_rate
from keras_seq.core.keras_calls import check_no_class_weight
from keras_seq.core.registration import register
from keras_seq.losses.cost_loss import CostLoss
from keras_seq.ops.cross_entropy import class_cross_entropy
from keras_seq.ops.predictions import not_probabilities
from keras_seq.ops.text_labels import class_targets


@register
class ClassCrossEntropy(CostLoss):
    """Cross-entropy of whole texts, averaged over the texts that have a label.

    For classifiers that put out probabilities. No probability is taken for less than 1e-30: an example that is very
    wrong costs up to 69 nats and keeps its gradient, where the limit of stock Keras, 1e-7, lets both end at 16. (The
    sigmoid of a class that a text does not have is near 1 when it is very wrong, where float32 ends: at 17 nats.)

    Masking: a text without a label counts neither in the sum nor in the mean, whatever was predicted for it. The labels
    say it alone; a Keras mask is not read, for a text has no steps any more.

    Args:
        class_weights: what the cost of each class weighs, one number for each, in the order of the class ids; by
            default 1. They weigh the sum alone: the mean is still over texts. (PyTorch divides by the weights of the
            true classes.) `keras_seq.ops.class_weights.class_weights_balanced` computes weights whose mean over the
            training texts is 1.
        label_smoothing: the share of each target that is spread evenly over all classes; with `multi_label` the targets
            1 and 0 become `1 - label_smoothing / 2` and `label_smoothing / 2`.
        multi_label: whether a text can have several classes: a binary cross-entropy for each class, averaged over
            classes.

    Call arguments:
        y_true: `(batch,)` or `(batch, 1)` integer class ids, `-1` = no label; or the shares of the classes
            `(batch, classes)`, floating. With `multi_label`: `(batch, classes)`, 1 for each class that the text has and
            0 for the others. In both of the latter a row of `-1` alone has no label. A label that is no class,
            shares outside 0 to 1, and shares whose sum is not 1, make the loss NaN.
        y_pred: `(batch, classes)` probabilities: of a softmax, or with `multi_label` of a sigmoid per class.
        sample_weight: optional weights: one number, `(batch,)` or `(batch, 1)`. They weigh the sum, which is divided by
            the number of texts with a label, or with `reduction="mean_with_sample_weight"` by their weights.

    Returns:
        A scalar in nats; with `reduction="sum"` the sum over texts, with `reduction=None` one per text, `(batch,)`.
        Without any label 0.

    Raises:
        TypeError: if an argument is of the wrong type.
        ValueError: if a weight is negative or not finite; if `label_smoothing` is not in [0, 1); if the shapes do not
            fit each other; if `class_weight` was given to `fit` with `multi_label`; or if `y_pred` are no
            probabilities. In a compiled graph, where the numbers are not known when it is made, the loss is NaN then.

    Example: the true classes of two texts had the probabilities .7 and .6; the third text has no label.

        >>> import numpy as np
        >>> from keras_seq.losses import ClassCrossEntropy
        >>> probabilities = np.array([[0.7, 0.3], [0.4, 0.6], [0.5, 0.5]])
        >>> round(float(ClassCrossEntropy()(np.array([0, 1, -1]), probabilities)), 4)  # -(ln .7 + ln .6) / 2
        0.4338

    Reference:
        Szegedy et al., "Rethinking the Inception Architecture for Computer Vision", CVPR 2016, section 7 (label
        smoothing).
    """

    arguments = ("class_weights", "label_smoothing", "multi_label")

    def __init__(
        self,
        *,
        class_weights: Sequence[float] | None = None,
        label_smoothing: float = 0.0,
        multi_label: bool = False,
        name: str = "class_cross_entropy",
        **kwargs: Any,
    ) -> None:
        super().__init__(name=name, **kwargs)
        check_rate("label_smoothing", label_smoothing)
        check_boolean("multi_label", multi_label)
        self.class_weights = None if class_weights is None else _checked_weights(class_weights)
        self.label_smoothing = float(label_smoothing)
        self.multi_label = multi_label

    def costs(self, y_true: Any, y_pred: Any, mask: Any) -> tuple[Any, Any]:
        targets, has_label = class_targets(y_true, y_pred, self.multi_label)
        classes = targets.shape[-1]
        if self.class_weights is not None and len(self.class_weights) != classes:
            raise ValueError(
                "`class_weights` must have one number for each class. "
                f"Received: {len(self.class_weights)} class_weights for y_pred.shape={tuple(y_pred.shape)}. "
                "Give as many weights as the model has classes."
            )
        if self.label_smoothing:
            evenly = 0.5 if self.multi_label else 1 / classes
            targets = targets * (1 - self.label_smoothing) + evenly * self.label_smoothing
        is_wrong = not_probabilities(y_pred, has_label, each_for_itself=self.multi_label)
        losses = class_cross_entropy(targets, has_label, y_pred, self.class_weights, self.multi_label)
        return ops.where(is_wrong, float("nan"), losses), has_label

    def check_weights(self, sample_weight: Any) -> None:
        if self.multi_label:
            check_no_class_weight("Give `class_weights` of the loss.")


def _checked_weights(class_weights: Any) -> list[float]:
    weights = class_weights.tolist() if hasattr(class_weights, "tolist") else class_weights
    if not isinstance(weights, (list, tuple)) or not weights:
        raise TypeError(
            "`class_weights` must be a list of one number for each class. "
            f"Received: class_weights={class_weights!r}. Pass the weights in the order of the class ids."
        )
    for weight in weights:
        check_non_negative_number("class_weights", weight)
    return [float(weight) for weight in weights]
