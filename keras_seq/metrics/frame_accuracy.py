"""How many of the notes of a step are predicted rightly, padding left out."""

from typing import Any

from keras import ops

from keras_seq.core.registration import register
from keras_seq.metrics.accumulator import StepMean
from keras_seq.ops.notes import note_hits, notes_of_real_steps, real_steps
from keras_seq.ops.predictions import not_log_odds


@register
class FrameAccuracy(StepMean):
    """Frame accuracy, TP / (TP + FP + FN): notes rightly predicted, of all that are predicted or sound.

    For polyphonic music. A note is predicted where its probability is at least one half. Notes that are rightly silent
    do not count: they are nearly all of them.

    Masking: steps whose notes are all -1, and steps that the Keras mask of `y_pred` calls padding, are left out. With
    nothing to count the result is 0.

    Call arguments (of `update_state`):
        y_true: `(batch, steps, notes)` of 0 and 1, -1 at all notes of padding. Other numbers make the result NaN.
        y_pred: Logits (log-odds) `(batch, steps, notes)`, not probabilities.
        sample_weight: Optional weights: one number, `(batch,)` or `(batch, steps)`.

    Returns (of `result`): a scalar from 0 to 1.

    Raises:
        ValueError: if the shapes do not fit each other; if `class_weight` was given to `fit`; or if `y_pred` are
            probabilities, all of many numbers between 0 and 1 (in a compiled graph the result is NaN then).

    Example: one of two sounding notes is found, and one is predicted that is silent.

    >>> metric = FrameAccuracy()
    >>> metric.update_state([[[1, 1, 0, 0]]], [[[3.0, -1.0, 2.0, -5.0]]])
    >>> round(float(metric.result()), 4)
    0.3333

    Reference: Bay, Ehmann and Downie, "Evaluation of Multiple-F0 Estimation and Tracking Systems", ISMIR 2009.
    """

    def __init__(self, *, name: str = "frame_accuracy", dtype: Any = None):
        super().__init__("hits", "notes", name=name, dtype=dtype)

    def steps(self, y_true: Any, y_pred: Any) -> tuple[Any, Any, Any]:
        notes = notes_of_real_steps(y_true, y_pred)
        real, y_pred = real_steps(notes), ops.convert_to_tensor(y_pred)
        is_wrong = not_log_odds(y_pred, real)
        hits, either = (ops.where(is_wrong, float("nan"), counts) for counts in note_hits(notes, y_pred))
        return real, hits, either
