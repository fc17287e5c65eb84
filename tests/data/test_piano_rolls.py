"""Piano rolls from JSON and MIDI files."""

import gzip
import json

import numpy as np
import pytest

from keras_seq.core.errors import DataError, InputError
from keras_seq.data import find_data, read_piano_rolls, write_midi
from keras_seq.data.midi import is_midi
from keras_seq.data.piano_rolls import has_splits

PIECES = {"train": [[[60, 64, 67], [], [21]], [[60], [60]]], "valid": [[[108], [107, 108]]], "test": [[[50], [51]]]}


def write(path, content):
    path.write_text(content if isinstance(content, str) else json.dumps(content))
    return path


def notes(roll):
    return [(np.flatnonzero(step) + 21).tolist() for step in roll]


def test_each_split_has_its_list(tmp_path):
    path = write(tmp_path / "tunes.json", PIECES)
    for split, name in (("train", "train"), ("validation", "valid"), ("test", "test")):
        rolls = read_piano_rolls(path, split)
        assert all(roll.dtype == bool and roll.shape[1] == 88 for roll in rolls)
        assert [notes(roll) for roll in rolls] == PIECES[name]
    assert [notes(roll) for roll in read_piano_rolls(path)] == [piece for pieces in PIECES.values() for piece in pieces]
    assert has_splits(path) and not is_midi(path)
    packed = tmp_path / "tunes.json.gz"
    packed.write_bytes(gzip.compress(path.read_bytes()))
    np.testing.assert_array_equal(read_piano_rolls(packed, "test")[0], read_piano_rolls(path, "test")[0])
    assert find_data(tmp_path / "tunes.json") == path


def test_one_list_is_given_for_every_split(tmp_path):
    path = write(tmp_path / "tunes.json", PIECES["train"])
    assert len(read_piano_rolls(path)) == len(read_piano_rolls(path, "test")) == 2
    assert not has_splits(path)


def test_a_silent_voice(tmp_path):
    path = write(tmp_path / "satb.json", [[[72, 60, -1, -1], [-1, -1, -1, -1]]])
    assert notes(read_piano_rolls(path)[0]) == [[60, 72], []]


def test_midi_files_and_folders(tmp_path):
    rolls = [np.zeros((3, 88), bool) for _ in range(2)]
    rolls[0][:, 3], rolls[1][1:, 5] = True, True
    (tmp_path / "tunes").mkdir()
    for name, roll in zip(("b.mid", "tunes/a.mid"), rolls, strict=True):
        write_midi(tmp_path / name, roll, steps_per_beat=2)
    for path, expected in ((tmp_path, rolls), (tmp_path / "tunes", rolls[1:]), (tmp_path / "b.mid", rolls[:1])):
        assert find_data(path) == path
        read = read_piano_rolls(path, "train", steps_per_beat=2)
        assert len(read) == len(expected)
        for one, other in zip(read, expected, strict=True):
            np.testing.assert_array_equal(one, other)
        assert not has_splits(path)


def test_a_folder_without_music_is_no_data(tmp_path):
    (tmp_path / "a.txt").write_text("x")
    with pytest.raises(InputError, match="no such file"):
        find_data(tmp_path)
    with pytest.raises(DataError, match=r"a folder without MIDI files \(\*.mid\)"):
        read_piano_rolls(tmp_path)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("[[[60],\n [60}", ":2: not JSON: .*; write"),
        ("", "empty file"),
        ("7", "7' is no list of pieces"),
        ("[" * 100_000, "not (JSON|the expected JSON)"),
        ([], "no piece for train"),
        ({"train": []}, "no piece for train"),
        ({"valid": PIECES["valid"], "x": 1}, r"no list 'train' \(its lists: 'valid', 'x'\)"),
        ({}, r"no list 'train' \(its lists: none\)"),
        ({"train": {"a": 1}}, "train, .* is no list of pieces"),
        ([[[60], [60]], 5], "piece 2: '5' is no list of steps"),
        ([[[60], 60]], "piece 1, step 2: '60' is no list of notes"),
        ([[[60], ["C4"]]], "piece 1, step 2: 'C4' is no note"),
        ([[[60], [True]]], "piece 1, step 2: 'True' is no note"),
        ([[[60], [60.5]]], "piece 1, step 2: '60.5' is no note"),
        ({"train": [[[60], [109]]]}, "train, piece 1, step 2: note 109 is out of range; use 21 to 108"),
        ([[[20], [60]]], "piece 1, step 1: note 20 is out of range"),
        ([[[60], [60]], []], "piece 2 has 0 steps, of which none can be predicted"),
        ([[[60]]], "piece 1 has 1 steps"),
    ],
)
def test_bad_files_are_told(tmp_path, content, message):
    path = write(tmp_path / "tunes.json", content)
    with pytest.raises(DataError, match=f"tunes.json.*{message}"):
        read_piano_rolls(path, "train")


def test_an_unknown_split(tmp_path):
    with pytest.raises(ValueError, match="`split` must be one of 'train', 'validation', 'test'"):
        read_piano_rolls(write(tmp_path / "tunes.json", PIECES), "valid")


@pytest.mark.data
@pytest.mark.parametrize(
    ("reference", "steps"),
    [
        ("jsb-chorales/jsb-chorales-quarter.json", (13_807, 4_602, 4_725)),
        pytest.param("nottingham/nottingham.json", (176_561, 45_513, 44_463), marks=pytest.mark.thorough),
    ],
)
def test_registered_data(reference, steps):
    path = find_data(reference)
    counted = tuple(sum(map(len, read_piano_rolls(path, split))) for split in ("train", "validation", "test"))
    assert counted == steps
