"""What a music model serves: the probability of pieces, new music, and one step at a time."""

from __future__ import annotations

import dataclasses
import os
from pathlib import Path
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from keras_seq.core.checks import check_positive_integer, check_positive_number
from keras_seq.export.json_settings import JSONSettings
from keras_seq.export.saved_functions import SavedFunctions, assert_in_range
from keras_seq.ops.notes import sample_notes, step_note_costs
from keras_seq.ops.serving import serving_graph
from keras_seq.zoo import streaming_music_model
from keras_seq.zoo.language import STATE_NAMES

MUSIC_FILE = "music.json"
# A served call may ask for so many steps.
LONGEST = 10_000


@dataclasses.dataclass(frozen=True)
class MusicSettings(JSONSettings):
    """How steps and MIDI files become each other.

    Args:
        steps_per_beat: steps of one beat, a quarter note.
        beats_per_minute: the tempo of files that are written.
    """

    steps_per_beat: int = 1
    beats_per_minute: float = 90.0

    def __post_init__(self) -> None:
        check_positive_integer("steps_per_beat", self.steps_per_beat, most=960)
        check_positive_number("beats_per_minute", self.beats_per_minute)


class MusicFunctions(tf.Module):
    """Model and drawing loop joined into the functions that a music model serves.

    The same functions answer in Python and, exported, in any TensorFlow runtime: all ops are stock ones. A note sounds
    where its number is above 0.5. Before the first step of a piece the model reads a rest.

    Args:
        model: a model of `keras_seq.zoo.music_model`.
        settings: of MIDI files.
    """

    def __init__(self, model: keras.Model, settings: MusicSettings | None = None) -> None:
        super().__init__()
        self.model = model
        self.settings = settings or MusicSettings()
        self.streaming = streaming_music_model(model)
        sizes = {tensor.name: tuple(tensor.shape[1:]) for tensor in self.streaming.inputs}
        self.num_notes = sizes["notes"][-1]
        # In this order: Keras sorts inputs by their names.
        self.state_sizes = {name: sizes[name] for name in STATE_NAMES if name in sizes}
        notes = tf.TensorSpec([None, None, self.num_notes], tf.float32, name="notes")
        states = [tf.TensorSpec([None, *size], tf.float32, name=name) for name, size in self.state_sizes.items()]
        self._specs: dict[str, list[tf.TensorSpec]] = {
            "serving_default": [notes, tf.TensorSpec([None], tf.int32, name="lengths")],
            "generate": [
                notes,
                tf.TensorSpec([], tf.int32, name="length"),
                tf.TensorSpec([], tf.float32, name="temperature"),
                tf.TensorSpec([], tf.int32, name="seed"),
            ],
            "step": [tf.TensorSpec([None, self.num_notes], tf.float32, name="notes"), *states],
        }
        self._graphs = {
            name: tf.function(function, input_signature=self._specs[name], autograph=False)
            for name, function in (("serving_default", self._score), ("generate", self._generate))
        }

    def score(self, notes: tf.Tensor, lengths: tf.Tensor) -> dict[str, tf.Tensor]:
        """Score pieces: each step but the first, from those before it.

        Args:
            notes: float32 `(batch, steps, num_notes)`.
            lengths: int32 `(batch,)`, the steps of each piece; what stands after them is not read.

        Returns:
            `log_prob` float32 `(batch,)`, the natural logarithm of the probability of the steps 2 to the last;
            `num_steps` int32, how many these are; `nll_per_step` float32, `-log_prob / num_steps`, 0 without any.
        """
        return self._graphs["serving_default"](notes, lengths)

    def generate(self, notes: tf.Tensor, length: Any, temperature: Any, seed: Any) -> dict[str, tf.Tensor]:
        """Go on from pieces, step by step.

        Args:
            notes: float32 `(batch, steps, num_notes)`, what comes before; it may have no step.
            length: int32, how many steps to add, from 1 to 10,000.
            temperature: float32 above 0; below 1 what is likely becomes likelier.
            seed: int32 of at least 0. Row r of a batch gets the same random numbers whatever the other rows.

        Returns:
            `notes` float32 `(batch, steps + length, num_notes)` of 0 and 1: what came before, and what was added.
        """
        return self._graphs["generate"](notes, length, temperature, seed)

    def step(self, notes: tf.Tensor, states: dict[str, tf.Tensor]) -> dict[str, tf.Tensor]:
        """Read one step.

        Args:
            notes: float32 `(batch, num_notes)`; a rest before the first step of a piece.
            states: float32 `(batch, num_layers, units)` each, zeros before that.

        Returns:
            `probabilities` float32 `(batch, num_notes)`, that a note sounds in the next step; `logits`, their log-odds;
            and the new states.
        """
        logits, states = self._step(_sounding(notes), states)
        return {"probabilities": tf.sigmoid(logits), "logits": logits, **states}

    def logits(self, inputs: dict[str, np.ndarray]) -> np.ndarray:
        """Log-odds of the steps after those of `notes` and `step_mask`; for `keras_seq.families.music.data`."""
        return self.model.predict_on_batch(inputs)

    def signatures(self) -> dict[str, Any]:
        """The functions by the names under which they are served."""

        def step(notes: tf.Tensor, state_h: tf.Tensor, state_c: tf.Tensor | None = None) -> dict[str, tf.Tensor]:
            states = [state_h] if state_c is None else [state_h, state_c]
            return self.step(notes, dict(zip(self.state_sizes, states, strict=True)))

        return {**self._graphs, "step": (step, self._specs["step"])}

    def first_states(self, rows: Any) -> dict[str, tf.Tensor]:
        """The states before the first step: zeros."""
        return {name: tf.zeros([rows, *size]) for name, size in self.state_sizes.items()}

    def _score(self, notes: tf.Tensor, lengths: tf.Tensor) -> dict[str, tf.Tensor]:
        notes = _sounding(notes)
        rows, steps = tf.unstack(tf.shape(notes)[:2])
        lengths = tf.clip_by_value(lengths, 0, steps)
        # Recurrent loops need one step.
        notes = tf.pad(notes, [[0, 0], [0, tf.cast(steps == 0, tf.int32)], [0, 0]])
        place = tf.range(tf.shape(notes)[1])
        mask = place < lengths[:, None]
        before = tf.concat([tf.zeros([rows, 1, self.num_notes]), notes[:, :-1]], axis=1)
        with serving_graph():
            logits = self.model({"notes": before, "step_mask": tf.cast(mask, tf.int32)}, training=False)
        costs = step_note_costs(notes, tf.cast(logits, tf.float32))
        log_prob = -tf.reduce_sum(tf.where(mask & (place > 0), costs, 0.0), axis=1)
        counts = tf.maximum(lengths - 1, 0)
        nll = -log_prob / tf.maximum(tf.cast(counts, tf.float32), 1.0)
        return {"log_prob": log_prob, "nll_per_step": nll, "num_steps": counts}

    def _generate(
        self, notes: tf.Tensor, length: tf.Tensor, temperature: tf.Tensor, seed: tf.Tensor
    ) -> dict[str, tf.Tensor]:
        checks = [
            assert_in_range(length >= 1, "length must be at least 1", length),
            assert_in_range(length <= LONGEST, f"length must be at most {LONGEST}", length),
            assert_in_range(temperature > 0, "temperature must be above 0", temperature),
            assert_in_range(seed >= 0, "seed must be at least 0", seed),
        ]
        with tf.control_dependencies(checks):
            notes = _sounding(notes)
        wanted = tf.shape(notes)[0]
        # What is drawn is written into a tensor that must hold something.
        notes = tf.pad(notes, [[0, tf.cast(wanted == 0, tf.int32)], [0, 0], [0, 0]])
        rows = tf.shape(notes)[0]
        read = tf.concat([tf.zeros([rows, 1, self.num_notes]), notes], axis=1)
        with serving_graph():
            outputs = self.streaming({"notes": read, **self.first_states(rows)}, training=False)
        names = tuple(self.state_sizes)

        def step(notes: tf.Tensor, states: tuple) -> tuple:
            logits, new_states = self._step(notes, dict(zip(names, states, strict=True)))
            return logits, tuple(new_states[name] for name in names)

        drawn = sample_notes(
            step,
            outputs["note_logits"][:, -1],
            tuple(outputs[name] for name in names),
            length=length,
            temperature=temperature,
            seed=seed,
        )
        return {"notes": tf.concat([notes, drawn], axis=1)[:wanted]}

    def _step(self, notes: tf.Tensor, states: dict[str, tf.Tensor]) -> tuple[tf.Tensor, dict[str, tf.Tensor]]:
        """Log-odds of the notes of the next step, and the new states."""
        with serving_graph():
            outputs = dict(self.streaming({"notes": notes[:, None], **states}, training=False))
        return tf.cast(outputs.pop("note_logits")[:, 0], tf.float32), outputs


