import keras
import numpy as np
import pytest
import torch
from keras import ops

from keras_seq.losses import ClassCrossEntropy

pytestmark = pytest.mark.both_backends

WEIGHTS = [0.5, 2.0, 1.0, 3.0]


def random_batch(seed=0, rows=7, classes=4):
    """Scores, probabilities and labels, two of them missing."""
    generator = np.random.default_rng(seed)
    scores = 2 * generator.normal(size=(rows, classes))
    probabilities = np.exp(scores) / np.exp(scores).sum(-1, keepdims=True)
    labels = generator.integers(classes, size=rows)
    labels[[1, 4]] = -1
    return scores, probabilities, labels


def costs_by_loop(probabilities, shares, smoothing=0.0, weights=None, multi_label=False):
    """What each text costs, term by term in float64."""
    costs = []
    for row, targets in zip(probabilities, shares, strict=True):
        cost = 0.0
        for index, (probability, target) in enumerate(zip(row, targets, strict=True)):
            evenly = 0.5 if multi_label else 1 / len(row)
            target = (1 - smoothing) * target + smoothing * evenly
            term = -target * np.log(probability)
            if multi_label:
                term = (term - (1 - target) * np.log(1 - probability)) / len(row)
            cost += term * (1.0 if weights is None else weights[index])
        costs.append(cost)
    return np.array(costs)


def check_reductions(arguments, y_true, probabilities, costs, has_label):
    expected = np.where(has_label, costs, 0)
    for reduction, value in [
        ("sum_over_batch_size", expected.sum() / has_label.sum()),
        ("mean", expected.sum() / has_label.sum()),
        ("mean_with_sample_weight", expected.sum() / has_label.sum()),
        ("sum", expected.sum()),
        (None, expected),
    ]:
        loss = ClassCrossEntropy(reduction=reduction, **arguments)(y_true, probabilities.astype("float32"))
        np.testing.assert_allclose(ops.convert_to_numpy(loss), value, rtol=2e-5, err_msg=f"reduction={reduction}")


@pytest.mark.parametrize("weights", [None, WEIGHTS])
@pytest.mark.parametrize("smoothing", [0.0, 0.2])
def test_class_ids_by_a_plain_loop_and_pytorch(smoothing, weights):
    scores, probabilities, labels = random_batch()
    arguments = {"label_smoothing": smoothing, "class_weights": weights}
    costs = costs_by_loop(probabilities, np.eye(4)[labels], smoothing, weights)
    for y_true in (labels, labels[:, None], labels.astype("float32")):
        check_reductions(arguments, y_true, probabilities, costs, labels >= 0)
    of_torch = torch.nn.functional.cross_entropy(
        torch.from_numpy(scores),
        torch.from_numpy(labels),
        weight=None if weights is None else torch.tensor(weights, dtype=torch.float64),
        label_smoothing=smoothing,
        ignore_index=-1,
        reduction="none",
    )
    actual = ClassCrossEntropy(reduction=None, **arguments)(labels, probabilities.astype("float32"))
    np.testing.assert_allclose(ops.convert_to_numpy(actual), of_torch.numpy(), rtol=2e-5)


@pytest.mark.parametrize("weights", [None, WEIGHTS])
@pytest.mark.parametrize("smoothing", [0.0, 0.2])
def test_soft_targets_by_a_plain_loop_and_pytorch(smoothing, weights):
    scores, probabilities, labels = random_batch(1)
    shares = np.random.default_rng(2).dirichlet(np.ones(4), size=len(labels))
    y_true = np.where((labels >= 0)[:, None], shares, -1).astype("float32")
    arguments = {"label_smoothing": smoothing, "class_weights": weights}
    costs = costs_by_loop(probabilities, shares, smoothing, weights)
    check_reductions(arguments, y_true, probabilities, costs, labels >= 0)
    of_torch = torch.nn.functional.cross_entropy(
        torch.from_numpy(scores),
        torch.from_numpy(shares),
        weight=None if weights is None else torch.tensor(weights, dtype=torch.float64),
        label_smoothing=smoothing,
        reduction="none",
    )
    np.testing.assert_allclose(costs, of_torch.numpy(), rtol=1e-9)


