import keras
import numpy as np
import pytest

from keras_seq.losses import MaskedCrossEntropy
from keras_seq.metrics import Perplexity

pytestmark = pytest.mark.both_backends


def random_batch(seed=0, batch=6, steps=5, classes=4):
    """Log-probabilities, labels with padding on either side and in holes, and the cost of each step."""
    generator = np.random.default_rng(seed)
    scores = 3 * generator.normal(size=(batch, steps, classes))
    log_probabilities = scores - np.log(np.exp(scores).sum(-1, keepdims=True))
    labels = generator.integers(classes, size=(batch, steps))
    labels[generator.random(labels.shape) < 0.3] = -1
    labels[-1] = -1
    costs = -np.take_along_axis(log_probabilities, np.maximum(labels, 0)[..., None], axis=-1)[..., 0]
    log_probabilities[labels < 0] = np.nan  # what stands at padding is never read
    return log_probabilities.astype("float32"), labels, costs


@pytest.mark.parametrize("places", [[0, 1, 2], [2, 3, 4], [0, 2, 5]])
def test_textbook_example(places):
    """Words of probability .1, .4 and .3 give (.1 * .4 * .3) ** (-1 / 3), wherever padding stands."""
    labels = np.full((3, 6), -1)
    log_probabilities = np.zeros((3, 6, 4))
    labels[1, places] = [2, 0, 3]
    log_probabilities[1, places, [2, 0, 3]] = np.log([0.1, 0.4, 0.3])
    metric = Perplexity()
    metric.update_state(labels, log_probabilities)
    assert float(metric.result()) == pytest.approx(4.3679, abs=5e-5)


def test_exact_however_the_data_is_cut_into_batches():
    log_probabilities, labels, costs = random_batch()
    expected = np.exp(costs[labels >= 0].mean())
    for cuts in ([], [1], [2, 3], [4, 5]):
        metric = Perplexity()
        for part in np.split(np.arange(len(labels)), cuts):
            metric.update_state(labels[part], log_probabilities[part])
        assert float(metric.result()) == pytest.approx(expected, rel=1e-5)
    metric.reset_state()
    metric.update_state(labels[:1], log_probabilities[:1])
    assert float(metric.result()) == pytest.approx(np.exp(costs[:1][labels[:1] >= 0].mean()), rel=1e-5)


def test_it_is_the_exponential_of_the_loss_of_a_batch():
    log_probabilities, labels, _ = random_batch(1)
    metric = Perplexity()
    metric.update_state(labels, log_probabilities)
    assert np.log(float(metric.result())) == pytest.approx(
        float(MaskedCrossEntropy()(labels, log_probabilities)), rel=1e-5
    )


def test_even_belief_is_the_number_of_classes_and_sure_belief_one():
    metric = Perplexity()
    metric.update_state([[0, 6]], np.full((1, 2, 7), np.log(1 / 7)))
    assert float(metric.result()) == pytest.approx(7)
    metric.reset_state()
    metric.update_state([[1, -1]], np.array([[[-np.inf, 0.0], [0.0, 0.0]]]))
    assert float(metric.result()) == 1.0


def test_an_impossible_target():
    log_probabilities = np.array([[[0.0, -np.inf], [np.log(0.5)] * 2]])
    metric = Perplexity()
    metric.update_state([[1, 0]], log_probabilities)
    assert float(metric.result()) == np.inf
    metric.reset_state()
    metric.update_state([[1, 0]], log_probabilities, sample_weight=[[0.0, 1.0]])
    assert float(metric.result()) == pytest.approx(2)


def test_no_step_at_all_is_one():
    metric = Perplexity()
    assert float(metric.result()) == 1.0
    metric.update_state([[-1, -1]], np.full((1, 2, 3), -5.0))
    assert float(metric.result()) == 1.0


