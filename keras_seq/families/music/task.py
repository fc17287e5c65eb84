"""The music model: how probable a piece is, and new music, from piano rolls to a served model."""

from __future__ import annotations

import dataclasses
import reprlib
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import keras
import numpy as np

from keras_seq.core.checks import check_non_negative_integer, check_positive_integer
from keras_seq.core.errors import InputError, RunError
from keras_seq.data import read_midi, read_piano_rolls, write_midi
from keras_seq.data.description import Description
from keras_seq.data.midi import LOWEST_NOTE, NUM_NOTES, is_midi
from keras_seq.data.piano_rolls import PIANO_ROLLS
from keras_seq.export import Sample, SavedServed
from keras_seq.export.served import sample_states
from keras_seq.families.music.data import score_rolls
from keras_seq.families.music.results import ScoredPiece
from keras_seq.families.music.served import LONGEST, MusicFunctions, MusicSettings, logits_by_steps
from keras_seq.ops.row_options import check_temperature
from keras_seq.tasks.capabilities import Examples
from keras_seq.tasks.generation import MOST_SAMPLES, options_of_samples
from keras_seq.tasks.trained_task import KerasTask

MAX_SEED = 2**31 - 1
MIDI_SUFFIXES = (".mid", ".midi")
# Made up for tests of exported models: chords as MIDI notes, and a rest.
_CADENCE = ((48, 55, 64, 72), (53, 57, 65, 72), (55, 59, 62, 74), (), (48, 55, 64, 72))


