"""MIDI files and piano rolls: which notes sound at each step."""

import math
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from keras_seq.core.checks import check_choice, check_positive_integer, check_positive_number
from keras_seq.core.errors import DataError
from keras_seq.core.extras import extra_module
from keras_seq.core.files import atomic_write
from keras_seq.core.notices import notify
from keras_seq.data.description import Remark
from keras_seq.data.midi_events import MIDI_MAGIC, read_midi_notes
from keras_seq.data.readers import Head

# The keys of a piano, as MIDI numbers them.
LOWEST_NOTE, NUM_NOTES = 21, 88
HIGHEST_NOTE = LOWEST_NOTE + NUM_NOTES - 1
MIDI_SUFFIXES = (".mid", ".midi")
# No real piece is near: a longer one is a damaged file, and must not fill the memory.
MAX_STEPS = 200_000
MAX_STEPS_PER_BEAT = 64
_TICKS_PER_STEP = 120
_VELOCITY = 80


def read_midi(path: str | os.PathLike, *, steps_per_beat: int = 1, remarks: list[Remark] | None = None) -> np.ndarray:
    """The piano roll of a MIDI file: all its tracks and channels but percussion.

    Beginning and end of a note are moved to the nearest step; a note takes one step at least. Tempo, loudness and
    pedals are not read.

    Args:
        path: The file, plain or gzip.
        steps_per_beat: Steps of one beat, which is a quarter note.
        remarks: Where what is odd is noted; `None`: it is told.

    Returns:
        bool `(steps, 88)`; column 0 is note 21, the lowest key of a piano.

    Raises:
        DataError: if the file is missing, is no MIDI file or one of format 2, has other tracks than announced, holds
            no note, a note that a piano does not have, or more than 200,000 steps.
        TypeError, ValueError: if `steps_per_beat` is not an integer from 1 to 64.

    Example:

    >>> import tempfile, pathlib
    >>> path = pathlib.Path(tempfile.mkdtemp()) / "tune.mid"
    >>> roll = np.zeros((3, 88), bool)
    >>> roll[[0, 1, 2], [39, 39, 43]] = True  # C, C, E
    >>> write_midi(path, roll)
    >>> np.argwhere(read_midi(path)).tolist()
    [[0, 39], [1, 39], [2, 43]]
    """
    _check_steps_per_beat(steps_per_beat)
    found = read_midi_notes(path)
    for remark in found.remarks:
        notify(f"{path}: {remark}") if remarks is None else remarks.append(remark)
    step = found.ticks_per_beat / steps_per_beat
    spans = [note for notes, _ in found.tracks for note in notes]
    ticks = max((end for _, end in found.tracks), default=0)
    if not spans:
        raise DataError(path, None, "holds no note", "name a file with notes that are not percussion")
    if ticks / step > MAX_STEPS:
        raise DataError(path, None, f"holds more than {MAX_STEPS:,} steps", "take a shorter piece, or fewer per beat")
    # A rest at the end counts as far as it fills steps.
    rounded = [(note, _nearest(begin / step), _nearest(end / step)) for note, begin, end in spans]
    rounded = [(note, begin, max(end, begin + 1)) for note, begin, end in rounded]
    roll = np.zeros((max(int(ticks / step), *(end for _, _, end in rounded)), NUM_NOTES), bool)
    for note, begin, end in rounded:
        if not LOWEST_NOTE <= note <= HIGHEST_NOTE:
            raise DataError(
                path, None, f"step {begin + 1}: note {note} is out of range", f"use {LOWEST_NOTE} to {HIGHEST_NOTE}"
            )
        roll[begin:end, note - LOWEST_NOTE] = True
    return roll


def write_midi(
    path: str | os.PathLike,
    roll: np.ndarray,
    *,
    steps_per_beat: int = 1,
    beats_per_minute: float = 90.0,
    program: int = 0,
) -> None:
    """Write a piano roll as a MIDI file of one track; `read_midi` gives the roll back.

    A note that goes on from step to step is held, not struck again.

    Args:
        path: The file to write; it appears whole or not at all.
        roll: `(steps, 88)`; a note sounds where the value is above 0.5.
        steps_per_beat: Steps of one beat, from 1 to 64.
        beats_per_minute: The tempo, at least 4.
        program: The instrument: a number of General MIDI from 0 to 127; 0 is a piano.

    Raises:
        InputError: if the file cannot be written.
        TypeError, ValueError: if an argument is of the wrong kind.
    """
    mido = extra_module("mido", "a MIDI file")

    _check_steps_per_beat(steps_per_beat)
    check_positive_number("beats_per_minute", beats_per_minute)
    check_choice("program", program, range(128))
    roll = np.asarray(roll)
    if roll.ndim != 2 or roll.shape[1] != NUM_NOTES:
        raise ValueError(
            f"`roll` must have the shape (steps, {NUM_NOTES}). Received: roll.shape={roll.shape}. "
            "Give one row for each step, one column for each key of a piano."
        )
    if beats_per_minute < 4:
        raise ValueError(
            f"`beats_per_minute` must be at least 4. Received: beats_per_minute={beats_per_minute!r}. MIDI has no room "
            "for a slower tempo."
        )
    file = mido.MidiFile(type=0, ticks_per_beat=_TICKS_PER_STEP * steps_per_beat)
    track = mido.MidiTrack()
    file.tracks.append(track)
    track.append(mido.MetaMessage("set_tempo", tempo=mido.bpm2tempo(beats_per_minute)))
    track.append(mido.Message("program_change", program=program))
    last = 0
    for step, name, column in _changes(roll > 0.5):
        note = LOWEST_NOTE + column
        track.append(mido.Message(name, note=note, velocity=_VELOCITY, time=(step - last) * _TICKS_PER_STEP))
        last = step
    track.append(mido.MetaMessage("end_of_track", time=(len(roll) - last) * _TICKS_PER_STEP))
    with atomic_write(path) as opened:
        file.save(file=opened)


def is_midi(path: str | os.PathLike) -> bool:
    """Whether a path names a MIDI file, by its ending or content, or a folder, which can only hold such files."""
    if Path(path).is_dir() or _is_named(Path(path)):
        return True
    return Path(path).is_file() and Head.of(path).content.startswith(MIDI_MAGIC)


def midi_files(folder: str | os.PathLike) -> list[Path]:
    """The MIDI files of a folder and the folders below it, by name."""
    return sorted(path for path in Path(folder).rglob("*") if _is_named(path) and path.is_file())


def _is_named(path: Path) -> bool:
    return path.name.lower().removesuffix(".gz").endswith(MIDI_SUFFIXES)


def _changes(roll: np.ndarray) -> Iterator[tuple[int, str, int]]:
    """Step, kind and column of each beginning and end of a note, in order; ends come first."""
    silent = np.zeros((1, roll.shape[1]), bool)
    change = np.diff(np.concatenate([silent, roll, silent]).astype("int8"), axis=0)
    for step, row in enumerate(change):
        for name, sign in (("note_off", -1), ("note_on", 1)):
            for column in np.flatnonzero(row == sign):
                yield step, name, int(column)


def _nearest(steps: float) -> int:
    return math.floor(steps + 0.5)


def _check_steps_per_beat(steps_per_beat: Any) -> None:
    check_positive_integer("steps_per_beat", steps_per_beat)
    if steps_per_beat > MAX_STEPS_PER_BEAT:
        raise ValueError(
            f"`steps_per_beat` must be at most {MAX_STEPS_PER_BEAT}. Received: steps_per_beat={steps_per_beat!r}. "
            "Pass 4 for sixteenths."
        )