@pytest.mark.parametrize("shape", [(5,), (5, 1), (5, 5)])  # as many rows as steps: weights of rows stay those of rows
def test_sample_weight(shape):
    log_probabilities, labels, costs = random_batch(2, batch=5)
    weights = np.random.default_rng(3).random(shape).astype("float32")
    metric = Perplexity()
    metric.update_state(labels, log_probabilities, sample_weight=weights)
    weights = np.broadcast_to(weights[:, None] if len(shape) == 1 else weights, labels.shape)
    expected = np.exp((weights * costs)[labels >= 0].sum() / weights[labels >= 0].sum())
    assert float(metric.result()) == pytest.approx(expected, rel=1e-5)


@pytest.mark.parametrize("how", ["eager", "graph", pytest.param("jit", marks=pytest.mark.thorough)])
@pytest.mark.parametrize("masked_label", [-1, 0])
def test_in_a_compiled_model(how, masked_label):
    """Over unequal batches; the padding is told by the labels, or by the Keras mask alone."""
    token_ids = np.array([[2, 3, 4, 0], [0, 0, 2, 0], [3, 0, 0, 0], [0, 0, 0, 0], [1, 2, 0, 3]])
    labels = np.where(token_ids > 0, token_ids % 3, masked_label)
    inputs = keras.Input((None,), dtype="int32")
    x = keras.layers.Embedding(5, 4, mask_zero=True, embeddings_initializer="normal")(inputs)
    model = keras.Model(inputs, keras.layers.Dense(3, activation="log_softmax")(x))
    model.compile(
        keras.optimizers.SGD(0.0),
        MaskedCrossEntropy(),
        metrics=[Perplexity()],
        run_eagerly=how == "eager",
        jit_compile=how == "jit",
    )
    outputs = model.predict(token_ids, verbose=0)
    costs = -np.take_along_axis(outputs, np.maximum(labels, 0)[..., None], axis=-1)[..., 0]
    expected = pytest.approx(np.exp(costs[token_ids > 0].mean()), rel=1e-5)
    assert model.evaluate(token_ids, labels, batch_size=2, verbose=0, return_dict=True)["perplexity"] == expected
    if masked_label == -1 or keras.backend.backend() != "jax":  # there, metrics see no mask while training
        assert model.fit(token_ids, labels, batch_size=2, verbose=0).history["perplexity"] == [expected]


def test_callbacks_know_that_less_is_better():
    model = keras.Sequential([keras.layers.Embedding(3, 2), keras.layers.Dense(2, activation="log_softmax")])
    model.compile("sgd", MaskedCrossEntropy(), metrics=[Perplexity()])
    stop = keras.callbacks.EarlyStopping("perplexity")
    model.fit(np.ones((1, 2), int), np.ones((1, 2), int), epochs=2, verbose=0, callbacks=[stop])
    assert stop.monitor_op(1.0, 2.0) and not stop.monitor_op(2.0, 1.0)


@pytest.mark.parametrize("label", [3, -100])
def test_a_label_that_is_no_class_is_seen(label):
    metric = Perplexity()
    metric.update_state([[0, label]], np.full((1, 2, 3), -1.0))
    assert np.isnan(float(metric.result()))


def test_config_round_trip():
    metric = Perplexity(ignored_label=0, name="words")
    copy = keras.metrics.deserialize(keras.metrics.serialize(metric))
    assert isinstance(copy, Perplexity)
    assert copy.get_config() == metric.get_config()
    copy.update_state([[1, 0]], np.log([[[0.5, 0.5], [0.1, 0.9]]]))
    assert float(copy.result()) == pytest.approx(2)


@pytest.mark.parametrize("shape", [(2,), (2, 4), (3, 3), (2, 3, 5)])
def test_shapes_must_fit(shape):
    with pytest.raises(ValueError, match=r"`y_true` must be class ids \(batch, steps\).* Received: y_true.shape="):
        Perplexity().update_state(np.zeros(shape, int), np.zeros((2, 3, 5)))
    with pytest.raises(ValueError, match=r"`sample_weight` must have the shape .* Received: sample_weight.shape="):
        Perplexity().update_state(np.zeros((2, 3), int), np.zeros((2, 3, 5)), sample_weight=np.zeros((2, 4)))


def test_ignored_label_must_be_an_integer():
    with pytest.raises(TypeError, match="`ignored_label` must be an integer. Received: ignored_label=0.5"):
        Perplexity(ignored_label=0.5)