class MusicModel(KerasTask):
    """A trained model of polyphonic music.

    A piece is a piano roll, `(steps, 88)`, or the name of a MIDI file.

    Example:
        >>> import keras_seq
        >>> chorales = keras_seq.load("runs/jsb_chorales")  # doctest: +SKIP
        >>> (roll,) = chorales.generate(max_length=64, seed=1)  # doctest: +SKIP
        >>> chorales.write_generated("tune.mid", [roll])  # doctest: +SKIP
    """

    task = "music"
    max_characters = 4096
    settings_class = MusicSettings

    def predict(self, pieces: Sequence[str | Path | np.ndarray]) -> list[ScoredPiece]:
        """How probable pieces are.

        Args:
            pieces: names of MIDI files, or piano rolls `(steps, 88)`.

        Returns:
            For each piece `{"text", "log_prob", "nll_per_step", "num_steps"}`: its name, the natural logarithm of the
            probability of its steps from the second on, and this by their number.

        Raises:
            DataError: if a file is broken.
            TypeError: if `pieces` is not a list of these.
            ValueError: if a roll has another shape.
        """
        if isinstance(pieces, (str, bytes, Path, np.ndarray)):
            raise TypeError(
                f"`pieces` must be a list. Received: pieces={reprlib.repr(pieces)}. Put one piece in a list."
            )
        results = []
        for number, piece in enumerate(pieces, start=1):
            roll = self._roll("pieces", piece)
            row = self.served.call("serving_default", notes=roll[None], lengths=[len(roll)])
            results.append(
                ScoredPiece(
                    text=str(piece) if isinstance(piece, (str, Path)) else f"piece {number}",
                    log_prob=round(float(row["log_prob"][0]), 4),
                    nll_per_step=round(float(row["nll_per_step"][0]), 4),
                    num_steps=int(row["num_steps"][0]),
                )
            )
        return results

    def generate(
        self,
        prefix: str | Path | np.ndarray = "",
        *,
        count: int = 1,
        max_length: int = 64,
        temperature: float = 1.0,
        seed: int = 0,
    ) -> list[np.ndarray]:
        """Make up music. The same seed gives the same notes, here, on the command line and in a SavedModel.

        Args:
            prefix: how the pieces begin: the name of a MIDI file, or a piano roll `(steps, 88)`; `""`: with nothing.
            count: how many pieces.
            max_length: how many steps to add.
            temperature: above 0; below 1 likely notes and likely silence become likelier.
            seed: of at least 0.

        Returns:
            Piano rolls, bool `(steps, 88)`, each with the prefix; `write_generated` writes them.

        Raises:
            DataError: if the file is broken.
            TypeError, ValueError: if an argument is of the wrong kind.
        """
        check_positive_integer("count", count, MOST_SAMPLES)
        check_positive_integer("max_length", max_length)
        check_temperature("temperature", temperature)
        check_non_negative_integer("seed", seed)
        for name, value, most in (("max_length", max_length, LONGEST), ("seed", seed, MAX_SEED)):
            if value > most:
                raise ValueError(f"`{name}` must be at most {most}. Received: {name}={value!r}. Pass a smaller number.")
        begins_with_nothing = isinstance(prefix, str) and not prefix
        roll = np.zeros((0, NUM_NOTES)) if begins_with_nothing else self._roll("prefix", prefix)
        options = {"lengths": len(roll), "length": max_length, "temperature": temperature, "seed": seed}
        outputs = self.served.call(
            "generate",
            notes=np.repeat(roll[None], count, axis=0),
            **options_of_samples(self.served, options, count),
        )
        return list(outputs["notes"].numpy() > 0.5)

    @staticmethod
    def reads(name: str) -> bool:
        """Whether a file of this name is a MIDI file."""
        return name.endswith(MIDI_SUFFIXES)

    @staticmethod
    def holds(path: str, reader: str) -> bool:
        """Whether a file is a MIDI file, whatever its name is."""
        return is_midi(path)

    def examples_of(self, path: str) -> Examples:
        """The one piece of a MIDI file."""
        return Examples("pieces", iter([path]), self.predict)

    def output_paths(self, path: Path | None, count: int) -> list[Path]:
        """The files of so many pieces: of several, `tune.mid` stands for `tune-1.mid`, `tune-2.mid`, ...

        Raises:
            InputError: if no MIDI file is named.
        """
        if path is None or path.suffix not in MIDI_SUFFIXES:
            raise InputError(f"{self.name}: makes music, which is no text; name a MIDI file with --output tune.mid")
        if count == 1:
            return [path]
        return [path.with_name(f"{path.stem}-{number}{path.suffix}") for number in range(1, count + 1)]

    def write_generated(self, path: str | Path, pieces: Sequence[np.ndarray]) -> list[Path]:
        """Write pieces as MIDI files.

        Args:
            path: the file; of several pieces as of `output_paths`.
            pieces: what `generate` returned.

        Returns:
            The files.

        Raises:
            InputError: if it is no MIDI file, or cannot be written.
        """
        paths = self.output_paths(Path(path), len(pieces))
        settings = self.settings
        for each, roll in zip(paths, pieces, strict=True):
            write_midi(each, roll, steps_per_beat=settings.steps_per_beat, beats_per_minute=settings.beats_per_minute)
        return paths

    def describe(self, data: str | Path, *, strict: bool = False, **options: Any) -> Description:
        found = PIANO_ROLLS.sniff(data, steps_per_beat=self.settings.steps_per_beat, strict=strict)
        # What is odd is told when the pieces are read.
        return dataclasses.replace(found, remarks=())

    def evaluate(
        self,
        data: str | Path,
        on_progress: Callable[[int], None] | None = None,
        *,
        split: str = "test",
        strict: bool = False,
    ) -> dict[str, Any]:
        """The scores of the model on a file, of each piece the steps 2 to the last.

        Args:
            data: a file or folder as of `keras_seq.data.read_piano_rolls`.
            on_progress: called with the number of pieces that were scored since the last call.
            split: which list of a JSON file that has `train`, `valid` and `test`.
            strict: whether a broken file of a folder is an error; else it is told and passed over.

        Returns:
            `nll_per_step` in nats, `frame_accuracy`, `num_steps` and `examples`, the number of pieces.

        Raises:
            DataError: if the file is broken.
        """
        rolls = read_piano_rolls(data, split, steps_per_beat=self.settings.steps_per_beat, strict=strict)
        return {**score_rolls(rolls, self.logits, on_progress), "examples": len(rolls)}

    def verification_samples(self) -> list[Sample]:
        cadence = np.zeros((len(_CADENCE), NUM_NOTES), "float32")
        for step, notes in enumerate(_CADENCE):
            cadence[step, np.array(notes, int) - LOWEST_NOTE] = 1
        pieces = np.stack([cadence, np.roll(cadence, 2, axis=1), np.zeros_like(cadence)])
        options = options_of_samples(
            self.served, {"lengths": 5, "length": 12, "temperature": 0.9, "seed": 1}, len(pieces)
        )
        no_row = {name: values[:0] for name, values in options.items()}
        of_rows = {
            "lengths": np.array([5, 2, 0], "int32"),
            "length": np.array([2, 12, 7], "int32"),
            "temperature": np.array([0.5, 1.0, 1.5], "float32"),
            "seed": np.array([7, 0, 1], "int32"),
            "sample": np.array([2, 0, 2], "int32"),
        }
        odd = np.array([[[np.nan, np.inf, -np.inf, -3, 1e30, *[0.0] * (NUM_NOTES - 5)]] * 2], "float32")

        def score(name: str, notes: np.ndarray, lengths: Sequence[int]) -> Sample:
            return Sample(name, {"notes": notes, "lengths": np.array(lengths, "int32")})

        return [
            score("three pieces", pieces, [5, 4, 5]),
            score("lengths out of range", pieces, [-7, 1, 900]),
            score("numbers that are none", odd, [2]),
            score("pieces without steps", pieces[:, :0], [0, 0, 0]),
            score("no piece at all", pieces[:0], []),
            Sample("three beginnings", {"notes": pieces, **options}, "generate"),
            Sample("no beginning", {"notes": pieces[:, :0], **options}, "generate"),
            Sample("options of each beginning", {"notes": pieces, **of_rows}, "generate"),
            Sample("no row", {"notes": pieces[:0], **no_row}, "generate"),
            Sample("one step", {"notes": pieces[:, 0], **sample_states(self.served, 3)}, "step"),
        ]

    @classmethod
    def _read(cls, directory: Path, model: keras.Model, settings: MusicSettings) -> MusicFunctions:
        if model.output_shape[-1] != NUM_NOTES:
            raise RunError(
                f"{directory}: its model has {model.output_shape[-1]} notes, a piano has {NUM_NOTES}; train it again"
            )
        return MusicFunctions(model, settings)

    def logits(self, inputs: dict[str, np.ndarray]) -> np.ndarray:
        """Log-odds of notes, for functions of `keras_seq.families.music.data`.

        Args:
            inputs: `notes` and `step_mask` as of `keras_seq.families.music.data.music_arrays`.

        Returns:
            `(rows, steps, notes)`, of each step given those that stand before it.
        """
        if isinstance(self.served, SavedServed):
            return logits_by_steps(self.served, inputs)
        return self.model.predict_on_batch(inputs)

    def _roll(self, name: str, piece: Any) -> np.ndarray:
        """The roll of a MIDI file, or one that was given."""
        if isinstance(piece, (str, Path)):
            return read_midi(piece, steps_per_beat=self.settings.steps_per_beat)
        roll = np.asarray(piece)
        if roll.dtype.kind not in "biuf":
            raise TypeError(
                f"`{name}` must be names of MIDI files, or arrays. Received: {name}={piece!r}. Give `(steps, 88)`."
            )
        if roll.ndim != 2 or roll.shape[1] != NUM_NOTES:
            raise ValueError(
                f"`{name}` must have the shape (steps, {NUM_NOTES}). Received: shape={roll.shape}. "
                "Give one row for each step, one column for each key of a piano."
            )
        return roll > 0.5
