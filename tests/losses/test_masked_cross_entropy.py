import keras
import numpy as np
import pytest

from keras_seq.losses import MaskedCrossEntropy


def random_batch(seed=0):
    rng = np.random.default_rng(seed)
    scores = rng.normal(size=(4, 5, 3))
    log_probabilities = scores - np.log(np.exp(scores).sum(-1, keepdims=True))
    labels = rng.integers(-1, 3, size=(4, 5))
    labels[3] = -1
    steps = np.take_along_axis(-log_probabilities, np.maximum(labels, 0)[..., None], axis=-1)[..., 0]
    return log_probabilities.astype("float32"), labels, np.where(labels >= 0, steps, 0)


def test_mean_over_real_steps():
    log_probabilities, labels, steps = random_batch()
    expected = steps.sum() / (labels >= 0).sum()
    assert float(MaskedCrossEntropy()(labels, log_probabilities)) == pytest.approx(expected, rel=1e-5)
    labels = np.pad(labels, ((0, 2), (3, 1)), constant_values=-1)
    log_probabilities = np.pad(log_probabilities, ((0, 2), (3, 1), (0, 0)), constant_values=-50.0)
    assert float(MaskedCrossEntropy()(labels, log_probabilities)) == pytest.approx(expected, rel=1e-5)


def test_per_step_and_sum():
    log_probabilities, labels, steps = random_batch()
    np.testing.assert_allclose(MaskedCrossEntropy(reduction=None)(labels, log_probabilities), steps, rtol=1e-5)
    total = float(MaskedCrossEntropy(reduction="sum")(labels, log_probabilities))
    assert total == pytest.approx(steps.sum(), rel=1e-5)


def test_impossible_classes_give_no_nan():
    log_probabilities = np.array([[[0.0, -np.inf], [-np.inf, 0.0]]], "float32")
    assert float(MaskedCrossEntropy()(np.array([[0, 1]]), log_probabilities)) == 0.0
    assert float(MaskedCrossEntropy()(np.array([[0, -1]]), log_probabilities)) == 0.0


def test_padding_alone_costs_nothing():
    assert float(MaskedCrossEntropy()(np.full((2, 3), -1), np.ones((2, 3, 4), "float32"))) == 0.0


@pytest.mark.parametrize("jit_compile", [False, True])
def test_a_keras_mask_changes_nothing(jit_compile):
    """The labels say what is padding, also where the model carries a mask of its own."""
    token_ids = np.array([[2, 3, 4, 0], [0, 0, 2, 0], [3, 0, 0, 0]])
    labels = np.where(token_ids > 0, token_ids % 2, -1)
    inputs = keras.Input((None,), dtype="int32")
    x = keras.layers.Embedding(5, 4, mask_zero=True)(inputs)
    model = keras.Model(inputs, keras.layers.Dense(2, activation="log_softmax")(x))
    model.compile("sgd", MaskedCrossEntropy(), jit_compile=jit_compile)
    outputs = model.predict(token_ids, verbose=0)
    expected = -np.take_along_axis(outputs, np.maximum(labels, 0)[..., None], axis=-1)[..., 0][labels >= 0].mean()
    assert model.evaluate(token_ids, labels, verbose=0) == pytest.approx(expected, rel=1e-5)
    assert np.isfinite(model.fit(token_ids, labels, verbose=0).history["loss"]).all()


def test_config_round_trip():
    loss = MaskedCrossEntropy(ignored_label=-7, name="ce")
    copy = keras.losses.deserialize(keras.losses.serialize(loss))
    assert isinstance(copy, MaskedCrossEntropy)
    assert copy.get_config() == loss.get_config()
