"""MIDI files: what is written is read back, and what is read is what a file says."""

import gzip
import re

import mido
import numpy as np
import pytest

from keras_seq.core.errors import DataError, InputError
from keras_seq.data import read_midi, write_midi
from keras_seq.data.midi import is_midi, midi_files


def random_roll(seed, steps=40, share=0.1):
    """Notes that go on over steps, that are struck once, and rests, also at both ends."""
    roll = np.random.default_rng(seed).random((steps, 88)) < share
    roll[1:] |= roll[:-1] & (np.random.default_rng(seed + 1).random((steps - 1, 88)) < 0.5)
    roll[[0, 5, 6, -1]] = False
    return roll


def write(path, *tracks, ticks_per_beat=100):
    """A MIDI file of tracks: messages as (kind, note, velocity, channel, ticks since the last)."""
    file = mido.MidiFile(ticks_per_beat=ticks_per_beat)
    for messages in tracks:
        track = mido.MidiTrack()
        for kind, note, velocity, channel, time in messages:
            track.append(mido.Message(kind, note=note, velocity=velocity, channel=channel, time=time))
        file.tracks.append(track)
    file.save(path)
    return path


@pytest.mark.parametrize("steps_per_beat", [1, 3, 64])
@pytest.mark.parametrize("seed", [1, 2])
def test_what_is_written_is_read_back(tmp_path, seed, steps_per_beat):
    roll = random_roll(seed)
    write_midi(tmp_path / "tune.mid", roll, steps_per_beat=steps_per_beat)
    read = read_midi(tmp_path / "tune.mid", steps_per_beat=steps_per_beat)
    assert read.dtype == bool
    np.testing.assert_array_equal(read, roll)


def test_what_other_programs_read(tmp_path):
    roll = np.zeros((4, 88))
    roll[[0, 1, 3], 39] = 0.9
    roll[:, 40] = 0.4  # silent
    write_midi(tmp_path / "tune.mid", roll, steps_per_beat=2, beats_per_minute=120, program=19)
    file = mido.MidiFile(tmp_path / "tune.mid")
    assert file.length == pytest.approx(4 / 2 * 60 / 120)
    messages = [message for message in file if not message.is_meta]
    assert [(message.type, message.time) for message in messages] == [
        ("program_change", 0),
        ("note_on", 0),
        ("note_off", pytest.approx(0.5)),  # held over two steps, not struck again
        ("note_on", pytest.approx(0.25)),
        ("note_off", pytest.approx(0.25)),
    ]
    assert messages[0].program == 19
    assert {message.note for message in messages[1:]} == {60}


def test_tracks_channels_and_ends_of_notes(tmp_path):
    path = write(
        tmp_path / "tune.mid",
        [("note_on", 60, 64, 0, 0), ("note_on", 60, 0, 0, 190), ("note_on", 62, 64, 0, 10), ("note_off", 62, 0, 0, 30)],
        [
            ("note_on", 21, 64, 1, 100),
            ("note_on", 35, 64, 9, 0),  # percussion
            ("note_on", 21, 64, 1, 60),  # struck again
            ("note_on", 108, 64, 2, 40),
            ("note_off", 21, 0, 1, 60),
            ("note_off", 99, 0, 1, 0),  # that never began
            ("note_off", 35, 0, 9, 400),
        ],
    )
    roll = read_midi(path)
    assert [np.flatnonzero(step).tolist() for step in roll[:3]] == [[39], [0, 39], [0, 41, 87]]
    # A note that nothing ends goes on to the end of its track; of the last step six tenths are there.
    assert [np.flatnonzero(step).tolist() for step in roll[3:]] == [[87]] * 4
    assert len(read_midi(path, steps_per_beat=2)) == 13


def test_a_rest_at_the_end_counts_as_far_as_it_fills_steps(tmp_path):
    notes = [("note_on", 60, 64, 0, 0), ("note_off", 60, 0, 0, 100)]
    assert len(read_midi(write(tmp_path / "a.mid", [*notes, ("note_off", 60, 0, 0, 199)]))) == 2
    assert len(read_midi(write(tmp_path / "b.mid", [*notes, ("note_off", 60, 0, 0, 200)]))) == 3