@pytest.mark.parametrize("weights", [None, WEIGHTS])
@pytest.mark.parametrize("smoothing", [0.0, 0.2])
def test_several_labels_by_a_plain_loop_and_pytorch(smoothing, weights):
    generator = np.random.default_rng(3)
    probabilities = generator.uniform(0.02, 0.98, size=(7, 4))
    labels = generator.integers(2, size=(7, 4))
    has_label = np.arange(7) != 5
    y_true = np.where(has_label[:, None], labels, -1)
    arguments = {"label_smoothing": smoothing, "class_weights": weights, "multi_label": True}
    costs = costs_by_loop(probabilities, labels, smoothing, weights, multi_label=True)
    for dtype in ("int32", "float32"):
        check_reductions(arguments, y_true.astype(dtype), probabilities, costs, has_label)
    of_torch = torch.nn.functional.binary_cross_entropy(
        torch.from_numpy(probabilities),
        torch.from_numpy(labels * (1 - smoothing) + smoothing / 2),
        weight=None if weights is None else torch.tensor(weights, dtype=torch.float64),
        reduction="none",
    )
    np.testing.assert_allclose(costs, of_torch.numpy().mean(-1), rtol=1e-9)


def test_one_class_alone_is_a_decision():
    """`(batch, 1)` is an id where texts have one class, and a decision where they can have several."""
    loss = ClassCrossEntropy(multi_label=True)(np.array([[0], [1], [-1]]), np.array([[0.2], [0.9], [0.5]]))
    assert float(loss) == pytest.approx(-(np.log(0.8) + np.log(0.9)) / 2)


@pytest.mark.parametrize("multi_label", [False, True])
def test_sample_weights(multi_label):
    _, probabilities, labels = random_batch(4)
    weights = np.random.default_rng(5).random(len(labels)).astype("float32")
    shares = np.eye(4)[labels]
    y_true = np.where((labels >= 0)[:, None], shares, -1) if multi_label else labels
    costs = costs_by_loop(probabilities, shares, weights=WEIGHTS, multi_label=multi_label)
    real = labels >= 0
    total = (weights * costs)[real].sum()
    for given in (weights, weights[:, None]):
        for reduction, expected in [
            ("sum_over_batch_size", total / real.sum()),
            ("mean_with_sample_weight", total / weights[real].sum()),
            ("sum", total),
        ]:
            loss = ClassCrossEntropy(class_weights=WEIGHTS, multi_label=multi_label, reduction=reduction)
            value = float(loss(y_true, probabilities.astype("float32"), sample_weight=given))
            assert value == pytest.approx(expected, rel=1e-5), reduction
    with pytest.raises(ValueError, match="`sample_weight` must have the shape"):
        loss(y_true, probabilities, sample_weight=np.ones((len(labels), 2)))


@pytest.mark.parametrize("y_true", [np.full(3, -1), np.full((3, 4), -1.0)])
def test_without_any_label_it_is_zero(y_true):
    for reduction in ("sum_over_batch_size", "mean_with_sample_weight", "sum"):
        assert float(ClassCrossEntropy(reduction=reduction)(y_true, np.full((3, 4), np.nan, "float32"))) == 0.0


def test_what_was_predicted_without_a_label_is_not_read():
    probabilities = np.array([[0.7, 0.3], [np.nan, np.nan]], "float32")
    assert float(ClassCrossEntropy()(np.array([0, -1]), probabilities)) == pytest.approx(-np.log(0.7))
    y_true = np.array([[1, 0], [-1, -1]])
    assert float(ClassCrossEntropy(multi_label=True)(y_true, probabilities)) == pytest.approx(-np.log(0.7))


