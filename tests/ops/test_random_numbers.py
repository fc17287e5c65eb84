import numpy as np
import pytest
from keras import ops
from scipy import stats

from keras_seq.ops.random_numbers import threefry, uniform_numbers, uniform_numbers_of_columns

pytestmark = pytest.mark.both_backends

NUM_BINS = 64


def numbers(seed, steps, rows):
    return ops.convert_to_numpy(uniform_numbers(seed, np.arange(rows), steps))


@pytest.mark.parametrize(
    ("key", "counter", "expected"),
    [
        ((0, 0), (0, 0), (0x6B200159, 0x99BA4EFE)),
        ((0xFFFFFFFF, 0xFFFFFFFF), (0xFFFFFFFF, 0xFFFFFFFF), (0x1CB996FC, 0xBB002BE7)),
        ((0x13198A2E, 0x03707344), (0x243F6A88, 0x85A308D3), (0xC4923A9C, 0x483DF7A0)),
    ],
)
def test_known_answers(key, counter, expected):
    """Those that the authors of the generator publish."""
    words = threefry(*(ops.convert_to_tensor(np.uint32(word)) for word in (*key, *counter)))
    assert tuple(int(word) for word in words) == expected


def test_equal_to_the_generator_of_jax():
    random = pytest.importorskip("jax.extend.random")
    found = numbers(7, 5, 3)
    for row in range(3):
        for step in range(5):
            # JAX takes the first half of the counters for one word, the second half for the other.
            word, _ = random.threefry_2x32(np.array([7, row], "uint32"), np.array([step, 0], "uint32"))
            assert found[step, row] == (int(word) >> 8) / 2**24


def test_a_number_depends_on_seed_sample_and_step_alone():
    many = numbers(3, 40, 20)
    assert many.dtype == np.float32
    assert (numbers(3, 7, 4) == many[:7, :4]).all()
    assert (numbers(ops.convert_to_tensor(3, "int32"), 40, 20) == many).all()
    assert numbers(3, 2, 0).shape == (2, 0)
    assert not (numbers(4, 40, 20) == many).any()


def test_rows_may_have_seeds_of_their_own():
    seeds, samples = np.array([3, 0, 2**31 - 1, 3, 8], "int32"), np.array([1, 0, 7, 4, 2**31 - 1], "int32")
    found = ops.convert_to_numpy(uniform_numbers(ops.convert_to_tensor(seeds), ops.convert_to_tensor(samples), 6))
    for row, (seed, sample) in enumerate(zip(seeds, samples, strict=True)):
        alone = ops.convert_to_numpy(uniform_numbers(int(seed), [int(sample)], 6))
        np.testing.assert_array_equal(found[:, row], alone[:, 0])
        for step in (0, 5):
            columns = ops.convert_to_numpy(uniform_numbers_of_columns(seeds, samples, step, 4))
            one = ops.convert_to_numpy(uniform_numbers_of_columns(int(seed), [int(sample)], step, 4))
            np.testing.assert_array_equal(columns[row], one[0])
            assert columns[row, 0] == found[step, row]
    np.testing.assert_array_equal(found[:, 0], numbers(3, 6, 2)[:, 1])


@pytest.mark.parametrize("axis", ["steps", "rows", "seeds"])
def test_uniform_and_without_memory(axis):
    """Along each axis: the bins of a histogram, and of pairs that lie 1, 2, 7 apart; correlations up to 20 apart."""
    if axis == "seeds":
        key = np.arange(512, dtype="uint32")[:, None]
        steps = np.arange(64, dtype="uint32")[None]
        words, _ = threefry(*map(ops.convert_to_tensor, (key, np.zeros_like(steps), steps, np.zeros_like(steps))))
        found = (ops.convert_to_numpy(words) >> 8) / 2**24
        assert (found[5] == numbers(5, 64, 1)[:, 0]).all()
    else:
        found = numbers(0, 512, 64) if axis == "steps" else numbers(0, 64, 512).T
    assert found.min() >= 0
    assert found.max() < 1
    bins = (found * NUM_BINS).astype(int)
    assert p_of_equal_counts(bins, NUM_BINS) > 1e-4
    coarse = bins // 8
    for lag in (1, 2, 7):
        assert p_of_equal_counts(coarse[:-lag] * 8 + coarse[lag:], 64) > 1e-4
    centred = found - 0.5
    for lag in range(1, 21):
        correlation = (centred[:-lag] * centred[lag:]).mean() * 12
        assert abs(correlation) < 4.5 / np.sqrt(centred[lag:].size)
    # Each series by itself as well: the p-values of its histogram are spread as those of chance.
    p_values = [p_of_equal_counts((series * 16).astype(int), 16) for series in found.T]
    assert stats.kstest(p_values, "uniform").pvalue > 1e-4


def test_the_tests_above_find_poor_numbers():
    """A counter without a hash is uniform, but has a memory."""
    steps = (np.arange(512)[:, None] * 0.618034 + np.arange(64)) % 1
    coarse = (steps * 8).astype(int)
    assert p_of_equal_counts(coarse[:-1] * 8 + coarse[1:], 64) < 1e-4


def p_of_equal_counts(values, number):
    return stats.chisquare(np.bincount(values.ravel(), minlength=number)).pvalue
