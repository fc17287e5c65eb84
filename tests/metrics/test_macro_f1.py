import keras
import numpy as np
import pytest
from sklearn.metrics import f1_score

from keras_seq.losses import ClassCrossEntropy
from keras_seq.metrics import MacroF1, classification_scores

pytestmark = pytest.mark.both_backends


def random_texts(seed=0, texts=40, classes=5):
    """Probabilities and labels of which a third is missing; class 4 does not occur."""
    generator = np.random.default_rng(seed)
    probabilities = generator.dirichlet(np.ones(classes), size=texts).astype("float32")
    probabilities[:, 4] = 0.0
    labels = generator.integers(4, size=texts)
    labels[generator.random(texts) < 0.3] = -1
    probabilities[labels < 0] = np.nan  # what was predicted without a label is never read
    return probabilities, labels


def macro_f1_by_loop(labels, predicted, weights, classes):
    scores = []
    for index in range(classes):
        correct = sum(w for t, p, w in zip(labels, predicted, weights, strict=True) if t == p == index)
        both = sum(w * (int(t == index) + int(p == index)) for t, p, w in zip(labels, predicted, weights, strict=True))
        if both:
            scores.append(2 * correct / both)
    return sum(scores) / len(scores)


@pytest.mark.both_backends(thorough=True)
@pytest.mark.parametrize("seed", [0, 1])
def test_exact_however_the_data_is_cut_into_batches(seed):
    probabilities, labels = random_texts(seed)
    real = labels >= 0
    expected = f1_score(labels[real], probabilities[real].argmax(1), average="macro", zero_division=0)
    for cuts in ([], [7], [1, 20, 39]):
        metric = MacroF1(5)
        for part in np.split(np.arange(len(labels)), cuts):
            metric.update_state(labels[part][:, None], probabilities[part])
        assert float(metric.result()) == pytest.approx(expected, rel=1e-5)
    names = list("abcde")
    assert classification_scores(labels, probabilities, names)["macro_f1"] == pytest.approx(expected)
    metric.reset_state()
    assert float(metric.result()) == 0.0
    first = slice(0, 15)
    metric.update_state(labels[first], probabilities[first])
    kept = labels[first][real[first]], probabilities[first][real[first]].argmax(1)
    assert float(metric.result()) == pytest.approx(macro_f1_by_loop(*kept, np.ones(len(kept[0])), 5), rel=1e-5)


@pytest.mark.parametrize("shape", [(40,), (40, 1)])
def test_sample_weight(shape):
    probabilities, labels = random_texts(2)
    weights = np.random.default_rng(3).random(shape).astype("float32")
    metric = MacroF1(5)
    metric.update_state(labels, probabilities, sample_weight=weights)
    real = labels >= 0
    expected = macro_f1_by_loop(labels[real], probabilities[real].argmax(1), weights.reshape(-1)[real], 5)
    assert float(metric.result()) == pytest.approx(expected, rel=1e-5)


@pytest.mark.parametrize("how", ["eager", "graph", "jit"])
def test_in_a_compiled_model(how):
    generator = np.random.default_rng(4)
    vectors, labels = generator.normal(size=(11, 3)).astype("float32"), generator.integers(-1, 4, size=11)
    model = keras.Sequential([keras.Input((3,)), keras.layers.Dense(4, activation="softmax")])
    model.compile(
        keras.optimizers.SGD(0.0),
        ClassCrossEntropy(),
        metrics=[MacroF1(4)],
        run_eagerly=how == "eager",
        jit_compile=how == "jit",
    )
    predicted = model.predict(vectors, verbose=0).argmax(1)
    real = labels >= 0
    expected = f1_score(labels[real], predicted[real], average="macro", zero_division=0)
    scores = model.evaluate(vectors, labels, batch_size=4, verbose=0, return_dict=True)
    assert scores["macro_f1"] == pytest.approx(expected, rel=1e-5)


def test_callbacks_know_that_more_is_better():
    model = keras.Sequential([keras.Input((1,)), keras.layers.Dense(2, activation="softmax")])
    model.compile("sgd", ClassCrossEntropy(), metrics=[MacroF1(2)])
    stop = keras.callbacks.EarlyStopping("macro_f1")
    model.fit(np.ones((1, 1)), np.ones(1, int), epochs=2, verbose=0, callbacks=[stop])
    assert stop.monitor_op(2.0, 1.0) and not stop.monitor_op(1.0, 2.0)


@pytest.mark.parametrize("label", [3, -100])
def test_a_label_that_is_no_class_is_seen(label):
    metric = MacroF1(3)
    metric.update_state([0, label], np.eye(3)[:2])
    assert np.isnan(float(metric.result()))


@pytest.mark.parametrize("shape", [(3,), (2, 3), (2, 2), (2, 1, 1)])
def test_shapes_must_fit(shape):
    with pytest.raises(ValueError, match=r"`y_true` must be class ids \(batch,\).* Received: y_true.shape="):
        MacroF1(3).update_state(np.zeros(shape, int), np.zeros((2, 3)))


def test_there_are_as_many_scores_as_classes():
    with pytest.raises(ValueError, match=r"`y_pred` must have one column for each of the 4 classes"):
        MacroF1(4).update_state(np.zeros(2, int), np.zeros((2, 3)))


def test_wrong_arguments():
    with pytest.raises(TypeError, match="`num_classes` must be an integer"):
        MacroF1(2.0)
    with pytest.raises(ValueError, match="`num_classes` must be a positive integer"):
        MacroF1(0)


def test_config_round_trip():
    metric = MacroF1(3, name="f1")
    copy = keras.metrics.deserialize(keras.metrics.serialize(metric))
    assert isinstance(copy, MacroF1)
    assert copy.get_config() == metric.get_config()
