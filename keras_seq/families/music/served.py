"""What a music model serves: the probability of pieces, new music, and one step at a time."""

from __future__ import annotations

import dataclasses

import keras
import numpy as np
import tensorflow as tf

from keras_seq.core.checks import check_positive_integer, check_positive_number
from keras_seq.core.streaming import State
from keras_seq.export.json_settings import JSONSettings
from keras_seq.export.row_options import SAMPLE, SEED, TEMPERATURE, checked_options, integer_option
from keras_seq.export.served import SavedServed, Served, assert_in_range, finite_states, initial_states, state_specs
from keras_seq.export.windows import read_in_windows
from keras_seq.ops.notes import sample_notes, step_note_costs
from keras_seq.zoo import streaming_model

# A served call may ask for so many steps.
LONGEST = 10_000
OPTIONS = (integer_option("length", 1, LONGEST), TEMPERATURE, SEED, SAMPLE)


@dataclasses.dataclass(frozen=True)
class MusicSettings(JSONSettings):
    """How steps and MIDI files become each other.

    Args:
        steps_per_beat: steps of one beat, a quarter note.
        beats_per_minute: the tempo of files that are written.
    """

    legacy_files = ("music.json",)

    steps_per_beat: int = 1
    beats_per_minute: float = 90.0

    def __post_init__(self) -> None:
        check_positive_integer("steps_per_beat", self.steps_per_beat, most=960)
        check_positive_number("beats_per_minute", self.beats_per_minute)


