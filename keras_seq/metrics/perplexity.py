"""How many classes a model hesitates between at a step, padding left out."""

from typing import Any

from keras import ops

from keras_seq.core.checks import check_integer
from keras_seq.core.registration import register
from keras_seq.metrics.accumulator import StepMean
from keras_seq.metrics.formulas import perplexity
from keras_seq.ops.cross_entropy import step_cross_entropy
from keras_seq.ops.masking import labels_of_real_steps
from keras_seq.ops.predictions import not_log_probabilities


@register
class Perplexity(StepMean):
    """Perplexity: `exp` of the mean over real steps of `-log p(target)`.

    For language models, beside `keras_seq.losses.MaskedCrossEntropy`, which leaves out the same steps. A model that
    spreads its belief evenly over `k` classes has perplexity `k`; a sure and right one has 1, which is the least.

    The result over a whole data set is exact however it is cut into batches. (The exponential of the loss that `fit`
    reports is not: Keras averages the losses of batches by their rows, not by their steps.)

    Masking: steps whose label is `ignored_label`, steps that the Keras mask of `y_pred` calls padding, and steps of
    sample weight 0 are not counted. With no step at all the perplexity is 1, the exponential of an empty sum.

    Args:
        ignored_label: The label of padding.

    Call arguments (of `update_state`):
        y_true: Integer class ids `(batch, steps)`, `-1` at padding. A label that is neither a class nor `ignored_label`
            makes the result NaN.
        y_pred: Log-probabilities in nats `(batch, steps, classes)`, as a log-softmax gives them; not probabilities or
            logits.
        sample_weight: Optional weights: one number, `(batch,)` or `(batch, steps)`.

    Returns (of `result`): a scalar of at least 1; infinite when a target had probability 0.

    Raises:
        TypeError: if `ignored_label` is not an integer.
        ValueError: if the shapes do not fit each other; if `class_weight` was given to `fit`; or if a number of
            `y_pred` at a real step is above 0, as no log-probability is (in a compiled graph the result is NaN then).

    Example: the words of a sentence had the probabilities .1, .4 and .3, and `(.1 * .4 * .3) ** (-1 / 3)` is 4.37.

    >>> import numpy as np
    >>> log_probabilities = np.log([[[0.1, 0.9], [0.4, 0.6], [0.3, 0.7], [0.5, 0.5]]])
    >>> perplexity = Perplexity()
    >>> perplexity.update_state([[0, 0, 0, -1]], log_probabilities)  # the last step is padding
    >>> round(float(perplexity.result()), 2)
    4.37

    Reference: Jelinek, Mercer, Bahl and Baker, "Perplexity: a measure of the difficulty of speech recognition tasks",
    Journal of the Acoustical Society of America 62(S1), 1977.
    """

    arguments = ("ignored_label",)
    direction = "down"

    def __init__(self, *, ignored_label: int = -1, name: str = "perplexity", dtype: Any = None):
        super().__init__("nats", "steps", name=name, dtype=dtype)
        check_integer("ignored_label", ignored_label)
        self.ignored_label = ignored_label

    def steps(self, y_true: Any, y_pred: Any) -> tuple[Any, Any, Any]:
        labels = labels_of_real_steps(y_true, y_pred, self.ignored_label)
        real = ops.not_equal(labels, self.ignored_label)
        y_pred = ops.cast(y_pred, self.dtype)
        costs = step_cross_entropy(labels, y_pred, self.ignored_label)
        return real, ops.where(not_log_probabilities(y_pred, real), float("nan"), costs), real

    def score(self, nats: Any, steps: Any) -> Any:
        return perplexity(nats, steps)