class SavedMusicFunctions(SavedFunctions):
    """The functions of a music model that was exported."""

    task = "music model"
    names = ("serving_default", "generate", "step")
    files = (MUSIC_FILE,)

    def __init__(self, path: str | os.PathLike) -> None:
        super().__init__(path)
        self.settings = MusicSettings.load(Path(path) / "assets" / MUSIC_FILE)
        inputs = self._signatures["step"].structured_input_signature[1]
        self.num_notes = inputs["notes"].shape[-1]
        self.state_sizes = {name: tuple(inputs[name].shape[1:]) for name in STATE_NAMES if name in inputs}

    def score(self, notes: tf.Tensor, lengths: tf.Tensor) -> dict[str, tf.Tensor]:
        """As `MusicFunctions.score`."""
        return self.call("serving_default", notes=notes, lengths=lengths)

    def generate(self, notes: tf.Tensor, length: Any, temperature: Any, seed: Any) -> dict[str, tf.Tensor]:
        """As `MusicFunctions.generate`."""
        return self.call("generate", notes=notes, length=length, temperature=temperature, seed=seed)

    def step(self, notes: tf.Tensor, states: dict[str, tf.Tensor]) -> dict[str, tf.Tensor]:
        """As `MusicFunctions.step`."""
        return self.call("step", notes=notes, **states)

    def logits(self, inputs: dict[str, np.ndarray]) -> np.ndarray:
        """As `MusicFunctions.logits`, step by step; padding must be on the right."""
        notes = inputs["notes"]
        states = {name: tf.zeros([len(notes), *size]) for name, size in self.state_sizes.items()}
        found = np.zeros(notes.shape, "float32")
        for place in range(notes.shape[1]):
            outputs = self.step(notes[:, place], states)
            found[:, place] = outputs["logits"]
            states = {name: outputs[name] for name in self.state_sizes}
        return found


def _sounding(notes: tf.Tensor) -> tf.Tensor:
    """1 where a note sounds, else 0, whatever numbers came."""
    return tf.cast(notes > 0.5, tf.float32)