class Scores(keras.layers.Layer):
    """Probabilities whose scores are its weights."""

    def __init__(self, scores, activation):
        super().__init__()
        self.scores = self.add_weight(shape=scores.shape, initializer=keras.initializers.Constant(scores))
        self.activation = keras.activations.get(activation)

    def call(self, rows):
        return self.activation(ops.take(self.scores, rows[:, 0], axis=0))


def gradient_by_training(scores, y_true, activation, **arguments):
    """The gradient with regard to scores: what one step of plain descent takes off them."""
    layer = Scores(np.asarray(scores, "float32"), activation)
    inputs = keras.Input((1,), dtype="int32")
    model = keras.Model(inputs, layer(inputs))
    model.compile(keras.optimizers.SGD(1.0), ClassCrossEntropy(reduction="sum", **arguments))
    model.fit(np.arange(len(scores))[:, None], y_true, batch_size=len(scores), shuffle=False, verbose=0)
    return scores - ops.convert_to_numpy(layer.scores)


def test_a_very_wrong_example_keeps_its_gradient():
    """`p - y`, where p is that of the softmax: near 1 for the wrong class, near -1 for the right one."""
    far = np.array([1.0, 20.0, 50.0, 68.0])
    gradient = gradient_by_training(np.stack([0 * far, far], axis=1), np.zeros(4, int), "softmax")
    wrong = 1 / (1 + np.exp(-far))
    np.testing.assert_allclose(gradient, np.stack([-wrong, wrong], axis=1), rtol=1e-4)
    # Of each class for itself: up to 16 for a class that the text does not have, further for one that it has.
    far = np.array([[-60.0, 1.0], [-30.0, 16.0]])
    gradient = gradient_by_training(far, np.array([[1, 0], [1, 0]]), "sigmoid", multi_label=True)
    np.testing.assert_allclose(gradient, (1 / (1 + np.exp(-far)) - [[1, 0], [1, 0]]) / 2, rtol=1e-4)


def test_a_probability_of_zero_has_a_finite_loss_and_gradient():
    scores = np.array([[0.0, 500.0], [300.0, -300.0]])
    for arguments in ({}, {"label_smoothing": 0.1, "class_weights": [1e6, 1e6]}):
        assert np.isfinite(gradient_by_training(scores, np.array([0, -1]), "softmax", **arguments)).all()
        multi_hot = np.array([[1, 0], [-1, -1]])
        assert np.isfinite(gradient_by_training(scores, multi_hot, "sigmoid", multi_label=True, **arguments)).all()
    certain = np.array([[0.0, 1.0]], "float32")
    assert float(ClassCrossEntropy()(np.array([0]), certain)) == pytest.approx(69.08, abs=0.01)
    several = ClassCrossEntropy(multi_label=True)
    assert float(several(np.array([[1, 0]]), certain)) == pytest.approx((69.08 + 17.33) / 2, abs=0.01)
    assert float(several(np.array([[0, 1]]), certain)) == 0.0


def test_float16_predictions():
    probabilities = np.array([[0.0, 1.0], [0.5, 0.5]], "float16")
    assert float(ClassCrossEntropy()(np.array([1, 0]), probabilities)) == pytest.approx(np.log(2) / 2)
    assert np.isfinite(float(ClassCrossEntropy(dtype="float16")(np.array([0, 0]), probabilities)))


@pytest.mark.both_backends("True")
@pytest.mark.parametrize("jit_compile", [False, True])
def test_rows_without_a_label_leave_the_step_of_fit_alone(jit_compile):
    """Whatever their inputs; and the loss of a model is that of its texts with a label."""
    generator = np.random.default_rng(6)
    vectors, labels = generator.normal(size=(5, 3)).astype("float32"), np.array([0, 1, 2, 1, 0])
    trained = []
    for padding in (0, 3):
        keras.utils.set_random_seed(0)
        model = keras.Sequential([keras.Input((3,)), keras.layers.Dense(3, activation="softmax")])
        model.compile(keras.optimizers.SGD(1.0), ClassCrossEntropy(), jit_compile=jit_compile)
        inputs = np.concatenate([np.full((padding, 3), 9.0), vectors]).astype("float32")
        y_true = np.concatenate([np.full(padding, -1), labels])
        expected = costs_by_loop(model.predict(vectors, verbose=0), np.eye(3)[labels]).mean()
        history = model.fit(inputs, y_true, batch_size=8, shuffle=False, verbose=0).history
        assert history["loss"] == [pytest.approx(expected, rel=1e-5)]
        trained.append(model.get_weights())
    for weight, expected in zip(*trained, strict=True):
        np.testing.assert_allclose(weight, expected, rtol=1e-5, atol=1e-6)


