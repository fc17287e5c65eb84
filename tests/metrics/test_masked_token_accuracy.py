import keras
import numpy as np
import pytest

from keras_seq.metrics import MaskedTokenAccuracy

pytestmark = pytest.mark.both_backends


def test_real_steps_only():
    rng = np.random.default_rng(0)
    y_true = rng.integers(-1, 4, size=(20, 7))
    scores = rng.normal(size=(20, 7, 4)).astype("float16")
    tag_ids = scores.argmax(-1)
    expected = (tag_ids == y_true)[y_true >= 0].mean()
    for y_pred in (tag_ids, scores):
        metric = MaskedTokenAccuracy()
        for half in (slice(0, 5), slice(5, 20)):
            metric.update_state(y_true[half], y_pred[half])
        assert float(metric.result()) == pytest.approx(expected, abs=1e-6)


def test_missing_prediction_is_an_error():
    metric = MaskedTokenAccuracy()
    metric.update_state([[1, 1, -1]], [[1, -1, -1]])
    assert float(metric.result()) == 0.5


def test_nothing_but_padding():
    metric = MaskedTokenAccuracy()
    metric.update_state([[-1, -1]], [[0, -1]])
    assert float(metric.result()) == 0.0


@pytest.mark.parametrize("sample_weight", [[1.0, 3.0], [[1.0, 1.0], [3.0, 0.0]]])
def test_sample_weight(sample_weight):
    metric = MaskedTokenAccuracy()
    metric.update_state([[1, 1], [1, -1]], [[1, 0], [1, 0]], sample_weight=sample_weight)
    assert float(metric.result()) == pytest.approx(4 / 5)


def test_config_round_trip():
    metric = MaskedTokenAccuracy(name="accuracy")
    copy = keras.metrics.deserialize(keras.metrics.serialize(metric))
    assert isinstance(copy, MaskedTokenAccuracy)
    assert copy.get_config() == metric.get_config()


def test_shapes_must_agree():
    with pytest.raises(ValueError, match="`y_true` must be class ids"):
        MaskedTokenAccuracy().update_state([[0, 1]], [[0]])
