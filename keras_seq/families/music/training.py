"""How a music model is trained."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import keras
import numpy as np

from keras_seq.core.errors import InputError, RecipeError
from keras_seq.data import hold_out, read_piano_rolls
from keras_seq.data.midi import LOWEST_NOTE, NUM_NOTES
from keras_seq.data.piano_rolls import has_splits
from keras_seq.families.music.data import MusicBatches, note_probabilities, score_rolls
from keras_seq.families.music.drawing_piano_rolls import draw_piano_rolls
from keras_seq.families.music.recipe import MusicModelRecipe
from keras_seq.families.music.served import MusicFunctions, MusicSettings
from keras_seq.families.music.task import MusicModel
from keras_seq.losses import NoteCrossEntropy
from keras_seq.tasks.training_parts import find_builder

_NAMES = ("C", "C#", "D", "D#", "E", "F", "F#", "G", "G#", "A", "A#", "B")
# Steps of samples that are told as text.
_TOLD_STEPS = 16


class MusicTraining:
    """What `keras_seq.tasks.train` needs of a music model: model, loss, batches, and the scores of an epoch.

    A JSON file with the lists `train`, `valid` and `test` gives each key of `data` its own list; a file with one list,
    a MIDI file or a folder of these gives all its pieces. Without `data.validation` a share `data.held_out` of the
    training pieces validates.

    Args:
        recipe: the recipe.
        paths: the files or folders `train`, `validation` and, for the final score, `test`.
        data_directory, on_progress: not used.

    Raises:
        DataError: if a file is broken.
        InputError: if there are too few pieces.
        RecipeError: if the builder does not take the arguments of the recipe, or training and validation pieces are
            the same.
    """

    score_names = ("nll_per_step", "frame_accuracy", "num_steps")
    shown_scores = ("nll_per_step", "frame_accuracy")

    def __init__(
        self,
        recipe: MusicModelRecipe,
        paths: Mapping[str, Path],
        data_directory: str | Path | None = None,
        on_progress: Callable[[int, int], None] | None = None,
    ) -> None:
        self.recipe, self.paths = recipe, paths
        music, batching = recipe.music, recipe.batching
        rolls = read_piano_rolls(paths["train"], "train", steps_per_beat=music.steps_per_beat)
        if "validation" in paths:
            if paths["validation"] == paths["train"] and not has_splits(paths["train"]):
                raise RecipeError(
                    f"key `data.validation` names the training pieces ({paths['train']} has no lists `train` and "
                    "`valid`); take it out, or name other pieces"
                )
            self.validation = read_piano_rolls(paths["validation"], "validation", steps_per_beat=music.steps_per_beat)
        else:
            if len(rolls) < 2:
                raise InputError(f"{paths['train']}: holds one piece, which must train and validate; give more")
            share = max(recipe.data.held_out, 1 / len(rolls))
            kept, held_out = hold_out(["piece"] * len(rolls), share, recipe.seed)
            rolls, self.validation = [rolls[index] for index in kept], [rolls[index] for index in held_out]
        if "test" in paths:
            # Whatever is wrong with it is told before hours are spent.
            read_piano_rolls(paths["test"], "test", steps_per_beat=music.steps_per_beat)
        builder = find_builder(recipe)
        keras.utils.set_random_seed(recipe.seed)
        self.model = recipe.build_model(builder, num_notes=NUM_NOTES)
        self.batches = MusicBatches(
            rolls,
            music,
            batch_size=batching.batch_size,
            tokens_per_batch=batching.tokens_per_batch or None,
            bucket_boundaries=batching.bucket_boundaries or None,
            seed=recipe.seed,
        )
        self.loss = NoteCrossEntropy()
        settings = MusicSettings(music.steps_per_beat, music.beats_per_minute)
        self.task = MusicModel(MusicFunctions(self.model, settings), recipe.name)

    def evaluate(self, model: keras.Model) -> dict[str, float]:
        """The scores of the present weights on the validation pieces."""
        return score_rolls(self.validation, model.predict_on_batch)

    def complete(self) -> None:
        """Nothing: a music model is whole when it is trained."""

    def show(self, directory: Path) -> None:
        """Nothing more than the curves, pictures and samples."""

    def final_scores(self) -> dict[str, Any]:
        """The scores of what is kept, on the validation and the test pieces."""
        scores: dict[str, Any] = {
            "validation": {
                **score_rolls(self.validation, self.model.predict_on_batch),
                "examples": len(self.validation),
            }
        }
        if "test" in self.paths:
            scores["test"] = self.task.evaluate(self.paths["test"])
        return scores

    def confusion(self) -> None:
        """None: notes are no classes."""
        return None

    def pictures(self) -> dict[str, np.ndarray]:
        """Piano rolls: a validation piece, what was expected of each of its steps, and made-up music."""
        piece = self.validation[0][: self.recipe.music.sample_length]
        expected = note_probabilities(piece, self.model.predict_on_batch)
        rolls = {"a validation piece": piece, "probability of each note, given the steps before": expected}
        drawn = self._drawn()
        if drawn is not None:
            rolls["generated"] = drawn
        return {"piano_rolls": draw_piano_rolls(rolls)}

    def fixed_batch(self) -> tuple[dict[str, np.ndarray], np.ndarray]:
        """Inputs and targets of the first training batch."""
        return next(iter(self.batches.epoch(0)))

    def samples(self, count: int = 4) -> str:
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
