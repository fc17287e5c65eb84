import keras
import numpy as np
import pytest

from keras_seq.losses import MaskedCrossEntropy

pytestmark = pytest.mark.both_backends


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


def tagger(masked=True):
    inputs = keras.Input((None,), dtype="int32")
    x = keras.layers.Embedding(5, 4, mask_zero=masked)(inputs)
    return keras.Model(inputs, keras.layers.Dense(3, activation="log_softmax")(x))


@pytest.mark.parametrize("jit_compile", [False, True])
@pytest.mark.parametrize("masked_label", [-1, 0])
def test_a_keras_mask_and_the_labels_say_what_is_padding(masked_label, jit_compile):
    """Both, either alone, or one at some steps and the other at others: the mean is over the steps that are left."""
    token_ids = np.array([[2, 3, 4, 0], [0, 0, 2, 0], [3, 0, 0, 0], [0, 0, 0, 0], [1, 2, 0, 3]])
    labels = np.where(token_ids > 0, token_ids % 3, masked_label)
    labels[0, 1] = -1  # real by the mask, but without a label
    counted = (token_ids > 0) & (labels >= 0)
    model = tagger()
    model.compile("sgd", MaskedCrossEntropy(), jit_compile=jit_compile)
    outputs = model.predict(token_ids, verbose=0)
    expected = -np.take_along_axis(outputs, np.maximum(labels, 0)[..., None], axis=-1)[..., 0][counted].mean()
    assert model.evaluate(token_ids, labels, batch_size=5, verbose=0) == pytest.approx(expected, rel=1e-5)
    history = model.fit(token_ids, labels, batch_size=5, verbose=0).history
    assert history["loss"] == [pytest.approx(expected, rel=1e-5)]


def test_padding_leaves_the_step_of_fit_alone():
    """Rows and columns of padding, masked or labelled as such, train the same weights."""
    token_ids = np.array([[2, 3, 4], [1, 1, 2]])
    labels = token_ids % 3
    trained = []
    for before, after, rows, masked, padding_label in [(0, 0, 0, True, -1), (1, 2, 1, True, 0), (3, 0, 2, False, -1)]:
        keras.utils.set_random_seed(0)
        model = tagger(masked)
        model.compile(keras.optimizers.SGD(1.0), MaskedCrossEntropy())
        width = ((0, rows), (before, after))
        padded = np.pad(labels, width, constant_values=padding_label)
        model.fit(np.pad(token_ids, width), padded, batch_size=8, verbose=0)
        trained.append(model.get_weights())
    for weights in trained[1:]:
        for weight, expected in zip(weights, trained[0], strict=True):
            np.testing.assert_allclose(weight, expected, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("places", [[0, 1, 2], [2, 3, 4], [0, 2, 5]])
def test_textbook_example(places):
    """True classes of probability .7, .6 and .9 cost 0.3243 nats a step, wherever padding stands."""
    labels = np.full((3, 6), -1)
    log_probabilities = np.full((3, 6, 4), -np.inf)
    labels[1, places] = [0, 1, 2]
    log_probabilities[1, places, [0, 1, 2]] = np.log([0.7, 0.6, 0.9])
    assert float(MaskedCrossEntropy()(labels, log_probabilities)) == pytest.approx(0.3243, abs=5e-5)


def test_the_mean_is_over_steps_and_not_over_rows():
    log_probabilities = -np.array([[[1.0], [1.0], [1.0]], [[5.0], [9.0], [9.0]]])
    assert float(MaskedCrossEntropy()(np.array([[0, 0, 0], [0, -1, -1]]), log_probabilities)) == pytest.approx(8 / 4)


@pytest.mark.parametrize("steps", [2, 3])  # as many steps as rows, too: weights of rows must not become those of steps
def test_sample_weights(steps):
    generator = np.random.default_rng(0)
    costs = generator.random((2, steps)).astype("float32")
    labels = np.zeros((2, steps), int)
    labels[0, 1] = -1
    real = labels == 0
    of_rows, of_steps = np.array([1.0, 3.0], "float32"), generator.random((2, steps)).astype("float32")
    for given, weights in [(of_rows, of_rows[:, None]), (of_rows[:, None], of_rows[:, None]), (of_steps, of_steps)]:
        total = (weights * costs)[real].sum()
        weight = (weights * real).sum()
        for reduction, expected in [
            ("sum_over_batch_size", total / real.sum()),
            ("mean_with_sample_weight", total / weight),
            ("sum", total),
        ]:
            loss = MaskedCrossEntropy(reduction=reduction)(labels, -costs[..., None], sample_weight=given)
            assert float(loss) == pytest.approx(expected, rel=1e-5), reduction
    plain = MaskedCrossEntropy(reduction="mean_with_sample_weight")(labels, -costs[..., None])
    assert float(plain) == pytest.approx(costs[real].mean(), rel=1e-5)


@pytest.mark.parametrize("label", [3, -100])
def test_a_label_that_is_no_class_is_seen(label):
    assert np.isnan(float(MaskedCrossEntropy()(np.array([[0, label]]), np.full((1, 2, 3), -1.0))))


@pytest.mark.parametrize("shape", [(2,), (2, 4), (3, 3), (2, 3, 1), (2, 3, 5)])
def test_shapes_must_fit(shape):
    with pytest.raises(ValueError, match=r"`y_true` must be class ids \(batch, steps\).* Received: y_true.shape="):
        MaskedCrossEntropy()(np.zeros(shape, int), np.zeros((2, 3, 5)))
    with pytest.raises(ValueError, match=r"`sample_weight` must have the shape .* Received: sample_weight.shape="):
        MaskedCrossEntropy()(np.zeros((2, 3), int), np.zeros((2, 3, 5)), sample_weight=np.zeros((2, 3, 5)))


def test_ignored_label_must_be_an_integer():
    with pytest.raises(TypeError, match="`ignored_label` must be an integer. Received: ignored_label=None"):
        MaskedCrossEntropy(ignored_label=None)


def test_config_round_trip():
    loss = MaskedCrossEntropy(ignored_label=-7, name="ce")
    copy = keras.losses.deserialize(keras.losses.serialize(loss))
    assert isinstance(copy, MaskedCrossEntropy)
    assert copy.get_config() == loss.get_config()
