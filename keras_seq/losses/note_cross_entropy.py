"""The training loss of models that predict several notes at each step."""

from __future__ import annotations

from typing import Any

from keras import ops

from keras_seq.core.keras_calls import check_no_class_weight
from keras_seq.core.registration import register
from keras_seq.losses.cost_loss import CostLoss
from keras_seq.ops.notes import notes_of_real_steps, real_steps, step_note_costs
from keras_seq.ops.predictions import not_log_odds


@register
class NoteCrossEntropy(CostLoss):
    """Binary cross-entropy, summed over the notes of a step and averaged over the real steps of a batch.

    For polyphonic music: at each step any number of notes sounds, and each is predicted for itself. The value is the
    negative log-likelihood of a step in nats, as it is reported for the piano rolls of Boulanger-Lewandowski et al.

    Masking: steps whose notes are all -1, and steps that the Keras mask of `y_pred` calls padding, count neither in the
    sum nor in the mean. A rest, 0 at all notes, is a real step.

    Args:
        reduction: as everywhere in Keras; by default the mean over real steps.

    Call arguments:
        y_true: `(batch, steps, notes)`: 1 where a note sounds, 0 where it is silent, -1 at all notes of padding. A note
            of a real step that is not within 0 and 1 makes the loss NaN.
        y_pred: `(batch, steps, notes)` logits (log-odds) of a dense layer without activation; not probabilities.
        sample_weight: optional weights: one number, `(batch,)` or `(batch, steps)`. They weigh the sum, which is
            divided by the number of real steps, or with `reduction="mean_with_sample_weight"` by their weights.

    Returns:
        A scalar in nats; with `reduction="sum"` the sum over steps, with `reduction=None` one per step,
        `(batch, steps)`. Without any real step 0.

    Raises:
        ValueError: if the shapes do not fit each other; if `class_weight` was given to `fit`; or if `y_pred` are
            probabilities: all of many numbers between 0 and 1. In a compiled graph, where the numbers are not known
            when it is made, the loss is NaN then.

    Example: a step with two notes, of which the first sounds, its probabilities .8 and .1; then padding.

        >>> import numpy as np
        >>> from keras_seq.losses import NoteCrossEntropy
        >>> log_odds = np.log([[[0.8 / 0.2, 0.1 / 0.9], [1.0, 1.0]]])
        >>> round(float(NoteCrossEntropy()(np.array([[[1, 0], [-1, -1]]]), log_odds)), 4)  # -(ln .8 + ln .9)
        0.3285

    Reference:
        Boulanger-Lewandowski, Bengio and Vincent, "Modeling Temporal Dependencies in High-Dimensional Sequences",
        ICML 2012.
    """

    def __init__(self, *, name: str = "note_cross_entropy", **kwargs: Any) -> None:
        super().__init__(name=name, **kwargs)

    def costs(self, y_true: Any, y_pred: Any, mask: Any) -> tuple[Any, Any]:
        notes = notes_of_real_steps(y_true, y_pred, mask=mask)
        real = real_steps(notes)
        return ops.where(not_log_odds(y_pred, real), float("nan"), step_note_costs(notes, y_pred)), real

    def check_weights(self, sample_weight: Any) -> None:
        check_no_class_weight("Give `sample_weight`, one number per step.")
