"""Steps of several notes at once: what they cost, how many are right, and drawing them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import keras
from keras import ops

from keras_seq.core.keras_compat import get_keras_mask
from keras_seq.ops.labels import real_numbers
from keras_seq.ops.masking import is_same_shape
from keras_seq.ops.random_numbers import uniform_numbers_of_columns
from keras_seq.ops.row_options import longest_of

Tensor = Any
# What a model remembers: any nested structure of tensors whose first axis is the batch.
States = Any
# `step(notes (batch, notes), states) -> (logits (batch, notes), states)`.
Step = Callable[[Tensor, States], tuple[Tensor, States]]

# What stands at the notes of a step that is padding.
IGNORED = -1


def notes_of_real_steps(y_true: Any, y_pred: Any, *, mask: Any = None) -> Any:
    """The notes, with -1 also at the steps that the Keras mask of `y_pred` calls padding.

    Args:
        y_true: `(batch, steps, notes)`, 1 where a note sounds, 0 where it is silent, -1 at all notes of padding.
        y_pred: `(batch, steps, notes)`, as a model put them out.
        mask: The Keras mask, where `y_pred` does not carry it any more.

    Returns:
        A tensor of the shape and dtype of `y_pred`.

    Raises:
        ValueError: if the shapes do not fit each other.
    """
    mask = get_keras_mask(y_pred) if mask is None else mask
    y_pred = ops.convert_to_tensor(y_pred)
    notes = real_numbers(y_true, keras.backend.standardize_dtype(y_pred.dtype))
    if len(notes.shape) != 3 or len(y_pred.shape) != 3 or not is_same_shape(notes.shape, y_pred.shape):
        raise ValueError(
            "`y_true` must be notes and `y_pred` their log-odds, both of the shape (batch, steps, notes). "
            f"Received: y_true.shape={tuple(notes.shape)}, y_pred.shape={tuple(y_pred.shape)}. "
            "Give one number for each note, and notes padded to the length of the predictions."
        )
    return notes if mask is None else ops.where(mask[..., None], notes, float(IGNORED))


def real_steps(notes: Any) -> Any:
    """Boolean `(batch, steps)`: the steps that are not -1 at all notes. A rest is 0 at all notes, and real."""
    return ops.any(ops.not_equal(notes, IGNORED), axis=-1)


def step_note_costs(notes: Any, logits: Any) -> Any:
    """What each step costs in nats: minus the log-probability of all its notes, each drawn for itself.

    With `z` the log-odds of a note that sounds (`y = 1`) or not (`y = 0`): `sum over notes of log(1 + exp(z)) - y z`.

    Args:
        notes: `(batch, steps, notes)` of 0, 1 and, at padding, -1.
        logits: `(batch, steps, notes)`, floating.

    Returns:
        A tensor `(batch, steps)`: 0 at padding, whatever was predicted there; NaN where a note of a real step is not
        within 0 and 1, so that wrong targets are seen.
    """
    real = real_steps(notes)
    logits = ops.where(real[..., None], logits, 0.0)
    costs = ops.sum(ops.softplus(logits) - ops.cast(notes, logits.dtype) * logits, axis=-1)
    possible = ops.all(ops.logical_and(notes >= 0, notes <= 1), axis=-1)
    costs = ops.where(possible, costs, float("nan"))
    return ops.where(real, costs, 0.0)


def note_hits(notes: Any, logits: Any) -> tuple[Any, Any]:
    """Of each step, how many notes are predicted rightly, and how many are in the prediction or in the music.

    A note is predicted where its probability is at least one half. `hits / all` of them is the accuracy of frames.

    Args:
        notes: `(batch, steps, notes)` of 0, 1 and, at padding, -1.
        logits: `(batch, steps, notes)`, floating.

    Returns:
        Two float32 tensors `(batch, steps)`, 0 at padding; NaN where a note of a real step is neither 0 nor 1, so that
        wrong targets are seen.

    Reference:
        Bay, Ehmann and Downie, "Evaluation of Multiple-F0 Estimation and Tracking Systems", ISMIR 2009.
    """
    real = real_steps(notes)[..., None]
    sounding = ops.logical_and(real, notes > 0.5)
    predicted = ops.logical_and(real, logits >= 0)
    hits = ops.logical_and(sounding, predicted)
    either = ops.logical_or(sounding, predicted)
    is_note = ops.logical_or(ops.equal(notes, 0), ops.equal(notes, 1))
    is_wrong = ops.logical_not(ops.all(ops.logical_or(is_note, ops.logical_not(real)), axis=-1))
    counts = (ops.sum(ops.cast(each, "float32"), axis=-1) for each in (hits, either))
    hits, either = (ops.where(is_wrong, float("nan"), count) for count in counts)
    return hits, either


def sample_notes(
    step: Step,
    logits: Tensor,
    states: States,
    *,
    length: Any,
    temperature: Any = 1.0,
    seed: Any = 0,
    sample: Any = None,
) -> Tensor:
    """Draw steps one after another, each from what the model expects after those before it.

    One loop, without a step in Python once a graph is traced, as `keras_seq.ops.decoding.sample_ids`. Each note is
    drawn for itself: it sounds when its random number, a function of seed, sample, step and note, is below its
    probability. The same seed gives the same notes in every process, whatever other rows there are.

    Args:
        step: `step(notes, states) -> (logits, states)`: notes float32 `(batch, notes)` of 0 and 1, and the log-odds of
            those of the next step.
        logits: `(batch, notes)`, the log-odds of the first step to draw.
        states: after what comes before, any nested structure of tensors `(batch, ...)`.
        length: how many steps to draw: one number for all rows, or `(batch,)`. On JAX no tensor: the longest is a
            shape.
        temperature: above 0, one number or `(batch,)`; the log-odds are divided by it: below 1 what is likely becomes
            likelier.
        seed: integer of at least 0, one or `(batch,)`.
        sample: which of the draws of its seed a row takes, integers of at least 0, `(batch,)`; `None`: its place.

    Returns:
        float32 `(batch, longest, notes)` of 0 and 1; 0 after the length of a row.

    Example:
        >>> import numpy as np
        >>> from keras_seq.ops.notes import sample_notes
        >>> after = lambda notes, states: (20.0 - 40.0 * notes, states)  # what sounded is silent next
        >>> sample_notes(after, np.array([[20.0, -20.0]], "float32"), (), length=3).numpy().tolist()
        [[[1.0, 0.0], [0.0, 1.0], [1.0, 0.0]]]
    """
    logits = ops.cast(ops.convert_to_tensor(logits), "float32")
    num_rows, num_notes = ops.shape(logits)[0], logits.shape[-1]
    sample = ops.arange(0, num_rows, dtype="int32") if sample is None else sample
    longest = longest_of(length)
    lengths = ops.reshape(ops.cast(length, "int32"), (-1, 1))
    temperatures = ops.reshape(ops.cast(temperature, "float32"), (-1, 1))
    # Without rows there is no place to write to.
    steps = ops.where(num_rows > 0, longest, 0)

    def goes_on(time: Tensor, drawn: Tensor, logits: Tensor, states: States) -> Any:
        return time < steps

    def body(time: Tensor, drawn: Tensor, logits: Tensor, states: States) -> tuple:
        numbers = uniform_numbers_of_columns(seed, sample, time, num_notes)
        sounds = ops.logical_and(numbers < ops.sigmoid(logits / temperatures), time < lengths)
        notes = ops.cast(sounds, "float32")
        drawn = ops.scatter_update(drawn, ops.reshape(time, (1, 1)), ops.expand_dims(notes, 0))
        logits, states = step(notes, states)
        return time + 1, drawn, ops.cast(logits, "float32"), states

    first = (ops.convert_to_tensor(0, "int32"), ops.zeros((longest, num_rows, num_notes), "float32"), logits, states)
    _, drawn, _, _ = ops.while_loop(goes_on, body, first)
    return ops.transpose(drawn, (1, 0, 2))
