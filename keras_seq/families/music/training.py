"""How a music model is trained."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import keras
import numpy as np

from keras_seq.core.errors import InputError, RecipeError
from keras_seq.data import hold_out, read_piano_rolls
from keras_seq.data.description import Description
from keras_seq.data.midi import LOWEST_NOTE, NUM_NOTES
from keras_seq.data.piano_rolls import has_splits
from keras_seq.families.music.data import MusicBatches, note_probabilities, score_rolls
from keras_seq.families.music.drawing_piano_rolls import draw_piano_rolls
from keras_seq.families.music.recipe import MusicModelRecipe
from keras_seq.families.music.served import MusicFunctions, MusicSettings
from keras_seq.families.music.task import MusicModel
from keras_seq.losses import NoteCrossEntropy
from keras_seq.tasks.training import KerasTraining
from keras_seq.tasks.training_parts import batching_options
from keras_seq.training import Panels

_NAMES = ("C", "C#", "D", "D#", "E", "F", "F#", "G", "G#", "A", "A#", "B")
# Steps of samples that are told as text.
_TOLD_STEPS = 16


class MusicTraining(KerasTraining):
    """The training of a music model, from piano rolls and MIDI files.

    A JSON file with the lists `train`, `valid` and `test` gives each key of `data` its own list; a file with one list,
    a MIDI file or a folder of these gives all its pieces. Without `data.validation` a share `data.held_out` of the
    training pieces validates.
    """

    recipe: MusicModelRecipe
    task: MusicModel
    score_names = ("nll_per_step", "frame_accuracy", "num_steps")
    shown_scores = ("nll_per_step", "frame_accuracy")

    def read(self) -> None:
        path, data = self.paths["train"], self.recipe.data
        self.train = self._pieces("train")
        if self.paths.get("validation") == path and not has_splits(path):
            raise RecipeError(
                f"key `data.validation` names the training pieces ({path} has no lists `train` and `valid`); take it "
                "out, or name other pieces"
            )
        if "validation" in self.paths:
            self.validation = self._pieces("validation")
        elif len(self.train) < 2:
            raise InputError(f"{path}: holds one piece, which must train and validate; give more")
        else:
            rolls = self.train
            share = max(data.held_out, 1 / len(rolls))
            kept, held_out = hold_out(["piece"] * len(rolls), share, self.recipe.seed)
            self.train, self.validation = [rolls[index] for index in kept], [rolls[index] for index in held_out]
        if "test" in self.paths:
            # Whatever is wrong with it is told before hours are spent.
            self._pieces("test")

    def describe(self, path: Path) -> Description:
        recipe = self.recipe
        return self.task.describe(path, strict=recipe.data.strict)

    def _pieces(self, split: str) -> list[np.ndarray]:
        recipe = self.recipe
        return read_piano_rolls(
            self.paths[split], split, steps_per_beat=recipe.music.steps_per_beat, strict=recipe.data.strict
        )

    def make_model(self) -> keras.Model:
        return self.built(num_notes=NUM_NOTES)

    def make_batches(self) -> MusicBatches:
        return MusicBatches(self.train, self.recipe.music, **batching_options(self.recipe.batching, self.recipe.seed))

    def make_loss(self) -> NoteCrossEntropy:
        return NoteCrossEntropy()

    def make_task(self) -> MusicModel:
        music = self.recipe.music
        settings = MusicSettings(music.steps_per_beat, music.beats_per_minute)
        return MusicModel(MusicFunctions(self.model, settings), self.recipe.name)

    def evaluate(self, model: keras.Model) -> dict[str, float]:
        """The scores of the present weights on the validation pieces."""
        return score_rolls(self.validation, model.predict_on_batch)

    def validation_scores(self) -> dict[str, Any]:
        return {**self.evaluate(self.model), "examples": len(self.validation)}

    def panels(self) -> Panels:
        return Panels(pictures=self._pictures, samples=self._samples)

    def _pictures(self) -> dict[str, np.ndarray]:
        """Piano rolls: a validation piece, what was expected of each of its steps, and made-up music."""
        piece = self.validation[0][: self.recipe.music.sample_length]
        expected = note_probabilities(piece, self.model.predict_on_batch)
        rolls = {"a validation piece": piece, "probability of each note, given the steps before": expected}
        drawn = self._drawn()
        if drawn is not None:
            rolls["generated"] = drawn
        return {"piano_rolls": draw_piano_rolls(rolls)}

    def _samples(self) -> str:
        """The first steps of music that the present weights make up, as Markdown."""
        drawn = self._drawn()
        if drawn is None:
            return "Samples are drawn in a TensorFlow graph, which this backend does not run."
        steps = [" ".join(note_name(LOWEST_NOTE + int(note)) for note in np.flatnonzero(step)) for step in drawn]
        return " · ".join(step or "rest" for step in steps[:_TOLD_STEPS])

    def _drawn(self) -> np.ndarray | None:
        if keras.backend.backend() != "tensorflow":
            return None
        music = self.recipe.music
        return self.task.generate(
            max_length=music.sample_length, temperature=music.sample_temperature, seed=self.recipe.seed
        )[0]


def note_name(note: int) -> str:
    """How musicians call a MIDI note.

    Example:
        >>> note_name(60), note_name(61)
        ('C4', 'C#4')
    """
    return f"{_NAMES[note % 12]}{note // 12 - 1}"
