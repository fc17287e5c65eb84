import math

import keras
import numpy as np
import pytest

from keras_seq.losses import NoteCrossEntropy
from keras_seq.metrics import FrameAccuracy, NLLPerStep

pytestmark = pytest.mark.both_backends


def random_batch(seed=0, rows=4, steps=5, notes=6):
    """Notes, log-odds, and the cost of each step by a plain loop in float64; padding anywhere."""
    generator = np.random.default_rng(seed)
    y = generator.integers(0, 2, (rows, steps, notes)).astype("float32")
    y[generator.random((rows, steps)) < 0.3] = -1
    y[0, 0] = 0
    y[-1] = -1
    z = (3 * generator.normal(size=y.shape)).astype("float32")
    costs = np.zeros((rows, steps))
    for row, step, note in np.ndindex(*y.shape):
        if y[row, step, note] >= 0:
            p = 1 / (1 + math.exp(-float(z[row, step, note])))
            costs[row, step] -= math.log(p if y[row, step, note] else 1 - p)
    return y, z, costs


def test_mean_over_real_steps():
    y, z, costs = random_batch()
    expected = costs.sum() / (y[..., 0] >= 0).sum()
    assert float(NoteCrossEntropy()(y, z)) == pytest.approx(expected, rel=1e-5)
    y = np.pad(y, ((0, 2), (3, 1), (0, 0)), constant_values=-1)
    z = np.pad(z, ((0, 2), (3, 1), (0, 0)), constant_values=-50.0)
    assert float(NoteCrossEntropy()(y, z)) == pytest.approx(expected, rel=1e-5)


def test_per_step_and_sum():
    y, z, costs = random_batch(1)
    np.testing.assert_allclose(NoteCrossEntropy(reduction=None)(y, z), costs, rtol=1e-5, atol=1e-6)
    assert float(NoteCrossEntropy(reduction="sum")(y, z)) == pytest.approx(costs.sum(), rel=1e-5)


def test_padding_alone_costs_nothing():
    assert float(NoteCrossEntropy()(np.full((2, 3, 4), -1.0), np.ones((2, 3, 4)))) == 0.0


def test_sample_weights():
    y, z, costs = random_batch(2)
    real = y[..., 0] >= 0
    of_rows = np.array([1.0, 3.0, 0.5, 2.0], "float32")
    of_steps = np.random.default_rng(0).random(costs.shape).astype("float32")
    for given, weights in ((of_rows, of_rows[:, None]), (of_steps, of_steps)):
        total, weight = (weights * costs)[real].sum(), (weights * real).sum()
        for reduction, expected in (
            ("sum_over_batch_size", total / real.sum()),
            ("mean_with_sample_weight", total / weight),
            ("sum", total),
        ):
            loss = NoteCrossEntropy(reduction=reduction)(y, z, sample_weight=given)
            assert float(loss) == pytest.approx(expected, rel=1e-5), reduction


@pytest.mark.parametrize("jit_compile", [False, True])
def test_a_keras_mask_and_the_notes_say_what_is_padding(jit_compile):
    """In `fit` and `evaluate`, loss and metrics leave out the same steps, whoever tells them."""
    token_ids = np.array([[2, 3, 4, 0], [0, 0, 2, 0], [3, 0, 0, 0], [0, 0, 0, 0], [1, 2, 0, 3]])
    y = np.random.default_rng(0).integers(0, 2, (*token_ids.shape, 3)).astype("float32")
    y[0, 1] = -1  # real by the mask, but without notes
    inputs = keras.Input((None,), dtype="int32")
    x = keras.layers.Embedding(5, 4, mask_zero=True, embeddings_initializer="normal")(inputs)
    model = keras.Model(inputs, keras.layers.Dense(3, kernel_initializer=keras.initializers.RandomNormal(stddev=20))(x))
    model.compile("sgd", NoteCrossEntropy(), metrics=[NLLPerStep(), FrameAccuracy()], jit_compile=jit_compile)
    z = model.predict(token_ids, verbose=0)
    counted = (token_ids > 0) & (y[..., 0] >= 0)
    expected = (np.logaddexp(0, z) - y * z).sum(-1)[counted].mean()
    predicted, sounding = z[counted] >= 0, y[counted] > 0.5
    scores = model.evaluate(token_ids, y, batch_size=5, verbose=0, return_dict=True)
    assert scores["loss"] == pytest.approx(expected, rel=1e-5)
    assert scores["nll_per_step"] == pytest.approx(expected, rel=1e-5)
    assert scores["frame_accuracy"] == pytest.approx((predicted & sounding).sum() / (predicted | sounding).sum())
    assert model.fit(token_ids, y, batch_size=5, verbose=0).history["loss"] == [pytest.approx(expected, rel=1e-5)]


def test_a_note_that_is_none_is_seen():
    assert np.isnan(float(NoteCrossEntropy()(np.array([[[0, 3]]]), np.zeros((1, 1, 2)))))


@pytest.mark.parametrize("shape", [(2, 3), (2, 4, 5), (3, 3, 5), (2, 3, 4), (2, 3, 5, 1)])
def test_shapes_must_fit(shape):
    with pytest.raises(ValueError, match=r"`y_true` must be notes and .* Received: y_true.shape="):
        NoteCrossEntropy()(np.zeros(shape), np.zeros((2, 3, 5)))
    with pytest.raises(ValueError, match=r"`sample_weight` must have the shape .* Received: sample_weight.shape="):
        NoteCrossEntropy()(np.zeros((2, 3, 5)), np.zeros((2, 3, 5)), sample_weight=np.zeros((2, 3, 5)))


def test_config_round_trip():
    loss = NoteCrossEntropy(name="notes", reduction="sum")
    copy = keras.losses.deserialize(keras.losses.serialize(loss))
    assert isinstance(copy, NoteCrossEntropy)
    assert copy.get_config() == loss.get_config()
