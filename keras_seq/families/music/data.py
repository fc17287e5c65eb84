"""Pieces of music in batches, and the scores of a model on them."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np

from keras_seq.data import BucketedBatches
from keras_seq.families.music.recipe import MusicSection

# Pieces that are scored in one call hold about this many steps, padding included.
STEPS_PER_CALL = 8192


class MusicBatches:
    """Batches of pieces for `keras_seq.training.fit`; a pure function of seed and epoch.

    Each step of a piece is a target, the first one after a rest. A piece that is longer than the window is cut, in each
    epoch elsewhere; a part that begins within a piece has one step before it that is only read.

    Args:
        rolls: the pieces, bool `(steps, notes)`.
        music: the section of the recipe: window and transposition.
        batch_size, tokens_per_batch, bucket_boundaries, seed, shuffle: as of `BucketedBatches`; a token is a step.
    """

    def __init__(self, rolls: Sequence[np.ndarray], music: MusicSection, *, seed: int = 0, **options: Any) -> None:
        self.rolls = rolls
        self.music = music
        self.seed = seed
        # (piece, which part of it): their number and lengths are those of every epoch.
        self.parts = [(piece, part) for piece, roll in enumerate(rolls) for part in range(self._num_parts(len(roll)))]
        lengths = [min(len(rolls[piece]), music.window or len(rolls[piece])) for piece, _ in self.parts]
        self.order = BucketedBatches(lengths, seed=seed, **options)

    def __len__(self) -> int:
        return len(self.order)

    def epoch(self, epoch: int, skip: int = 0) -> Iterator[tuple[dict[str, np.ndarray], np.ndarray]]:
        """Inputs `notes` and `step_mask`, and the notes of the steps after them, -1 at padding."""
        generator = np.random.default_rng([self.seed, epoch, 1])
        moved = generator.random(len(self.rolls)) < self.music.transposed
        shifts = generator.integers(self.music.lowest_shift, self.music.highest_shift, len(self.rolls), endpoint=True)
        shifts = np.where(moved, shifts, 0)
        places = generator.random(len(self.rolls))
        for batch in self.order.epoch(epoch)[skip:]:
            rows = []
            for index in batch.indices:
                piece, part = self.parts[index]
                rows.append(self._part(piece, part, int(shifts[piece]), places[piece]) if index >= 0 else None)
            yield music_arrays(rows, batch.steps, self.rolls[0].shape[1])

    def _num_parts(self, steps: int) -> int:
        return math.ceil(steps / self.music.window) if self.music.window else 1

    def _part(self, piece: int, part: int, shift: int, place: float) -> tuple[np.ndarray, np.ndarray]:
        """The step before a part of a piece, and the steps of the part."""
        roll = self.rolls[piece]
        window = self.music.window or len(roll)
        # The last part ends with the piece; where the others begin is drawn within the steps that are too many.
        spare = self._num_parts(len(roll)) * window - len(roll)
        begin = max(part * window - round(place * spare), 0)
        begin = min(begin, max(len(roll) - window, 0))
        steps = transpose(roll, shift)
        before = steps[begin - 1] if begin else np.zeros_like(steps[0])
        return before, steps[begin : begin + window]


def music_arrays(
    rows: Sequence[tuple[np.ndarray, np.ndarray] | None], steps: int, num_notes: int
) -> tuple[dict[str, np.ndarray], np.ndarray]:
    """The arrays of a batch.

    Args:
        rows: the step before and the steps of each row, or `None` for a row of padding.
        steps: the length of the batch.
        num_notes: the notes of a step.

    Returns:
        Inputs `notes` float32 and `step_mask` int32, and the targets float32, -1 at padding.
    """
    notes = np.zeros((len(rows), steps, num_notes), "float32")
    step_mask = np.zeros((len(rows), steps), "int32")
    targets = np.full_like(notes, -1)
    for row, part in enumerate(rows):
        if part is not None:
            before, after = part
            notes[row, 0] = before
            notes[row, 1 : len(after)] = after[:-1]
            step_mask[row, : len(after)] = 1
            targets[row, : len(after)] = after
    return {"notes": notes, "step_mask": step_mask}, targets


def transpose(roll: np.ndarray, semitones: int) -> np.ndarray:
    """A piece moved up (or, below 0, down); it stays as it is where a note would leave the keyboard.

    Example:
        >>> transpose(np.array([[1, 0, 0]]), 2).tolist(), transpose(np.array([[1, 0, 0]]), 3).tolist()
        ([[0, 0, 1]], [[1, 0, 0]])
    """
    sounding = np.flatnonzero(roll.any(axis=0))
    if not semitones or not len(sounding):
        return roll
    if sounding[0] + semitones < 0 or sounding[-1] + semitones >= roll.shape[1]:
        return roll
    return np.roll(roll, semitones, axis=1)


def score_rolls(
    rolls: Sequence[np.ndarray],
    predict: Callable[[dict[str, np.ndarray]], np.ndarray],
    on_progress: Callable[[int], None] | None = None,
) -> dict[str, float]:
    """The scores of a model on pieces, of each the steps 2 to the last.

    Args:
        rolls: the pieces, bool `(steps, notes)`.
        predict: takes the arrays of `music_arrays`; gives log-odds `(rows, steps, notes)`.
        on_progress: called with the number of pieces that were scored since the last call.

    Returns:
        `nll_per_step` in nats, `frame_accuracy`, and `num_steps`, the number of steps that were predicted.
    """
    nats, num_steps, hits, either = 0.0, 0, 0, 0
    batches = BucketedBatches([len(roll) for roll in rolls], tokens_per_batch=STEPS_PER_CALL, shuffle=False)
    for batch in batches.epoch(0):
        chosen = [rolls[index] for index in batch.indices if index >= 0]
        rows = [(np.zeros_like(roll[0]), roll) for roll in chosen]
        # One row of padding where a batch is not full, so that shapes stay few.
        inputs, _ = music_arrays([*rows, *[None] * (len(batch.indices) - len(rows))], batch.steps, rolls[0].shape[1])
        logits = np.asarray(predict(inputs), "float64")
        for row, roll in enumerate(chosen):
            z, y = logits[row, 1 : len(roll)], roll[1:]
            nats += float(np.sum(np.logaddexp(0.0, z) - y * z))
            num_steps += len(y)
            hits += int(np.count_nonzero((z >= 0) & y))
            either += int(np.count_nonzero((z >= 0) | y))
        if on_progress is not None and chosen:
            on_progress(len(chosen))
    return {
        "nll_per_step": nats / max(num_steps, 1),
        "frame_accuracy": hits / max(either, 1),
        "num_steps": num_steps,
    }


def note_probabilities(roll: np.ndarray, predict: Callable[[dict[str, np.ndarray]], np.ndarray]) -> np.ndarray:
    """What a model expects at each step of a piece, given the steps before it.

    Args:
        roll: the piece, bool `(steps, notes)`.
        predict: as of `score_rolls`.

    Returns:
        Probabilities `(steps, notes)`.
    """
    inputs, _ = music_arrays([(np.zeros_like(roll[0]), roll)], len(roll), roll.shape[1])
    logits = np.clip(np.asarray(predict(inputs), "float64")[0], -50, 50)
    return 1 / (1 + np.exp(-logits))
