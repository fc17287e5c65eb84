"""The notes of a MIDI file: only what sounds is decoded, so that what describes it may be odd."""

from __future__ import annotations

import os
import struct
from collections.abc import Iterator
from typing import NamedTuple

from keras_seq.core.errors import DataError
from keras_seq.core.lines import opened
from keras_seq.data.description import Remark

MIDI_MAGIC = b"MThd"
_TRACK = b"MTrk"
_PERCUSSION = 9
_NOTE_OFF, _NOTE_ON, _PROGRAM, _PRESSURE = 0x80, 0x90, 0xC0, 0xD0
_SYSTEM_EXCLUSIVE, _ESCAPE, _META, _KEY_SIGNATURE = 0xF0, 0xF7, 0xFF, 0x59
# Messages of a live connection, which some programs leave in files: status -> bytes behind it.
_LIVE = {0xF1: 1, 0xF2: 2, 0xF3: 1, 0xF6: 0, 0xF8: 0, 0xFA: 0, 0xFB: 0, 0xFC: 0, 0xFE: 0}
_MOST_SHARPS = 7
# A file of more bytes is no piece of music, and must not fill the memory.
_MOST_BYTES = 1 << 26


class MidiNote(NamedTuple):
    """Number of a note, and the ticks at which it begins and ends."""

    number: int
    begin: int
    end: int


class MidiNotes(NamedTuple):
    """What a MIDI file holds.

    `ticks_per_beat` is of its head; `tracks` are the notes of each track but those of percussion, and the tick at which
    it ends; `remarks` are what is odd.
    """

    ticks_per_beat: int
    tracks: tuple[tuple[tuple[MidiNote, ...], int], ...]
    remarks: tuple[Remark, ...] = ()


def read_midi_notes(path: str | os.PathLike) -> MidiNotes:
    """Read the notes of all tracks of a MIDI file of format 0 or 1, plain or gzip.

    Key signatures, tempo, texts and messages to single devices are passed over, whatever they hold; chunks that are no
    tracks, too.

    Args:
        path: The file.

    Raises:
        DataError: if the file is missing, is no MIDI file or one of format 2, has other tracks than announced, or a
            track is damaged.

    Reference:
        MIDI Manufacturers Association, "Standard MIDI Files 1.0", 1996.
    """
    with opened(path) as file:
        if file.read(len(MIDI_MAGIC)) != MIDI_MAGIC:
            raise DataError(path, None, "is no MIDI file", "name a file such as tune.mid")
        content = file.read(_MOST_BYTES)
    if len(content) == _MOST_BYTES:
        raise DataError(path, None, f"has more than {_MOST_BYTES:,} bytes", "name a file with one piece")
    if len(content) < 10:
        raise _damaged(path, "ends in its head")
    size, form, announced, division = struct.unpack(">IHHh", content[:10])
    if form == 2:
        raise DataError(path, None, "MIDI file of format 2: pieces that are not played together", "save each by itself")
    if division < 1:
        raise DataError(path, None, "its time is counted in frames, not in beats", "save it with ticks per beat")
    chunks = list(_chunks(path, content, 4 + size))
    if len(chunks) != announced:
        raise DataError(path, None, f"{len(chunks)} tracks, but {announced} are announced in its head", "save it again")
    keys: list[str] = []
    tracks = []
    for number, chunk in enumerate(chunks, start=1):
        try:
            tracks.append(_notes_of(chunk, keys))
        except IndexError:
            raise _damaged(path, f"track {number} is cut") from None
        except ValueError as error:
            raise _damaged(path, f"track {number}: {error}") from None
    text = f"a key signature of {keys[0]}, which no key has; keys are not read" if keys else ""
    return MidiNotes(division, tuple(tracks), (Remark(text),) if keys else ())


def _damaged(path: str | os.PathLike, reason: str) -> DataError:
    return DataError(path, None, f"damaged MIDI file ({reason})", "save it again")


def _chunks(path: str | os.PathLike, content: bytes, place: int) -> Iterator[bytes]:
    """The tracks."""
    while place + 8 <= len(content):
        end = place + 8 + int.from_bytes(content[place + 4 : place + 8], "big")
        if content[place : place + 4] == _TRACK:
            if end > len(content):
                raise _damaged(path, "ends within a track")
            yield content[place + 8 : end]
        place = end


def _notes_of(chunk: bytes, keys: list[str]) -> tuple[tuple[MidiNote, ...], int]:
    """The notes of a track, and the tick at which it ends; odd key signatures are appended.

    Raises:
        IndexError: if the track is cut.
        ValueError: if a byte is no message; with the reason.
    """
    notes: list[MidiNote] = []
    begins: dict[tuple[int, int], int] = {}
    now = 0
    for delta, status, data in _messages(chunk):
        now += delta
        kind, channel = status & 0xF0, status & 0x0F
        if status == _META and data[0] == _KEY_SIGNATURE:
            keys += _odd_key(data[1:])
        if kind not in (_NOTE_OFF, _NOTE_ON) or channel == _PERCUSSION:
            continue
        number, velocity = data
        # A note that is struck again ends there; one of velocity 0 ends, too.
        if (channel, number) in begins:
            notes.append(MidiNote(number, begins.pop((channel, number)), now))
        if kind == _NOTE_ON and velocity > 0:
            begins[channel, number] = now
    notes += [MidiNote(number, begin, now) for (_, number), begin in begins.items()]
    return tuple(notes), now


def _messages(chunk: bytes) -> Iterator[tuple[int, int, bytes]]:
    """Ticks since the last message, status, and data of each; of a meta message its type comes first."""
    place, status = 0, 0
    while place < len(chunk):
        delta, place = _number(chunk, place)
        first = chunk[place]
        if first in (_SYSTEM_EXCLUSIVE, _ESCAPE, _META):
            kind = chunk[place + 1 : place + 2] if first == _META else b""
            size, begin = _number(chunk, place + 1 + len(kind))
            place = begin + size
            if place > len(chunk):
                raise IndexError
            # System exclusive messages end the running status; meta messages should, but often do not.
            status = status if kind else 0
            yield delta, first, kind + chunk[begin:place]
            continue
        if first in _LIVE:
            place += 1 + _LIVE[first]
            yield delta, first, b""
            continue
        if first > _META - 0x10:
            raise ValueError(f"no message begins with 0x{first:02x}")
        if first >= _NOTE_OFF:
            status, place = first, place + 1
        elif not status:
            raise ValueError("a message without status")
        end = place + (1 if status & 0xF0 in (_PROGRAM, _PRESSURE) else 2)
        if end > len(chunk):
            raise IndexError
        yield delta, status, bytes(min(value, 0x7F) for value in chunk[place:end])
        place = end


def _number(chunk: bytes, place: int) -> tuple[int, int]:
    """A number of seven bits a byte, and the place behind it."""
    value = 0
    while True:
        byte = chunk[place]
        place += 1
        value = value << 7 | byte & 0x7F
        if byte < 0x80:
            return value, place


def _odd_key(data: bytes) -> list[str]:
    """In words, a key signature that no key has; else nothing."""
    if len(data) < 2:
        return [f"{len(data)} bytes"]
    sharps = data[0] - 256 if data[0] > 127 else data[0]
    if abs(sharps) <= _MOST_SHARPS and data[1] < 2:
        return []
    return [f"{abs(sharps)} {'flats' if sharps < 0 else 'sharps'} and mode {data[1]}"]
