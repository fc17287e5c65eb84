"""Pairs of tokens: the same ids as a plain loop gives, few of them shared, and padding never between two tokens."""

import numpy as np
import pytest
from keras import ops

from keras_seq.layers import HashedBigrams
from keras_seq.testing import run_layer_test

pytestmark = pytest.mark.both_backends

IDS = np.random.default_rng(0).integers(1, 30, (3, 6)).astype("int32")
LARGEST = 2**31 - 1


def plain(token_ids, num_buckets):
    """The ids of one row, in integers without bounds."""
    before, ids = 0, []
    for token in map(int, token_ids):
        if token == 0:
            ids.append(0)
            continue
        first = (token * 31_267 + before * 17_911 + 5_003) % 46_337
        second = (token * 12_157 + before * 27_427 + 9_371) % 32_749
        ids.append((first * 32_768 + second) % num_buckets + 1)
        before = token
    return ids


def test_layer():
    run_layer_test(HashedBigrams, arguments={"num_buckets": 50}, inputs=IDS, expected_output_shape=(3, 6))


@pytest.mark.both_backends
@pytest.mark.parametrize("num_buckets", [1, 7, 1 << 15, 100_000, LARGEST])
def test_equal_to_a_plain_loop(num_buckets):
    generator = np.random.default_rng(1)
    ids = generator.integers(1, [[20], [LARGEST], [50_000], [20], [2]], (5, 40)).astype("int32")
    ids[generator.random(ids.shape) < 0.4] = 0
    ids[3] = 0
    ids[1, 3:5] = LARGEST
    pairs = ops.convert_to_numpy(HashedBigrams(num_buckets)(ids))
    assert pairs.dtype == np.int32
    assert pairs.tolist() == [plain(row, num_buckets) for row in ids]


def test_pairs_are_spread_evenly():
    """As many buckets are taken as random numbers would take, also for neighbouring ids, and order matters."""
    first, second = (ids.ravel() for ids in np.meshgrid(np.arange(1, 101), np.arange(1, 101)))
    pairs = ops.convert_to_numpy(HashedBigrams(10_000)(np.stack([first, second], axis=1)))[:, 1]
    # Of 10,000 balls in 10,000 urns: 6,321 urns are hit, with a standard deviation of 31. More is even better.
    assert len(np.unique(pairs)) > 6_150
    assert np.bincount(pairs).max() < 12
    reverse = ops.convert_to_numpy(HashedBigrams(10_000)(np.stack([second, first], axis=1)))[:, 1]
    assert (pairs == reverse)[first != second].mean() < 0.01


def test_a_batch_without_steps():
    assert ops.convert_to_numpy(HashedBigrams(5)(IDS[:, :0])).shape == (3, 0)


def test_wrong_arguments_are_refused():
    with pytest.raises(ValueError, match="`num_buckets` must be a positive integer"):
        HashedBigrams(0)
    with pytest.raises(ValueError, match=r"`token_ids` must have the shape \(batch, steps\)"):
        HashedBigrams(5)(IDS[..., None])
