"""Pieces of music as piano rolls: from JSON, where a step is a list of notes, or from MIDI files."""

import json
import os
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from keras_seq.core.checks import check_choice
from keras_seq.core.errors import DataError
from keras_seq.core.lines import read_pieces, shorten
from keras_seq.core.notices import notify
from keras_seq.data.description import Description, Remark
from keras_seq.data.midi import HIGHEST_NOTE, LOWEST_NOTE, MIDI_SUFFIXES, NUM_NOTES, is_midi, midi_files, read_midi
from keras_seq.data.midi_events import MIDI_MAGIC
from keras_seq.data.readers import Head
from keras_seq.data.roles import Roles

# Split -> the lists of a JSON file that it may be called, the first of which is told in messages.
LISTS = {"train": ("train",), "validation": ("valid", "validation", "dev"), "test": ("test",)}
# A voice that is silent, where each step has one number for each voice.
SILENT_VOICE = -1
# A list of pieces, which are lists, maybe below a name.
_LISTS_OF_LISTS = re.compile(r'\ufeff?\s*(\{\s*"[^"]*"\s*:\s*)?\[\s*(\]|\[\s*[^\s"{])')
FILE_FORMAT = (
    'write {"train": [...], "valid": [...], "test": [...]} or one list: of pieces, which are lists of steps, '
    f"which are lists of MIDI notes ({LOWEST_NOTE}-{HIGHEST_NOTE})"
)


class PianoRollReader:
    """Pieces of music: what `read_piano_rolls` gives."""

    name = "piano rolls"
    roles = ()

    def recognises(self, head: Head) -> float:
        """As of every reader: a folder or a MIDI file; or JSON."""
        if head.path.is_dir() or head.content.startswith(MIDI_MAGIC):
            return 0.9 if head.path.is_dir() else 1.0
        is_named = head.path.name.endswith((".json", ".json.gz"))
        return 0.85 * (is_named and _LISTS_OF_LISTS.match(head.content.decode("utf-8", "replace")) is not None)

    def sniff(
        self, path: str | os.PathLike, columns: Roles | None = None, *, steps_per_beat: int = 1, strict: bool = False
    ) -> Description:
        """What the file or folder holds.

        Args:
            path, steps_per_beat, strict: As of `read_piano_rolls`.
            columns: There are none.

        Raises:
            DataError: as `read_piano_rolls`.
        """
        skipped: list[DataError] = []
        odd: list[Remark] = []
        rolls = (
            _midi_rolls(path, steps_per_beat, None if strict else skipped, odd)
            if is_midi(path)
            else read_piano_rolls(path)
        )
        sounding = np.flatnonzero(np.any([roll.any(axis=0) for roll in rolls], axis=0)) + LOWEST_NOTE
        counts = (
            {} if is_midi(path) or not has_splits(path) else {key: len(value) for key, value in _content(path).items()}
        )
        lengths = [len(roll) for roll in rolls]
        return Description(
            os.fspath(path), f"{self.name} ({'MIDI' if is_midi(path) else 'JSON'})", "pieces", len(rolls),
            counted="lists" if counts else "", counts=counts,
            details={
                "steps": f"{sum(lengths):,}, {min(lengths):,} to {max(lengths):,} a piece",
                "notes": f"{sounding.min()} to {sounding.max()}" if len(sounding) else "none",
            },
            remarks=[
                *odd,
                *(Remark(f"{error}; the file is passed over") for error in skipped),
                *([Remark(_passed_over(skipped, rolls))] if skipped else []),
            ],
        )  # fmt: skip

    def examples(
        self,
        path: str | os.PathLike,
        columns: Roles | None = None,
        *,
        split: str | None = None,
        steps_per_beat: int = 1,
        strict: bool = False,
    ) -> Iterator[np.ndarray]:
        """The pieces one by one: as `read_piano_rolls`."""
        return iter(read_piano_rolls(path, split, steps_per_beat=steps_per_beat, strict=strict))


PIANO_ROLLS = READER = PianoRollReader()


def read_piano_rolls(
    path: str | os.PathLike, split: str | None = None, *, steps_per_beat: int = 1, strict: bool = False
) -> list[np.ndarray]:
    """The pieces of a file or folder.

    A JSON file holds lists of pieces called `train`, `valid` and `test`, of which `split` chooses one, or a single
    list, which is given for every split. A piece is a list of steps, a step a list of the MIDI notes that sound; an
    empty one is a rest. (A note -1 is a silent voice.) A MIDI file is one piece, a folder of MIDI files one piece each.

    Args:
        path: A JSON file, plain or gzip; a MIDI file; or a folder with MIDI files in it or below it.
        split: `"train"`, `"validation"` or `"test"`; `None`: the pieces of all lists.
        steps_per_beat: Steps of one beat of a MIDI file. What a step of a JSON file is, its author has decided.
        strict: Whether one bad file of a folder is an error. If not, it is told and passed over.

    Returns:
        For each piece bool `(steps, 88)`, `True` where a note sounds; column 0 is note 21, the lowest key of a piano.

    Raises:
        DataError: if the file is missing or of another kind, has no such list, no piece, or a piece of fewer than two
            steps (the first one is only read, none is predicted), or a note that a piano does not have.
        ValueError: if `split` is unknown.

    Example:

    >>> import tempfile, pathlib
    >>> path = pathlib.Path(tempfile.mkdtemp()) / "tunes.json"
    >>> _ = path.write_text('{"train": [[[60, 64], [], [62]]], "test": [[[21], [108]]]}')
    >>> (piece,) = read_piano_rolls(path, "test")
    >>> np.argwhere(piece).tolist()
    [[0, 0], [1, 87]]
    """
    if split is not None:
        check_choice("split", split, tuple(LISTS))
    if is_midi(path):
        skipped: list[DataError] = []
        odd: list[Remark] = []
        rolls = _midi_rolls(path, steps_per_beat, None if strict else skipped, odd)
        for remark in odd:
            notify(f"{path}: {remark}")
        for error in skipped:
            notify(f"{error}; the file is passed over")
        if skipped:
            notify(f"{path}: {_passed_over(skipped, rolls)}")
        return rolls
    rolls = [_roll(path, place, piece) for place, piece in _pieces(path, split)]
    if not rolls:
        raise DataError(path, None, "no piece" if split is None else f"no piece for {split}", FILE_FORMAT)
    return rolls