def test_files_of_a_folder_by_name(tmp_path):
    for name in ("b.mid", "a/c.MIDI", "a/b.txt", "d.mid/e.mid"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_bytes(b"")
    assert [str(path.relative_to(tmp_path)) for path in midi_files(tmp_path)] == ["a/c.MIDI", "b.mid", "d.mid/e.mid"]


def chunk(name, content):
    return name + len(content).to_bytes(4, "big") + content


def test_what_is_no_note_is_passed_over(tmp_path, capsys):
    path = tmp_path / "tune.mid"
    events = [
        b"\0\xff\x59\x02\xee\x01",  # a key of 18 flats
        b"\0\xff\x58\x01\x09",  # a cut time signature
        b"\0\xf0\x02\xff\xf7",  # for a device, with a byte of more than seven bits
        b"\0\xfe\0\x90\x3c\xff",  # active sensing; a velocity above 127
        b"\0\xff\x01\x01\xff\x60\x3c\0",  # a text, then a note without a status of its own
        b"\0\xff\x2f\0",
    ]
    head = b"MThd" + (6).to_bytes(4, "big") + b"\0\1\0\1\0\x60"
    content = head + chunk(b"XFIH", b"other") + chunk(b"MTrk", b"".join(events))
    for name, written in (("tune.mid", content), ("tune.mid.gz", gzip.compress(content)), ("tune.kar", content)):
        path = tmp_path / name
        path.write_bytes(written)
        assert is_midi(path) and np.argwhere(read_midi(path)).tolist() == [[0, 39]]
        told = f"{path}: a key signature of 18 flats and mode 1, which no key has; keys are not read"
        assert capsys.readouterr().err == f"keras-seq: {told}\n"
    remarks = []
    read_midi(path, remarks=remarks)
    assert len(remarks) == 1 and not capsys.readouterr().err
    for odd, reason in (
        (b"\0\x3c\x40", "track 1: a message without status"),
        (b"\0\xf4", "track 1: no message begins with 0xf4"),
        (b"\0\x90\x3c", "track 1 is cut"),
        (b"\0\xff\x01\x09", "track 1 is cut"),
    ):
        path.write_bytes(head + chunk(b"MTrk", odd))
        with pytest.raises(DataError, match=re.escape(f"damaged MIDI file ({reason}); save it again")):
            read_midi(path)


def test_bad_files_are_told(tmp_path):
    note = [("note_on", 60, 64, 0, 0), ("note_off", 60, 0, 0, 100)]
    whole = write(tmp_path / "whole.mid", note).read_bytes()
    for cut in range(1, len(whole) - 22):
        (tmp_path / "cut.mid").write_bytes(whole[:-cut])
        with pytest.raises(DataError, match="damaged MIDI file \\(ends within a track\\)"):
            read_midi(tmp_path / "cut.mid")
    frames = bytearray(whole)
    frames[12:14] = b"\xe7\x28"
    cases = {
        "text.mid": (b"no music", "is no MIDI file; name a file such as tune.mid"),
        "empty.mid": (b"", "is no MIDI file"),
        "cut.mid": (whole[:-6], "damaged MIDI file"),
        "header.mid": (whole[:10], "damaged MIDI file"),
        "more.mid": (whole + chunk(b"MTrk", b""), "2 tracks, but 1 are announced in its head"),
        "format.mid": (whole[:9] + b"\2" + whole[10:], "MIDI file of format 2"),
        "frames.mid": (bytes(frames), "its time is counted in frames"),
    }
    for name, (content, message) in cases.items():
        (tmp_path / name).write_bytes(content)
        with pytest.raises(DataError, match=f"{name}: .*{message}"):
            read_midi(tmp_path / name)
    drums = [("note_on", 60, 64, 9, 0), ("note_off", 60, 0, 9, 100)]
    with pytest.raises(DataError, match="drums.mid: holds no note; name a file with notes"):
        read_midi(write(tmp_path / "drums.mid", drums))
    low = [("note_on", 20, 64, 0, 250), ("note_off", 20, 0, 0, 100)]
    with pytest.raises(DataError, match="low.mid: step 4: note 20 is out of range; use 21 to 108"):
        read_midi(write(tmp_path / "low.mid", low))
    long = [("note_on", 60, 64, 0, 0), ("note_off", 60, 0, 0, 2**27)]
    with pytest.raises(DataError, match="long.mid: holds more than 200,000 steps"):
        read_midi(write(tmp_path / "long.mid", long))
    with pytest.raises(DataError, match=r"none.mid: no such file"):
        read_midi(tmp_path / "none.mid")
    with pytest.raises(DataError, match="is a folder; name a file in it"):
        read_midi(tmp_path)


def test_bad_arguments_and_places(tmp_path):
    roll = np.zeros((2, 88))
    with pytest.raises(ValueError, match=r"`roll` must have the shape \(steps, 88\). Received: roll.shape=\(2, 12\)"):
        write_midi(tmp_path / "a.mid", np.zeros((2, 12)))
    with pytest.raises(ValueError, match="`steps_per_beat` must be at most 64. Received: steps_per_beat=65"):
        write_midi(tmp_path / "a.mid", roll, steps_per_beat=65)
    with pytest.raises(ValueError, match="`beats_per_minute` must be at least 4"):
        write_midi(tmp_path / "a.mid", roll, beats_per_minute=3)
    with pytest.raises(ValueError, match="`program` must be one of"):
        write_midi(tmp_path / "a.mid", roll, program=128)
    with pytest.raises(TypeError, match="`steps_per_beat` must be an integer"):
        read_midi(tmp_path / "a.mid", steps_per_beat=0.5)
    with pytest.raises(InputError, match="does not exist; create it first"):
        write_midi(tmp_path / "none" / "a.mid", roll)
    assert not list(tmp_path.iterdir())
