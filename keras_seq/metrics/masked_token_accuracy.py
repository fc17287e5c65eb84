"""Share of tokens whose tag is right, padding left out."""

from typing import Any

from keras import ops

from keras_seq.core.checks import check_integer
from keras_seq.core.registration import register
from keras_seq.metrics.accumulator import StepMean
from keras_seq.ops.labels import NO_CLASS
from keras_seq.ops.masking import labels_of_real_steps
from keras_seq.ops.tag_decoding import FORMS, checked_tags


@register
class MaskedTokenAccuracy(StepMean):
    """Token accuracy: the share of real tokens whose predicted tag is the true one.

    For taggers and language models, beside a loss that leaves out the same steps. Most tokens of entity data are
    outside any entity: there, look at `EntityF1` first.

    Masking: steps whose label is `ignored_label`, and steps that the Keras mask of `y_pred` calls padding, are left
    out. With no real step at all the accuracy is 0.

    Args:
        ignored_label: The label of padding.

    Call arguments (of `update_state`):
        y_true: int tensor `(batch, steps)` of tag ids, `-1` where there is no token. A label that is neither a tag nor
            `ignored_label` makes the result NaN.
        y_pred: Either tag ids, int `(batch, steps)`, or scores of the tags, float `(batch, steps, tags)`, or potentials
            of a CRF, float `(batch, steps, tags, tags)`. A negative id at a real step counts as an error of the model;
            what is no number makes the result NaN.
        sample_weight: Optional weights: one number, `(batch,)` or `(batch, steps)`.

    Returns (of `result`): a scalar.

    Raises:
        TypeError: if `ignored_label` is not an integer.
        ValueError: if the shapes do not fit each other, or `class_weight` was given to `fit`.

    Example:

    >>> accuracy = MaskedTokenAccuracy()
    >>> accuracy.update_state([[1, 2, -1]], [[1, 0, 0]])
    >>> float(accuracy.result())
    0.5
    """

    arguments = ("ignored_label",)

    def __init__(self, *, ignored_label: int = -1, name: str = "token_accuracy", dtype: Any = None):
        super().__init__("correct", "total", name=name, dtype=dtype)
        check_integer("ignored_label", ignored_label)
        self.ignored_label = ignored_label

    def steps(self, y_true: Any, y_pred: Any) -> tuple[Any, Any, Any]:
        labels = labels_of_real_steps(y_true, y_pred, self.ignored_label, forms=FORMS)
        real = ops.not_equal(labels, self.ignored_label)
        tag_ids = checked_tags(y_pred, real)
        is_wrong = ops.logical_and(real, ops.logical_or(ops.equal(labels, NO_CLASS), ops.equal(tag_ids, NO_CLASS)))
        is_right = ops.cast(ops.equal(tag_ids, labels), self.dtype)
        return real, ops.where(is_wrong, float("nan"), is_right), real
