import keras
import numpy as np
import pytest
from keras import ops

from keras_seq.ops.calibration import apply_temperature, fit_temperature, rejection_threshold

pytestmark = pytest.mark.both_backends


def softmax(scores):
    exponentials = np.exp(scores - scores.max(-1, keepdims=True))
    return exponentials / exponentials.sum(-1, keepdims=True)


def sigmoid(scores):
    return 1 / (1 + np.exp(-scores))


def drawn_texts(seed=0, texts=4000, classes=5):
    """Scores, and labels drawn from their softmax."""
    generator = np.random.default_rng(seed)
    scores = 2 * generator.normal(size=(texts, classes))
    return scores, (softmax(scores).cumsum(1) > generator.random((texts, 1))).argmax(1)


@pytest.mark.parametrize("sharper", [0.3, 1.0, 2.5])
def test_it_takes_back_what_made_a_model_too_sure(sharper):
    scores, labels = drawn_texts()
    temperature = fit_temperature(softmax(sharper * scores).astype("float32"), labels)
    assert temperature == pytest.approx(sharper, rel=0.05)


def test_no_other_temperature_is_likelier():
    scores, labels = drawn_texts(1, texts=150)

    def cost(temperature):
        return -np.log(softmax(3 * scores / temperature)[np.arange(150), labels]).mean()

    temperature = fit_temperature(softmax(3 * scores), labels)
    grid = np.exp(np.linspace(np.log(0.05), np.log(20), 4001))
    assert temperature == pytest.approx(grid[np.argmin([cost(each) for each in grid])], rel=2e-3)


@pytest.mark.parametrize("sharper", [0.5, 2.0])
def test_several_labels(sharper):
    generator = np.random.default_rng(2)
    scores = 2 * generator.normal(size=(2000, 3))
    labels = (generator.random(scores.shape) < sigmoid(scores)).astype(int)
    temperature = fit_temperature(sigmoid(sharper * scores).astype("float32"), labels, multi_label=True)
    assert temperature == pytest.approx(sharper, rel=0.05)

    padded = np.concatenate([labels, np.full((7, 3), -1)])
    probabilities = np.concatenate([sigmoid(sharper * scores).astype("float32"), np.full((7, 3), np.nan)])
    assert fit_temperature(probabilities, padded, multi_label=True) == pytest.approx(temperature, rel=1e-6)


def test_texts_without_a_label_are_left_out():
    scores, labels = drawn_texts(3, texts=100)
    expected = fit_temperature(softmax(scores), labels)
    probabilities = np.concatenate([np.full((9, 5), np.nan), softmax(scores)])
    assert fit_temperature(probabilities, np.concatenate([np.full(9, -1), labels])) == expected


def test_it_does_not_run_away():
    probabilities = np.array([[0.9, 0.1], [0.3, 0.7]])
    assert fit_temperature(probabilities, [0, 1]) == 1.0, "all are right: nothing says how sure to be"
    assert fit_temperature(probabilities, [[1, 0], [0, 1]], multi_label=True) == 1.0
    assert fit_temperature(probabilities, [-1, -1]) == 1.0
    assert 19.9 < fit_temperature(probabilities, [1, 0]) <= 20.0, "all are wrong: as unsure as can be"
    # Sure of the wrong class, as sure as float32 can be.
    assert 19.9 < fit_temperature(np.array([[1.0, 0.0]] * 3, "float32"), [1, 1, 0]) <= 20.0
    # Nearly uniform and nearly always right.
    unsure = np.tile([0.5001, 0.4999], (1000, 1))
    assert 0.05 <= fit_temperature(unsure, np.arange(1000) == 3) < 0.06


@pytest.mark.parametrize("temperature", [0.05, 0.5, 1.0, 3.0, 20.0])
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_scaling_by_the_formula(temperature, dtype):
    scores = 3 * np.random.default_rng(4).normal(size=(2, 6, 4))
    for multi_label, activation in ((False, softmax), (True, sigmoid)):
        probabilities = activation(scores).astype(dtype)
        scaled = apply_temperature(probabilities, temperature, multi_label=multi_label)
        assert isinstance(scaled, np.ndarray)
        assert scaled.dtype == dtype
        np.testing.assert_allclose(scaled, activation(scores / temperature), rtol=2e-3, atol=1e-6)
        if temperature == 1:
            np.testing.assert_allclose(scaled, probabilities, rtol=2e-6 if dtype == "float32" else 1e-12)


