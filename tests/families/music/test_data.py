"""Batches of pieces, transposition, and scores by a plain loop."""

import math

import numpy as np
import pytest

from keras_seq.families.music.data import MusicBatches, music_arrays, note_probabilities, score_rolls, transpose
from keras_seq.families.music.recipe import MusicSection

NOTES = 88


def rolls_of(lengths, seed=0):
    """Pieces whose every step is another: its place and its piece can be read off the notes."""
    generator = np.random.default_rng(seed)
    return [generator.random((length, NOTES)) < 0.3 for length in lengths]


def test_arrays_shift_the_notes_by_one_step():
    first, second = rolls_of([4, 2])
    inputs, targets = music_arrays([(np.zeros(NOTES), first), None, (second[0], second[1:])], 5, NOTES)
    assert inputs["step_mask"].tolist() == [[1, 1, 1, 1, 0], [0] * 5, [1, 0, 0, 0, 0]]
    np.testing.assert_array_equal(inputs["notes"][0, :4], np.concatenate([np.zeros((1, NOTES)), first[:3]]))
    np.testing.assert_array_equal(targets[0, :4], first)
    np.testing.assert_array_equal(inputs["notes"][2, 0], second[0])
    np.testing.assert_array_equal(targets[2, 0], second[1])
    assert (targets[0, 4:] == -1).all() and (targets[1] == -1).all() and (targets[2, 1:] == -1).all()


def steps_of(batches, epoch, skip=0):
    """All (step before, step) pairs of an epoch, as sets of notes."""
    pairs = []
    for inputs, targets in batches.epoch(epoch, skip):
        for row, step in zip(*np.nonzero(inputs["step_mask"]), strict=True):
            before = frozenset(np.flatnonzero(inputs["notes"][row, step]))
            pairs.append((before, frozenset(np.flatnonzero(targets[row, step]))))
    return pairs


def true_steps(rolls):
    pairs = []
    for roll in rolls:
        chords = [frozenset(), *(frozenset(np.flatnonzero(step)) for step in roll)]
        pairs += list(zip(chords, chords[1:], strict=False))
    return pairs


def test_every_step_is_a_target_once():
    rolls = rolls_of([3, 9, 20, 4, 5])
    batches = MusicBatches(rolls, MusicSection(), batch_size=2, seed=1)
    assert sorted(map(str, steps_of(batches, 0))) == sorted(map(str, true_steps(rolls)))
    assert len(list(batches.epoch(0))) == len(batches)


@pytest.mark.parametrize("window", [1, 4, 7, 19, 20, 50])
def test_windows_cover_every_step_and_know_the_one_before(window):
    rolls = rolls_of([3, 9, 20])
    batches = MusicBatches(rolls, MusicSection(window=window), batch_size=2, seed=1)
    for epoch in range(3):
        found = steps_of(batches, epoch)
        assert set(found) == set(true_steps(rolls))
        parts = sum(math.ceil(len(roll) / window) for roll in rolls)
        assert len(found) <= parts * window
        assert all(inputs["step_mask"].sum(1).max() <= window for inputs, _ in batches.epoch(epoch))


def test_an_epoch_is_a_function_of_seed_and_number():
    rolls = rolls_of([3, 9, 20, 4, 5, 6])
    music = MusicSection(window=6, transposed=0.5)
    one, other = (MusicBatches(rolls, music, batch_size=2, seed=3) for _ in range(2))
    list(one.epoch(0))
    first, again = list(one.epoch(1)), list(other.epoch(1))
    for (inputs, targets), (inputs_again, targets_again) in zip(first, again, strict=True):
        np.testing.assert_array_equal(inputs["notes"], inputs_again["notes"])
        np.testing.assert_array_equal(targets, targets_again)
    skipped = list(other.epoch(1, skip=2))
    np.testing.assert_array_equal(skipped[0][1], first[2][1])
    assert steps_of(one, 1) != steps_of(one, 2)


def test_transposition():
    roll = np.zeros((2, NOTES), bool)
    roll[0, [10, 20]] = roll[1, 80] = True
    for semitones in range(-12, 10):
        moved = transpose(roll, semitones)
        if -10 <= semitones <= 7:
            assert [np.flatnonzero(step).tolist() for step in moved] == [
                [10 + semitones, 20 + semitones],
                [80 + semitones],
            ]
        else:
            np.testing.assert_array_equal(moved, roll)
    np.testing.assert_array_equal(transpose(roll & False, 3), roll & False)


def test_the_share_of_transposed_pieces_and_their_shifts():
    roll = np.zeros((2, NOTES), bool)
    roll[:, 40] = True
    music = MusicSection(transposed=0.5, lowest_shift=-2, highest_shift=1)
    batches = MusicBatches([roll] * 400, music, batch_size=100, seed=1)
    notes = np.concatenate([targets[:, 0].argmax(-1) for _, targets in batches.epoch(0)])
    shares = [(notes == note).mean() for note in (38, 39, 40, 41)]
    assert sum(shares) == pytest.approx(1)
    np.testing.assert_allclose(shares, [1 / 8, 1 / 8, 1 / 2 + 1 / 8, 1 / 8], atol=0.06)


def test_scores_by_a_plain_loop():
    rolls = rolls_of([2, 7, 12, 3])
    weights = np.random.default_rng(1).normal(size=(NOTES, NOTES), scale=0.5)

    def predict(inputs):
        return np.where(inputs["step_mask"][..., None] > 0, inputs["notes"] @ weights - 0.5, np.nan)

    nats, steps, hits, either = 0.0, 0, 0, 0
    for roll in rolls:
        for before, after in zip(roll, roll[1:], strict=False):
            for log_odds, note in zip(before.astype("float64") @ weights - 0.5, after, strict=True):
                p = 1 / (1 + math.exp(-log_odds))
                nats -= math.log(p if note else 1 - p)
                hits += note and p >= 0.5
                either += note or p >= 0.5
            steps += 1
    seen = []
    scores = score_rolls(rolls, predict, seen.append)
    assert scores["num_steps"] == steps == 2 + 7 + 12 + 3 - 4
    assert scores["nll_per_step"] == pytest.approx(nats / steps, rel=1e-10)
    assert scores["frame_accuracy"] == pytest.approx(hits / either)
    assert sum(seen) == 4


def test_probabilities_of_a_piece():
    (roll,) = rolls_of([6])
    found = note_probabilities(roll, lambda inputs: 3 * inputs["notes"] - 1)
    before = np.concatenate([np.zeros((1, NOTES)), roll[:-1]])
    np.testing.assert_allclose(found, 1 / (1 + np.exp(1 - 3 * before)), rtol=1e-6)