def _passed_over(skipped: list[DataError], rolls: list[np.ndarray]) -> str:
    return f"{len(skipped)} of {len(skipped) + len(rolls)} files are passed over; --strict stops at them"


def _midi_rolls(
    path: str | os.PathLike, steps_per_beat: int, skipped: list[DataError] | None, odd: list[Remark]
) -> list[np.ndarray]:
    """The pieces of a MIDI file or of a folder; what is wrong with a file of a folder is appended, or raised, and what
    is odd is appended, once for all files."""
    files = midi_files(path) if Path(path).is_dir() else [Path(path)]
    if not files:
        raise DataError(path, None, f"a folder without MIDI files (*{MIDI_SUFFIXES[0]})", "name a file in it")
    rolls, last = [], None
    found: list[Remark] = []
    for file in files:
        remarks: list[Remark] = []
        try:
            rolls.append(_checked(file, "the piece", read_midi(file, steps_per_beat=steps_per_beat, remarks=remarks)))
            found += [remark if file == Path(path) else Remark(f"{file.name}: {remark}") for remark in remarks]
        except DataError as error:
            if skipped is None or not Path(path).is_dir():
                raise
            skipped.append(last := error)
    if last is not None and not rolls:
        raise DataError(path, None, f"none of its {len(files)} MIDI files can be read ({last.reason})", last.remedy)
    odd += [Remark(f"{found[0]}{f' ({len(found)} files have such ones)' if len(found) > 1 else ''}")] if found else []
    return rolls


def has_splits(path: str | os.PathLike) -> bool:
    """Whether a file has a list of pieces for each split: then one file may train, validate and test.

    Raises:
        DataError: if the file is missing, or no JSON.
    """
    return not is_midi(path) and isinstance(_content(path), dict)


def _content(path: str | os.PathLike) -> Any:
    try:
        return json.loads("".join(read_pieces(path, FILE_FORMAT)))
    except json.JSONDecodeError as error:
        raise DataError(path, error.lineno, f"not JSON: {error.msg}", FILE_FORMAT) from None
    except (RecursionError, ValueError) as error:
        if isinstance(error, DataError):
            raise
        raise DataError(path, None, f"not the expected JSON ({type(error).__name__})", FILE_FORMAT) from None


def _pieces(path: str | os.PathLike, split: str | None) -> Iterator[tuple[str, Any]]:
    """What messages call a piece, and the piece as it stands in the file."""
    content = _content(path)
    if isinstance(content, dict):
        names = list(content)
        if split is not None:
            names = [name for name in LISTS[split] if name in content][:1]
            if not names:
                listed = ", ".join(shorten(name) for name in list(content)[:10]) or "none"
                raise DataError(path, None, f"no list {LISTS[split][0]!r} (its lists: {listed})", FILE_FORMAT)
        lists = {f"{name}, ": content[name] for name in names}
    else:
        lists = {"": content}
    for name, pieces in lists.items():
        if not isinstance(pieces, list):
            raise DataError(path, None, f"{name}{shorten(str(pieces))} is no list of pieces", FILE_FORMAT)
        for number, piece in enumerate(pieces, start=1):
            yield f"{name}piece {number}", piece


def _roll(path: str | os.PathLike, place: str, piece: Any) -> np.ndarray:
    if not isinstance(piece, list):
        raise DataError(path, None, f"{place}: {shorten(str(piece))} is no list of steps", FILE_FORMAT)
    roll = np.zeros((len(piece), NUM_NOTES), bool)
    for number, step in enumerate(piece, start=1):
        if not isinstance(step, list):
            raise DataError(
                path, None, f"{place}, step {number}: {shorten(str(step))} is no list of notes", FILE_FORMAT
            )
        for note in step:
            if isinstance(note, bool) or not isinstance(note, int):
                raise DataError(path, None, f"{place}, step {number}: {shorten(str(note))} is no note", FILE_FORMAT)
            if note == SILENT_VOICE:
                continue
            if not LOWEST_NOTE <= note <= HIGHEST_NOTE:
                reason = f"{place}, step {number}: note {note} is out of range"
                raise DataError(path, None, reason, f"use {LOWEST_NOTE} to {HIGHEST_NOTE}, or transpose the piece")
            roll[number - 1, note - LOWEST_NOTE] = True
    return _checked(path, place, roll)


def _checked(path: str | os.PathLike, place: str, roll: np.ndarray) -> np.ndarray:
    if len(roll) < 2:
        reason = f"{place} has {len(roll)} steps, of which none can be predicted from one before it"
        raise DataError(path, None, reason, "take it out, or add steps")
    return roll
