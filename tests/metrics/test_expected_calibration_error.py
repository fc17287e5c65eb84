import keras
import numpy as np
import pytest

from keras_seq.losses import ClassCrossEntropy
from keras_seq.metrics import ExpectedCalibrationError, calibration_error, classification_scores, reliability_bins

pytestmark = pytest.mark.both_backends


def random_texts(seed=0, texts=200, classes=4):
    generator = np.random.default_rng(seed)
    probabilities = generator.dirichlet(np.full(classes, 0.5), size=texts).astype("float32")
    labels = np.array([generator.choice(classes, p=row / row.sum()) for row in probabilities.astype("float64")])
    labels[generator.random(texts) < 0.3] = -1
    return probabilities, labels


def error_by_loop(confidences, correct, weights, num_bins):
    total = 0.0
    for index in range(num_bins):
        chosen = (confidences > index / num_bins) & (confidences <= (index + 1) / num_bins)
        total += abs((weights * (confidences - correct))[chosen].sum())
    return total / weights.sum()


@pytest.mark.both_backends(thorough=True)
@pytest.mark.parametrize("num_bins", [1, 10, 15])
def test_exact_however_the_data_is_cut_into_batches(num_bins):
    probabilities, labels = random_texts()
    real = labels >= 0
    confidences, correct = probabilities[real].max(1), probabilities[real].argmax(1) == labels[real]
    expected = error_by_loop(confidences, correct, np.ones(real.sum()), num_bins)
    assert calibration_error(confidences, correct, num_bins) == pytest.approx(expected, rel=1e-5)
    padded = np.where(real[:, None], probabilities, np.nan)  # what was predicted without a label is never read
    for cuts in ([], [7], [1, 20, 199]):
        metric = ExpectedCalibrationError(num_bins)
        for part in np.split(np.arange(len(labels)), cuts):
            metric.update_state(labels[part][:, None], padded[part])
        assert float(metric.result()) == pytest.approx(expected, rel=1e-4)
    metric.reset_state()
    assert float(metric.result()) == 0.0


def test_the_metric_and_the_function_put_edges_into_the_same_bins():
    """A bin holds its upper edge, also where float32 cannot write it down."""
    edges = np.arange(8, 16, dtype="float32") / np.float32(15)
    probabilities = np.stack([edges, 1 - edges], axis=1)
    for wrong in range(8):
        labels = (np.arange(8) == wrong).astype(int)
        metric = ExpectedCalibrationError()
        metric.update_state(labels, probabilities)
        expected = classification_scores(labels, probabilities, ["a", "b"])["ece"]
        assert float(metric.result()) == pytest.approx(expected, rel=1e-4)
    counts, _, _ = reliability_bins(edges, np.ones(8))
    assert counts.tolist() == [0] * 7 + [1] * 8


def test_sample_weight():
    probabilities, labels = random_texts(1)
    weights = np.random.default_rng(2).random(200).astype("float32")
    metric = ExpectedCalibrationError(10)
    metric.update_state(labels, probabilities, sample_weight=weights)
    real = labels >= 0
    correct = probabilities[real].argmax(1) == labels[real]
    expected = error_by_loop(probabilities[real].max(1), correct, weights[real], 10)
    assert float(metric.result()) == pytest.approx(expected, rel=1e-4)


@pytest.mark.parametrize("how", ["eager", "graph", "jit"])
def test_in_a_compiled_model(how):
    generator = np.random.default_rng(4)
    vectors, labels = 3 * generator.normal(size=(11, 3)).astype("float32"), generator.integers(-1, 4, size=11)
    model = keras.Sequential([keras.Input((3,)), keras.layers.Dense(4, activation="softmax")])
    model.compile(
        keras.optimizers.SGD(0.0),
        ClassCrossEntropy(),
        metrics=[ExpectedCalibrationError()],
        run_eagerly=how == "eager",
        jit_compile=how == "jit",
    )
    probabilities, real = model.predict(vectors, verbose=0), labels >= 0
    correct = probabilities[real].argmax(1) == labels[real]
    expected = error_by_loop(probabilities[real].max(1), correct, np.ones(real.sum()), 15)
    scores = model.evaluate(vectors, labels, batch_size=4, verbose=0, return_dict=True)
    assert scores["ece"] == pytest.approx(expected, rel=1e-4)


def test_callbacks_know_that_less_is_better():
    model = keras.Sequential([keras.Input((1,)), keras.layers.Dense(2, activation="softmax")])
    model.compile("sgd", ClassCrossEntropy(), metrics=[ExpectedCalibrationError()])
    stop = keras.callbacks.EarlyStopping("ece")
    model.fit(np.ones((1, 1)), np.ones(1, int), epochs=2, verbose=0, callbacks=[stop])
    assert stop.monitor_op(1.0, 2.0) and not stop.monitor_op(2.0, 1.0)


@pytest.mark.parametrize("label", [3, -100])
def test_a_label_that_is_no_class_is_seen(label):
    metric = ExpectedCalibrationError()
    metric.update_state([0, label], np.eye(3)[:2])
    assert np.isnan(float(metric.result()))


@pytest.mark.parametrize("shape", [(3,), (2, 3), (2, 1, 1)])
def test_shapes_must_fit(shape):
    with pytest.raises(ValueError, match=r"`y_true` must be class ids \(batch,\).* Received: y_true.shape="):
        ExpectedCalibrationError().update_state(np.zeros(shape, int), np.zeros((2, 3)))


def test_wrong_arguments():
    with pytest.raises(TypeError, match="`num_bins` must be an integer"):
        ExpectedCalibrationError(1.5)
    with pytest.raises(ValueError, match="`num_bins` must be a positive integer"):
        reliability_bins([0.5], [1], num_bins=0)


def test_config_round_trip():
    metric = ExpectedCalibrationError(7, name="gap")
    copy = keras.metrics.deserialize(keras.metrics.serialize(metric))
    assert isinstance(copy, ExpectedCalibrationError)
    assert copy.get_config() == metric.get_config()
