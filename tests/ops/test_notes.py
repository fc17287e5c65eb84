"""Steps of several notes: costs and hits by a plain loop, and drawing by known probabilities."""

import math

import keras
import numpy as np
import pytest

from keras_seq.ops.notes import note_hits, sample_notes, step_note_costs
from keras_seq.ops.random_numbers import uniform_numbers, uniform_numbers_of_columns

pytestmark = pytest.mark.both_backends


def random_batch(seed=0, rows=4, steps=5, notes=6):
    """Notes with padding anywhere, and log-odds, not numbers at padding."""
    generator = np.random.default_rng(seed)
    y = generator.integers(0, 2, (rows, steps, notes)).astype("float32")
    y[generator.random((rows, steps)) < 0.3] = -1
    y[0, 0] = 0  # a rest
    y[-1] = -1
    z = 4 * generator.normal(size=y.shape)
    z[y < 0] = np.nan
    return y, z.astype("float32")


def loop_costs(y, z):
    costs = np.zeros(y.shape[:2])
    for row, step in np.ndindex(*costs.shape):
        if y[row, step].max() >= 0:
            for note, log_odds in zip(y[row, step], z[row, step].astype("float64"), strict=True):
                p = 1 / (1 + math.exp(-log_odds))
                costs[row, step] -= math.log(p) if note else math.log(1 - p)
    return costs


def to_numpy(tensor):
    return keras.ops.convert_to_numpy(tensor)


def test_costs_by_a_plain_loop():
    y, z = random_batch()
    np.testing.assert_allclose(to_numpy(step_note_costs(y, z)), loop_costs(y, z), rtol=1e-5, atol=1e-5)


def test_extreme_log_odds_cost_what_they_are():
    y = np.array([[[1, 0, 1, 0]]], "float32")
    z = np.array([[[90.0, -90.0, -200.0, 300.0]]], "float32")
    assert float(step_note_costs(y, z)[0, 0]) == pytest.approx(500)


@pytest.mark.parametrize("note", [2, -1, -0.5, np.nan])
def test_a_note_that_is_none_is_seen(note):
    assert np.isnan(float(step_note_costs(np.array([[[0, note, 1]]], "float32"), np.zeros((1, 1, 3), "float32"))[0, 0]))


def test_hits_by_a_plain_loop():
    y, z = random_batch(1)
    hits, either = map(to_numpy, note_hits(y, z))
    for row, step in np.ndindex(*hits.shape):
        true = {note for note in range(6) if y[row, step, note] == 1}
        predicted = {note for note in range(6) if z[row, step, note] >= 0} if y[row, step].max() >= 0 else set()
        assert hits[row, step] == len(true & predicted)
        assert either[row, step] == len(true | predicted)


def test_numbers_of_columns_are_those_of_rows_and_differ():
    columns = np.stack([to_numpy(uniform_numbers_of_columns(7, np.arange(5), step, 88)) for step in range(40)])
    np.testing.assert_array_equal(columns[..., 0], to_numpy(uniform_numbers(7, np.arange(5), 40)))
    assert len(np.unique(columns)) > 0.99 * columns.size
    assert columns.min() >= 0 and columns.max() < 1
    assert columns.mean() == pytest.approx(0.5, abs=0.01)
    np.testing.assert_array_equal(to_numpy(uniform_numbers_of_columns(7, np.arange(2), 3, 4)), columns[3, :2, :4])


def test_shares_of_notes_are_their_probabilities():
    log_odds = np.array([-3.0, -1.0, 0.0, 2.0], "float32")

    def step(notes, states):
        return keras.ops.broadcast_to(log_odds, keras.ops.shape(notes)), states

    for temperature in (0.5, 1.0, 2.0):
        drawn = to_numpy(sample_notes(step, np.tile(log_odds, (50, 1)), (), length=40, temperature=temperature, seed=3))
        assert drawn.shape == (50, 40, 4)
        expected = 1 / (1 + np.exp(-log_odds / temperature))
        # Four standard deviations of 2,000 draws.
        np.testing.assert_allclose(drawn.mean((0, 1)), expected, atol=4 * 0.5 / math.sqrt(2000))


def test_each_step_reads_what_was_drawn_and_the_states():
    """The log-odds count steps and remember what sounded: a plain loop over the same numbers gives the same notes."""

    def step(notes, states):
        total, time = states
        total, time = total + notes, time + 1
        return 1.5 - total + 0.1 * time, (total, time)

    rows, length = 3, 12
    first = np.linspace(-1, 1, rows * 2).reshape(rows, 2).astype("float32")
    zeros = np.zeros((rows, 2), "float32")
    drawn = to_numpy(sample_notes(step, first, (zeros, zeros), length=length, temperature=0.7, seed=11))
    log_odds, total, time = first, zeros, zeros
    for place in range(length):
        numbers = to_numpy(uniform_numbers_of_columns(11, np.arange(rows), place, 2))
        notes = (numbers < 1 / (1 + np.exp(-log_odds / 0.7))).astype("float32")
        np.testing.assert_array_equal(drawn[:, place], notes)
        log_odds, (total, time) = step(notes, (total, time))
    # A row does not depend on how many others there are.
    alone = sample_notes(step, first[:1], (zeros[:1], zeros[:1]), length=length, temperature=0.7, seed=11)
    np.testing.assert_array_equal(to_numpy(alone), drawn[:1])


def test_a_row_among_others_with_other_options_is_what_it_is_alone():
    def step(notes, states):
        total = states + notes
        return 1.0 - total, total

    generator = np.random.default_rng(4)
    rows = 6
    first = generator.normal(size=(rows, 3)).astype("float32")
    states = np.zeros((rows, 3), "float32")
    options = {
        "length": np.array([7, 1, 12, 3, 12, 5], "int32"),
        "temperature": np.array([0.2, 1.0, 3.0, 0.7, 1.0, 1.5], "float32"),
        "seed": np.array([5, 5, 0, 2**31 - 1, 9, 5], "int32"),
        "sample": np.array([0, 3, 0, 1, 0, 0], "int32"),
    }
    together = to_numpy(sample_notes(step, first, states, **options))
    assert together.shape == (rows, 12, 3)
    for row, length in enumerate(options["length"]):
        one = {name: values[row : row + 1] for name, values in options.items()}
        alone = to_numpy(sample_notes(step, first[row : row + 1], states[:1], **one))
        np.testing.assert_array_equal(together[row : row + 1, :length], alone)
        assert not together[row, length:].any()
    # A row of a batch with one seed is the sample of its place.
    of_one_seed = to_numpy(sample_notes(step, first[[0] * 4], states[:4], length=5, seed=5))
    sample = to_numpy(sample_notes(step, first[:1], states[:1], length=5, seed=5, sample=[3]))
    np.testing.assert_array_equal(of_one_seed[3:], sample)


def test_no_rows():
    none = np.zeros((0, 3), "float32")
    for length, steps in ((4, 4), (np.zeros(0, "int32"), 1)):
        drawn = sample_notes(lambda notes, states: (notes, states), none, none, length=length)
        assert tuple(drawn.shape) == (0, steps, 3)
