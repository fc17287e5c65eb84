"""The training loss of models that predict several notes at each step."""

from __future__ import annotations

from typing import Any

import keras
from keras import ops

from keras_seq.core.registration import register
from keras_seq.ops.masking import step_weights
from keras_seq.ops.notes import notes_of_real_steps, real_steps, step_note_costs


@register
class NoteCrossEntropy(keras.losses.Loss):
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
        y_pred: `(batch, steps, notes)` log-odds, as a dense layer without activation gives them; not probabilities.
        sample_weight: optional weights, `(batch,)` or `(batch, steps)`. They weigh the sum, which is divided by the
            number of real steps, or with `reduction="mean_with_sample_weight"` by their weights.

    Returns:
        A scalar in nats; with `reduction="sum"` the sum over steps, with `reduction=None` one per step,
        `(batch, steps)`. Without any real step 0.

    Raises:
        ValueError: if the shapes do not fit each other.

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

    def call(self, y_true: Any, y_pred: Any) -> Any:
        losses = step_note_costs(y_true, y_pred)
        if self.reduction not in ("sum_over_batch_size", "mean"):
            return losses
        # Scaled so that the mean over all steps, which the base class takes, is the mean over real ones.
        return ops.divide_no_nan(losses, ops.mean(ops.cast(real_steps(y_true), losses.dtype)))

    def __call__(self, y_true: Any, y_pred: Any, sample_weight: Any = None) -> Any:
        notes = notes_of_real_steps(y_true, y_pred)
        if sample_weight is not None or self.reduction == "mean_with_sample_weight":
            sample_weight = step_weights(real_steps(notes), sample_weight, self.dtype)
        # The notes hold the Keras mask now; `ops.copy` takes it off, for the base class would divide by it once more.
        return super().__call__(notes, ops.copy(y_pred), sample_weight)
