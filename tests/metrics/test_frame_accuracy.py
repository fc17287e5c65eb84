import keras
import numpy as np
import pytest

from keras_seq.metrics import FrameAccuracy

pytestmark = pytest.mark.both_backends


@pytest.mark.both_backends(thorough=True)
def test_counts_of_a_plain_loop_however_the_data_is_cut():
    generator = np.random.default_rng(0)
    y = generator.integers(0, 2, (6, 5, 4)).astype("float32")
    z = generator.normal(size=y.shape).astype("float32")
    y[generator.random((6, 5)) < 0.3] = -1
    z[y < 0] = np.nan
    right = wrong = missed = 0
    for note, log_odds in zip(y.ravel(), z.ravel(), strict=True):
        right += note == 1 and log_odds >= 0
        wrong += note == 0 and log_odds >= 0
        missed += note == 1 and log_odds < 0
    for cuts in ([], [2, 3]):
        metric = FrameAccuracy()
        for part in np.split(np.arange(6), cuts):
            metric.update_state(y[part], z[part])
        assert float(metric.result()) == pytest.approx(right / (right + wrong + missed))


def test_weights_and_edges():
    metric = FrameAccuracy()
    assert float(metric.result()) == 0.0
    metric.update_state([[[0, 0]]], [[[-1.0, -1.0]]])  # a rest that is foreseen has nothing to count
    assert float(metric.result()) == 0.0
    metric.update_state([[[1, 0]], [[1, 0]]], [[[1.0, -1.0]], [[-1.0, 1.0]]], sample_weight=[1.0, 0.0])
    assert float(metric.result()) == 1.0
    copy = keras.metrics.deserialize(keras.metrics.serialize(FrameAccuracy(name="frames")))
    assert copy.name == "frames"
    with pytest.raises(ValueError, match="`y_true` must be notes"):
        metric.update_state(np.zeros((1, 2)), np.zeros((1, 2, 3)))