def test_a_keras_mask_is_not_read():
    inputs = keras.Input((None,), dtype="int32")
    vectors = keras.layers.Embedding(5, 2, mask_zero=True)(inputs)
    model = keras.Model(inputs, keras.layers.Softmax()(keras.layers.LSTM(2, return_sequences=False)(vectors)))
    model.compile("sgd", ClassCrossEntropy())
    token_ids, labels = np.array([[1, 2, 0], [0, 0, 0]]), np.array([1, 0])
    expected = costs_by_loop(model.predict(token_ids, verbose=0), np.eye(2)[labels]).mean()
    assert model.evaluate(token_ids, labels, verbose=0) == pytest.approx(expected, rel=1e-5)


@pytest.mark.parametrize(
    ("y_true", "multi_label"),
    [([0, 2], False), ([0, -100], False), ([[1, 0], [-1, 0]], True), ([[0.5, 0.5], [2, -1]], False)],
)
def test_a_wrong_label_is_seen(y_true, multi_label):
    loss = ClassCrossEntropy(multi_label=multi_label)
    assert np.isnan(float(loss(np.array(y_true), np.full((2, 2), 0.5, "float32"))))


@pytest.mark.parametrize("shape", [(2,), (3, 3), (3, 4, 1), (2, 4), ()])
@pytest.mark.parametrize("multi_label", [False, True])
def test_shapes_must_fit(shape, multi_label):
    expected = "1 or 0 for each class" if multi_label else r"class ids \(batch,\), or shares"
    with pytest.raises(ValueError, match=rf"`y_true` must be {expected}.* Received: y_true.shape="):
        ClassCrossEntropy(multi_label=multi_label)(np.zeros(shape, int), np.zeros((3, 4)))


def test_ids_of_texts_with_several_labels_are_refused():
    with pytest.raises(ValueError, match="`y_true` must be 1 or 0 for each class"):
        ClassCrossEntropy(multi_label=True)(np.zeros(3, int), np.zeros((3, 4)))


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        ({"class_weights": 1.0}, TypeError, "`class_weights` must be a list of one number for each class"),
        ({"class_weights": []}, TypeError, "`class_weights` must be a list"),
        ({"class_weights": [1, "2"]}, TypeError, "`class_weights` must be a number"),
        ({"class_weights": [1, -1]}, ValueError, "`class_weights` must be a finite number of at least 0"),
        ({"label_smoothing": 1.0}, ValueError, "`label_smoothing` must be a rate"),
        ({"multi_label": 1}, TypeError, "`multi_label` must be a boolean"),
    ],
)
def test_wrong_arguments(arguments, error, message):
    with pytest.raises(error, match=message):
        ClassCrossEntropy(**arguments)


def test_there_is_one_weight_for_each_class():
    with pytest.raises(ValueError, match=r"`class_weights` must have one number for each class. Received: 3"):
        ClassCrossEntropy(class_weights=[1, 2, 3])(np.array([0]), np.array([[0.5, 0.5]]))


def test_config_round_trip():
    loss = ClassCrossEntropy(class_weights=np.array([1, 2]), label_smoothing=0.1, name="ce", reduction="sum")
    copy = keras.losses.deserialize(keras.losses.serialize(loss))
    assert isinstance(copy, ClassCrossEntropy)
    assert copy.get_config() == loss.get_config()
    assert copy.class_weights == [1.0, 2.0]
    assert ClassCrossEntropy(multi_label=True).get_config()["multi_label"] is True