EDGES = np.array([[1.0, 0.0, 0.0], [0.5, 0.5, 0.0], [1e-35, 1.0, 1e-20], [0.2, 0.3, 0.5]], "float32")


@pytest.mark.parametrize("multi_label", [False, True])
@pytest.mark.parametrize("temperature", [0.05, 1.0, 2.0, 20.0])
def test_arrays_and_compiled_graphs_agree(temperature, multi_label):
    inputs = keras.Input((3,))
    scale = keras.layers.Lambda(lambda tensor: apply_temperature(tensor, temperature, multi_label=multi_label))
    model = keras.Model(inputs, scale(inputs))
    expected = apply_temperature(EDGES, temperature, multi_label=multi_label)
    assert np.isfinite(expected).all()
    for jit_compile in (False, True):
        model.compile(jit_compile=jit_compile)
        np.testing.assert_allclose(model.predict(EDGES, verbose=0), expected, rtol=1e-5, atol=1e-7)
    tensor = apply_temperature(
        ops.convert_to_tensor(EDGES), ops.convert_to_tensor(temperature), multi_label=multi_label
    )
    np.testing.assert_allclose(ops.convert_to_numpy(tensor), expected, rtol=1e-5, atol=1e-7)


def test_order_and_sum_stay():
    scores, _ = drawn_texts(5, texts=50)
    probabilities = softmax(scores).astype("float32")
    for temperature in (0.1, 5.0):
        scaled = apply_temperature(probabilities, temperature)
        np.testing.assert_array_equal(scaled.argmax(1), probabilities.argmax(1))
        np.testing.assert_allclose(scaled.sum(1), 1, rtol=1e-5)


def test_the_threshold_is_the_largest_that_keeps_enough():
    generator = np.random.default_rng(6)
    for confidences in (generator.random(37), generator.random(100).round(1), np.full(5, 0.3), np.array([0.5])):
        for keep in (0.01, 0.07, 0.5, 0.9, 0.95, 1.0):
            threshold = rejection_threshold(confidences, keep)
            assert threshold in confidences
            assert sum(confidence >= threshold for confidence in confidences) / len(confidences) >= keep - 1e-12
            for higher in confidences[confidences > threshold]:
                assert (confidences >= higher).mean() < keep - 1e-12


def test_a_share_that_floating_point_cannot_write():
    assert 0.07 * 100 > 7
    assert rejection_threshold(np.arange(100.0), keep=0.07) == 93.0


def test_float32_confidences_are_kept_by_the_graph():
    """The threshold goes through a Python float and back to float32 without change."""
    confidences = np.random.default_rng(7).random(21).astype("float32")
    threshold = rejection_threshold(confidences, 0.9)
    assert (ops.convert_to_numpy(ops.convert_to_tensor(confidences) >= threshold)).sum() == 19


@pytest.mark.parametrize(
    ("keep", "error", "message"),
    [(0, ValueError, "`keep` must be a finite number above 0"), (95, ValueError, "`keep` must be a share"),
     ("0.9", TypeError, "`keep` must be a number")],
)  # fmt: skip
def test_wrong_shares(keep, error, message):
    with pytest.raises(error, match=message):
        rejection_threshold([0.5], keep)


@pytest.mark.parametrize("confidences", [[], [[0.5]], [np.nan, 0.5]])
def test_wrong_confidences(confidences):
    with pytest.raises(ValueError, match="`confidences` must be a flat array of at least one number"):
        rejection_threshold(confidences, 0.9)


def test_wrong_predictions_and_temperatures():
    probabilities = np.full((2, 2), 0.5)
    for labels, arguments, message in [
        ([0], {}, r"`labels` \(texts,\). Received: probabilities.shape=\(2, 2\), labels.shape=\(1,\)"),
        ([0, 1], {"multi_label": True}, r"`labels` \(texts, classes\)"),
        ([0, 2], {}, "`labels` must be integers from 0 to 1, or -1 for no label. Received: 2"),
        ([[0, 1], [0, -1]], {"multi_label": True}, "`labels` must be integers from 0 to 1"),
    ]:
        with pytest.raises(ValueError, match=message):
            fit_temperature(probabilities, labels, **arguments)
    with pytest.raises(ValueError, match="`probabilities` must be numbers from 0 to 1. Received: -0.5"):
        fit_temperature(-probabilities, [0, 1])
    with pytest.raises(ValueError, match="`temperature` must be a finite number above 0"):
        apply_temperature(probabilities, 0.0)
    with pytest.raises(TypeError, match="`temperature` must be a number"):
        apply_temperature(probabilities, np.ones(2))