class MusicFunctions(Served):
    """Model and drawing loop joined into the functions that a music model serves.

    A note sounds where its number is above 0.5. Before the first step of a piece the model reads a rest.

    `serving_default` scores pieces: each step but the first, from those before it.

    - `notes` float32 `(batch, steps, num_notes)`.
    - `lengths` int32 `(batch,)`, the steps of each piece; what stands after them is not read.
    - Gives `log_prob` float32 `(batch,)`, the natural logarithm of the probability of the steps 2 to the last;
      `num_steps` int32, how many these are; `nll_per_step` float32, `-log_prob / num_steps`, 0 without any.

    `generate` goes on from pieces, step by step. Each row has options of its own, and gives what it gives alone, in any
    company and at any place.

    - `notes` float32 `(batch, steps, num_notes)`, what comes before; it may have no step.
    - `lengths` int32 `(batch,)`, the steps of each; what stands after them is not read.
    - `length` int32 `(batch,)`, how many steps to add, from 1 to 10,000.
    - `temperature` float32 `(batch,)`, above 0; below 1 what is likely becomes likelier.
    - `seed` int32 `(batch,)`, of at least 0.
    - `sample` int32 `(batch,)`, of at least 0: which of the pieces of this seed; another one, another piece.
    - Gives `notes` float32 `(batch, steps + longest, num_notes)` of 0 and 1: what came before, what was added, and
      rests after the end of a piece that is shorter than the longest; `num_steps` int32 `(batch,)`, the steps of each,
      those that came before among them.

    `step` reads one step.

    - `notes` float32 `(batch, num_notes)`; a rest before the first step of a piece.
    - The states by their names, `(batch, ...)` each, zeros before that; see `keras_seq.zoo.streaming_model`. Both must
      be finite.
    - Gives `probabilities` float32 `(batch, num_notes)`, that a note sounds in the next step; `logits`, their log-odds;
      and the new states.

    Args:
        model: a model of `keras_seq.zoo.music_model`.
        settings: of MIDI files.
    """

    def __init__(self, model: keras.Model, settings: MusicSettings | None = None) -> None:
        super().__init__(model, settings or MusicSettings())
        self.streaming = streaming_model(model)
        self._num_notes = model.output_shape[-1]
        states = state_specs(self.streaming.initial_state(1))
        notes = tf.TensorSpec([None, None, self._num_notes], tf.float32, name="notes")
        lengths = tf.TensorSpec([None], tf.int32, name="lengths")
        self.declare("serving_default", self._score, notes, lengths)
        self.declare("generate", self._generate, notes, lengths, *(option.spec for option in OPTIONS))
        self.declare("step", self._step, tf.TensorSpec([None, self._num_notes], tf.float32, name="notes"), *states)

    def _score(self, notes: tf.Tensor, lengths: tf.Tensor) -> dict[str, tf.Tensor]:
        notes = _sounding(notes)
        rows, steps = tf.unstack(tf.shape(notes)[:2])
        lengths = tf.clip_by_value(lengths, 0, steps)
        place = tf.range(steps)
        mask = place < lengths[:, None]
        before = tf.concat([tf.zeros([rows, 1, self._num_notes]), notes[:, :-1]], axis=1)

        def adds(window: slice, log_prob: tf.Tensor, states: State) -> tuple[tf.Tensor, State]:
            is_read = mask[:, window]
            logits, states = self._after(before[:, window], states, tf.cast(is_read, tf.int32))
            costs = step_note_costs(notes[:, window], logits)
            return log_prob - tf.reduce_sum(tf.where(is_read & (place[window] > 0), costs, 0.0), axis=1), states

        log_prob, _ = read_in_windows(adds, steps, tf.zeros([rows]), self.streaming.initial_state(rows))
        counts = tf.maximum(lengths - 1, 0)
        nll = -log_prob / tf.maximum(tf.cast(counts, tf.float32), 1.0)
        return {"log_prob": log_prob, "nll_per_step": nll, "num_steps": counts}

    def _generate(self, notes: tf.Tensor, lengths: tf.Tensor, **options: tf.Tensor) -> dict[str, tf.Tensor]:
        rows, steps = tf.unstack(tf.shape(notes)[:2])
        options = checked_options(OPTIONS, options, rows)
        notes, lengths = _sounding(notes), tf.clip_by_value(lengths, 0, steps)
        # The rest before the first step is read too.
        read = tf.concat([tf.zeros([rows, 1, self._num_notes]), notes], axis=1)
        mask = tf.sequence_mask(lengths + 1, steps + 1, tf.int32)

        def reads(window: slice, last: tf.Tensor, states: State) -> tuple[tf.Tensor, State]:
            logits, states = self._after(read[:, window], states, mask[:, window])
            within, width = lengths - window.start, tf.shape(logits)[1]
            picked = tf.gather(logits, tf.clip_by_value(within, 0, width - 1), batch_dims=1)
            return tf.where(((within >= 0) & (within < width))[:, None], picked, last), states

        nothing = tf.zeros([rows, self._num_notes])
        last, states = read_in_windows(reads, steps + 1, nothing, self.streaming.initial_state(rows))
        drawn = sample_notes(self._next, last, states, **options)
        # What was added stands right behind the last step of each piece, and rests behind that.
        joined = tf.concat([notes, drawn, tf.zeros_like(notes)], axis=1)
        place = tf.range(steps + tf.shape(drawn)[1])
        place = tf.where(place < lengths[:, None], place, place + steps - lengths[:, None])
        return {"notes": tf.gather(joined, place, batch_dims=1), "num_steps": lengths + options["length"]}

    def _step(self, notes: tf.Tensor, **states: tf.Tensor) -> dict[str, tf.Tensor]:
        are_numbers = assert_in_range(tf.math.is_finite(notes), "notes must be finite numbers; received", notes)
        with tf.control_dependencies([are_numbers, *finite_states(states)]):
            notes = tf.identity(notes)
        logits, states = self._next(_sounding(notes), states)
        return {"probabilities": tf.sigmoid(logits), "logits": logits, **states}

    def _next(self, notes: tf.Tensor, states: State) -> tuple[tf.Tensor, State]:
        """Of one step, `(batch, num_notes)`: log-odds of the notes of the next one, and the new states."""
        logits, states = self._after(notes[:, None], states, tf.ones([tf.shape(notes)[0], 1], tf.int32))
        return logits[:, 0], states

    def _after(self, notes: tf.Tensor, states: State, mask: tf.Tensor) -> tuple[tf.Tensor, State]:
        """Log-odds of the notes after each step of `(batch, steps, num_notes)`, and the states after the real ones."""
        outputs = dict(self.streaming({"notes": notes, "step_mask": mask, **states}, training=False))
        return tf.cast(outputs.pop("note_logits"), tf.float32), outputs


def logits_by_steps(served: Served | SavedServed, inputs: dict[str, np.ndarray]) -> np.ndarray:
    """Log-odds of the steps after those of `notes`, for `keras_seq.families.music.data.score_rolls`, of a SavedModel.

    Padding must be on the right.
    """
    notes = inputs["notes"]
    states = initial_states(served, len(notes))
    found = np.zeros(notes.shape, "float32")
    for place in range(notes.shape[1]):
        outputs = served.call("step", notes=notes[:, place], **states)
        found[:, place] = outputs["logits"]
        states = {name: outputs[name] for name in states}
    return found


def _sounding(notes: tf.Tensor) -> tf.Tensor:
    """1 where a note sounds, else 0, whatever numbers came."""
    return tf.cast(notes > 0.5, tf.float32)
