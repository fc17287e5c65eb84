import itertools

import keras
import numpy as np
import pytest

from keras_seq.losses import CRFNegativeLogLikelihood

pytestmark = pytest.mark.both_backends


def exact(potentials, tags, miss_cost=0.0):
    """The loss of one row of real steps only, over all paths."""

    def score(path):
        misses = sum(found == 0 and right != 0 for found, right in zip(path, tags, strict=True))
        return miss_cost * misses + sum(potentials[t, path[t - 1] if t else 0, path[t]] for t in range(len(path)))

    paths = itertools.product(range(potentials.shape[-1]), repeat=len(tags))
    return np.log(sum(np.exp(score(path)) for path in paths)) - score(tags)


def random_batch(seed=0):
    rng = np.random.default_rng(seed)
    potentials = rng.normal(size=(5, 4, 3, 3)).astype("float32")
    labels = rng.integers(3, size=(5, 4))
    labels[1, 2:] = -1
    labels[2, :3] = -1
    labels[3, [0, 2]] = -1
    labels[4] = -1
    expected = [exact(row[tags >= 0], tags[tags >= 0]) for row, tags in zip(potentials, labels, strict=True)]
    return potentials, labels, np.array(expected)


def test_mean_over_real_tokens():
    potentials, labels, rows = random_batch()
    assert float(CRFNegativeLogLikelihood()(labels, potentials)) == pytest.approx(
        rows.sum() / (labels >= 0).sum(), rel=1e-5
    )
    padded = np.pad(labels, ((0, 2), (3, 1)), constant_values=-1)
    wide = np.pad(potentials, ((0, 2), (3, 1), (0, 0), (0, 0)), constant_values=50.0)
    assert float(CRFNegativeLogLikelihood()(padded, wide)) == pytest.approx(rows.sum() / (labels >= 0).sum(), rel=1e-5)


def test_per_row_and_sum():
    potentials, labels, rows = random_batch()
    np.testing.assert_allclose(CRFNegativeLogLikelihood(reduction=None)(labels, potentials), rows, rtol=1e-4, atol=1e-5)
    assert float(CRFNegativeLogLikelihood(reduction="sum")(labels, potentials)) == pytest.approx(rows.sum(), rel=1e-5)


def test_sample_weights_are_per_row():
    potentials, labels, rows = random_batch()
    weights = np.array([1.0, 0.0, 2.0, 1.0, 3.0], "float32")
    assert float(CRFNegativeLogLikelihood()(labels, potentials, sample_weight=weights)) == pytest.approx(
        (weights * rows).sum() / (labels >= 0).sum(), rel=1e-5
    )


def test_a_missed_entity_costs_its_margin():
    potentials, labels, _ = random_batch()
    rows = [exact(row[tags >= 0], tags[tags >= 0], 1.5) for row, tags in zip(potentials, labels, strict=True)]
    loss = CRFNegativeLogLikelihood(reduction=None, miss_cost=1.5)
    np.testing.assert_allclose(loss(labels, potentials), rows, rtol=1e-4, atol=1e-5)
    assert keras.losses.deserialize(keras.losses.serialize(loss)).miss_cost == 1.5
    with pytest.raises(ValueError, match="`miss_cost` must be a finite number of at least 0"):
        CRFNegativeLogLikelihood(miss_cost=-1.0)


def test_padding_alone_costs_nothing():
    assert float(CRFNegativeLogLikelihood()(np.full((2, 3), -1), np.ones((2, 3, 4, 4), "float32"))) == 0.0


def test_config_round_trip():
    loss = CRFNegativeLogLikelihood(ignored_label=-7, name="nll")
    copy = keras.losses.deserialize(keras.losses.serialize(loss))
    assert isinstance(copy, CRFNegativeLogLikelihood)
    assert copy.get_config() == loss.get_config()
    potentials, labels, _ = random_batch()
    moved = np.where(labels < 0, -7, labels)
    assert float(copy(moved, potentials)) == pytest.approx(float(CRFNegativeLogLikelihood()(labels, potentials)))
