"""How surprising a step of music is, padding left out."""

from typing import Any

from keras import ops

from keras_seq.core.registration import register
from keras_seq.metrics.accumulator import StepMean
from keras_seq.ops.notes import notes_of_real_steps, real_steps, step_note_costs
from keras_seq.ops.predictions import not_log_odds


@register
class NLLPerStep(StepMean):
    """Negative log-likelihood of a step in nats: minus the log-probability of all its notes, averaged over real steps.

    For polyphonic music, beside `keras_seq.losses.NoteCrossEntropy`, which leaves out the same steps. To be
    compared with published figures, the targets are the steps 2 to T of each piece, predicted from those before.

    Masking: steps whose notes are all -1, steps that the Keras mask of `y_pred` calls padding, and steps of sample
    weight 0 are not counted. With no step at all the result is 0.

    Call arguments (of `update_state`):
        y_true: `(batch, steps, notes)` of 0 and 1, -1 at all notes of padding. Numbers that are not within 0 and 1 make
            the result NaN.
        y_pred: Logits (log-odds) `(batch, steps, notes)`, not probabilities.
        sample_weight: Optional weights: one number, `(batch,)` or `(batch, steps)`.

    Returns (of `result`): a scalar in nats.

    Raises:
        ValueError: if the shapes do not fit each other; if `class_weight` was given to `fit`; or if `y_pred` are
            probabilities, all of many numbers between 0 and 1 (in a compiled graph the result is NaN then).

    Example: two notes, of which one sounds, at log-odds of 0 cost 2 ln 2.

    >>> import numpy as np
    >>> metric = NLLPerStep()
    >>> metric.update_state([[[1, 0], [-1, -1]]], np.zeros((1, 2, 2)))
    >>> round(float(metric.result()), 4)
    1.3863

    Reference: Bai, Kolter and Koltun, "An Empirical Evaluation of Generic Convolutional and Recurrent Networks for
    Sequence Modeling", 2018.
    """

    direction = "down"

    def __init__(self, *, name: str = "nll_per_step", dtype: Any = None):
        super().__init__("nats", "steps", name=name, dtype=dtype)

    def steps(self, y_true: Any, y_pred: Any) -> tuple[Any, Any, Any]:
        notes = notes_of_real_steps(y_true, y_pred)
        real, y_pred = real_steps(notes), ops.cast(y_pred, self.dtype)
        return real, ops.where(not_log_odds(y_pred, real), float("nan"), step_note_costs(notes, y_pred)), real
