"""Whole tokens become unknown: as many as asked, in training alone, and never padding."""

import keras
import numpy as np
import pytest

from keras_seq.layers import TokenDropout
from keras_seq.testing import run_layer_test

pytestmark = pytest.mark.both_backends

IDS = np.random.default_rng(0).integers(2, 50, (3, 6)).astype("int32")


def test_layer():
    arguments = {"rate": 0.3, "unknown_id": 1, "seed": 4}
    run_layer_test(TokenDropout, arguments=arguments, inputs=IDS, expected_output_shape=(3, 6))


@pytest.mark.parametrize("rate", [0.1, 0.5, 0.9])
def test_the_rate_is_respected_and_padding_stays(rate):
    ids = np.random.default_rng(1).integers(2, 50, (100, 200)).astype("int32")
    ids[:, 150:] = 0
    ids[::2, :20] = 0
    dropped = np.array(TokenDropout(rate, unknown_id=7, seed=3)(ids, training=True))
    assert (dropped[ids == 0] == 0).all()
    changed = dropped != ids
    assert (dropped[changed] == 7).all()
    # Five standard deviations of some 14,000 tokens; an id that is 7 already cannot be seen to change.
    assert abs(changed[(ids != 0) & (ids != 7)].mean() - rate) < 0.022
    # Single tokens, not whole rows or columns.
    assert (changed[:, 20:150].mean(axis=1) < 1).all() and changed[:, 20:150].any(axis=1).all()


def test_each_call_drops_others_and_a_seed_repeats_them():
    layer, same = TokenDropout(0.5, seed=3), TokenDropout(0.5, seed=3)
    first, second = (np.array(layer(IDS, training=True)) for _ in range(2))
    assert (first != second).any()
    np.testing.assert_array_equal(first, same(IDS, training=True))


def test_nothing_is_dropped_at_inference():
    layer = TokenDropout(0.9)
    np.testing.assert_array_equal(layer(IDS), IDS)
    np.testing.assert_array_equal(layer(IDS, training=False), IDS)
    np.testing.assert_array_equal(TokenDropout(0)(IDS, training=True), IDS)


def test_configuration_round_trip():
    layer = TokenDropout(0.25, unknown_id=3, seed=8, name="drop")
    again = TokenDropout.from_config(layer.get_config())
    assert (again.rate, again.unknown_id, again.seed, again.name) == (0.25, 3, 8, "drop")
    keras.utils.set_random_seed(0)
    np.testing.assert_array_equal(layer(IDS, training=True), again(IDS, training=True))


def test_wrong_rate_is_refused():
    for rate in (1, -0.1):
        with pytest.raises(ValueError, match="`rate`"):
            TokenDropout(rate)
