import keras
import numpy as np
import pytest

from keras_seq.losses import NoteCrossEntropy
from keras_seq.metrics import NLLPerStep

pytestmark = pytest.mark.both_backends


def random_batch(seed=0, rows=6, steps=5, notes=4):
    """Notes with padding anywhere, log-odds, and the cost of each step."""
    generator = np.random.default_rng(seed)
    y = generator.integers(0, 2, (rows, steps, notes)).astype("float32")
    z = 3 * generator.normal(size=y.shape)
    costs = (np.logaddexp(0, z) - y * z).sum(-1)
    padding = generator.random((rows, steps)) < 0.3
    padding[-1] = True
    y[padding], z[padding], costs[padding] = -1, np.nan, 0
    return y, z.astype("float32"), costs


@pytest.mark.both_backends(thorough=True)
def test_exact_however_the_data_is_cut_into_batches():
    y, z, costs = random_batch()
    expected = costs.sum() / (y[..., 0] >= 0).sum()
    for cuts in ([], [1], [2, 3], [4, 5]):
        metric = NLLPerStep()
        for part in np.split(np.arange(len(y)), cuts):
            metric.update_state(y[part], z[part])
        assert float(metric.result()) == pytest.approx(expected, rel=1e-5)
    assert float(NoteCrossEntropy()(y, z)) == pytest.approx(expected, rel=1e-5)
    metric.reset_state()
    assert float(metric.result()) == 0.0


@pytest.mark.parametrize("shape", [(6,), (6, 5)])
def test_sample_weight(shape):
    y, z, costs = random_batch(1)
    weights = np.random.default_rng(3).random(shape).astype("float32")
    metric = NLLPerStep()
    metric.update_state(y, z, sample_weight=weights)
    weights = np.broadcast_to(weights[:, None] if len(shape) == 1 else weights, costs.shape) * (y[..., 0] >= 0)
    assert float(metric.result()) == pytest.approx((weights * costs).sum() / weights.sum(), rel=1e-5)


def test_no_step_at_all_is_zero():
    metric = NLLPerStep()
    metric.update_state(np.full((1, 2, 3), -1.0), np.full((1, 2, 3), 5.0))
    assert float(metric.result()) == 0.0


def test_config_round_trip():
    metric = NLLPerStep(name="nats")
    copy = keras.metrics.deserialize(keras.metrics.serialize(metric))
    assert isinstance(copy, NLLPerStep)
    assert copy.get_config() == metric.get_config()
    assert copy._direction == "down"
