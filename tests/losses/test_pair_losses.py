"""The losses on vectors of pairs and classes, against loops in float64 and PyTorch."""

import itertools

import keras
import numpy as np
import pytest
import torch
from keras import ops

from keras_seq.layers import TripletLossLayer
from keras_seq.losses import (
    ContrastiveLoss,
    EuclideanTripletLoss,
    InfoNCELoss,
    MultiSimilarityLoss,
    PairLogisticLoss,
    SimilarityLoss,
    TripletBatchAllLoss,
    TripletBatchHardLoss,
    TripletLoss,
    TripletSemiHardLoss,
)
from keras_seq.metrics import ActiveTriplets

pytestmark = pytest.mark.both_backends

GENERATOR = np.random.default_rng(4)
IDS = np.array([0, 1, 0, 2, 1, 3, 2])
STACKED = GENERATOR.normal(size=(len(IDS), 2, 5))
STACKED[:4, 1] = STACKED[:4, 0] + 0.3 * STACKED[:4, 1]
SCORES = np.array([1.0, 0.0, 0.25, 1.0, 0.0, 0.5, 1.0])
LABELS = np.array([1, 0, 0, 1, 0, 1, 1])
VECTORS, CLASSES = STACKED.reshape(-1, 5), np.repeat(IDS, 2)

ROW_LOSSES = {
    "similarity": (SimilarityLoss, SCORES),
    "logistic": (lambda **kw: PairLogisticLoss(7.0, 0.3, **kw), LABELS),
    "contrastive": (lambda **kw: ContrastiveLoss(1.5, **kw), LABELS),
    "triplet": (lambda **kw: TripletLoss(0.5, **kw), IDS),
    "random": (lambda **kw: TripletLoss(0.5, "random", **kw), IDS),
    "info_nce": (lambda **kw: InfoNCELoss(0.3, **kw), IDS),
}
BATCH_LOSSES = {
    "hard": TripletBatchHardLoss(),
    "soft": TripletBatchHardLoss(soft=True, distance="squared"),
    "cosine": TripletBatchHardLoss(margin=0.3, distance="cosine"),
    "semi": TripletSemiHardLoss(),
    "all": TripletBatchAllLoss(margin=0.7),
    "multi": MultiSimilarityLoss(),
}


def unit(vectors):
    return vectors / np.linalg.norm(vectors, axis=-1, keepdims=True)


def value(loss, y_true, y_pred, **kwargs):
    return np.asarray(ops.convert_to_numpy(loss(y_true, y_pred, **kwargs)), float)


def triplet_costs(scores, ids, margin):
    """Row by row, as the docstring of the layer says."""
    costs = []
    for row, own in enumerate(np.diag(scores)):
        others = [scores[row, place] for place in range(len(ids)) if ids[place] != ids[row]]
        below = [score for score in others if score < own]
        cost = max(margin - own + np.mean(others), 0) if others else 0.0
        costs.append(cost + (max(margin - own + max(below), 0) if below else 0.0))
    return np.array(costs)


# --- The triplet layer, worked by hand

# Cosines of these vectors, row by row: [1, 0, .6], [0, 1, .8], [.8, .6, .96].
V1 = np.array([[1.0, 0.0], [0.0, 1.0], [0.8, 0.6]])
V2 = np.array([[1.0, 0.0], [0.0, 1.0], [0.6, 0.8]])


def test_rows_by_hand():
    costs = ops.convert_to_numpy(TripletLossLayer(margin=0.5)([V1, V2]))
    # Row 1: own 1, mean of 0 and .6 = .3, closest .6: max(.5 - 1 + .3, 0) + max(.5 - 1 + .6, 0) = 0 + .1
    # Row 2: own 1, mean of 0 and .8 = .4, closest .8: 0 + max(.5 - 1 + .8, 0) = .3
    # Row 3: own .96, mean of .8 and .6 = .7, closest .8: (.5 - .96 + .7) + (.5 - .96 + .8) = .24 + .34
    np.testing.assert_allclose(costs, [0.1, 0.3, 0.58], atol=1e-6)


def test_a_row_without_admissible_negative():
    # Row 1: own 0, both others above it: the mean of .6 and .8 = .7 counts, no closest: .5 - 0 + .7 = 1.2.
    first = np.array([[1.0, 0.0], [0.6, 0.8], [0.8, 0.6]])
    second = np.array([[0.0, 1.0], [0.6, 0.8], [0.8, 0.6]])
    costs = ops.convert_to_numpy(TripletLossLayer(margin=0.5)([first, second]))
    # Row 2: own 1, others .8 and .96, mean .88: (.5 - 1 + .88) + (.5 - 1 + .96); row 3: others .6, .96, mean .78.
    np.testing.assert_allclose(costs, [1.2, 0.38 + 0.46, 0.28 + 0.46], atol=1e-6)
    # All of one id: nobody has a negative.
    alike = ops.convert_to_numpy(TripletLossLayer()([first, second, np.array([7, 7, 7])]))
    np.testing.assert_array_equal(alike, 0)


def test_repeated_texts_are_no_negatives():
    costs = ops.convert_to_numpy(TripletLossLayer(margin=0.5)([V1, V2, np.array([4, 9, 4])]))
    # Row 1: the only negative is row 2: own 1, 0: nothing. Row 2 as before. Row 3: own .96, negative .6 alone:
    # 2 (.5 - .96 + .6) = .28.
    np.testing.assert_allclose(costs, [0, 0.3, 0.28], atol=1e-6)


def test_large_ids_are_told_apart():
    # In float32 these two would be one.
    costs = ops.convert_to_numpy(TripletLossLayer(margin=0.5)([V1[:2], V2[:2], np.array([16777216, 16777217])]))
    same = ops.convert_to_numpy(TripletLossLayer(margin=1.5)([V1[:2], V2[:2], np.array([16777216, 16777217])]))
    # Own 1, negative 0: 2 max(.5 - 1, 0) = 0, and 2 (1.5 - 1) = 1.
    np.testing.assert_allclose(costs, 0)
    np.testing.assert_allclose(same, 1)


def test_padding_costs_nothing_and_is_no_negative():
    costs = ops.convert_to_numpy(TripletLossLayer(margin=0.5)([V1, V2, np.array([4, -1, 5])]))
    # Row 1: negative .6: 2 (.5 - 1 + .6) = .2. Row 3: negative .8: 2 (.5 - .96 + .8) = .68.
    np.testing.assert_allclose(costs, [0.2, 0, 0.68], atol=1e-6)


def test_a_batch_of_one():
    with pytest.raises(ValueError, match="The batch must have at least two rows"):
        TripletLossLayer()([V1[:1], V2[:1]])
    for loss in (TripletLoss(), InfoNCELoss()):
        with pytest.raises(ValueError, match="The batch must have at least two rows"):
            loss(IDS[:1], STACKED[:1])
    inputs = [keras.Input((2,)), keras.Input((2,))]
    model = keras.Model(inputs, TripletLossLayer()(inputs))
    with pytest.raises(ValueError, match="The batch must have at least two rows"):
        model.predict_on_batch([V1[:1], V2[:1]])
    assert np.isfinite(model.predict_on_batch([V1, V2])).all()


def test_a_batch_of_one_where_the_batch_is_open():
    tf = pytest.importorskip("tensorflow", reason="a graph whose batch is open is TensorFlow's alone")
    open_batch = tf.TensorSpec([None, 2], tf.float32)
    graph = tf.function(lambda first, second: TripletLossLayer()([first, second]), [open_batch, open_batch])
    assert np.isnan(graph(V1[:1].astype("float32"), V2[:1].astype("float32")).numpy()).all()
    assert np.isfinite(graph(V1.astype("float32"), V2.astype("float32")).numpy()).all()


def test_the_layer_is_a_loss_of_its_model():
    inputs = [keras.Input((2,)), keras.Input((2,)), keras.Input((), dtype="int32")]
    model = keras.Model(inputs, TripletLossLayer(margin=0.5)(inputs))
    model.compile("sgd")
    given = [V1, V2, np.array([4, -1, 5])]
    assert model.evaluate(given, verbose=0) == pytest.approx((0.2 + 0.68) / 2, abs=1e-6)
    silent = keras.Model(inputs, TripletLossLayer(add_loss=False)(inputs))
    assert not silent.losses and silent.output_shape == (None,)
    restored = TripletLossLayer.from_config(TripletLossLayer(0.4, add_loss=False).get_config())
    assert restored.margin == 0.4 and not restored.adds_loss


def test_bad_arguments_of_the_layer():
    with pytest.raises(ValueError, match="`margin` must be"):
        TripletLossLayer(margin=-1)
    with pytest.raises(ValueError, match="`inputs` must be two vectors a row"):
        TripletLossLayer()([np.zeros((2, 3, 4)), np.zeros((2, 3, 4))])


# --- Numbers


def test_triplet_loss_is_the_loop():
    scores = unit(STACKED[:, 0]) @ unit(STACKED[:, 1]).T
    expected = triplet_costs(scores, IDS, 0.5)
    assert expected.min() == 0 < expected.max()
    np.testing.assert_allclose(value(TripletLoss(0.5, reduction=None), IDS, STACKED), expected, atol=1e-5)
    np.testing.assert_allclose(value(TripletLoss(0.5), IDS, STACKED), expected.mean(), atol=1e-5)
    layer = TripletLossLayer(0.5)([STACKED[:, 0], STACKED[:, 1], IDS])
    np.testing.assert_allclose(ops.convert_to_numpy(layer), expected, atol=1e-5)
    metric = ActiveTriplets(0.5)
    metric.update_state(np.append(IDS, -1), np.concatenate([STACKED, STACKED[:1]]))
    assert float(metric.result()) == pytest.approx((expected > 0).mean())


def test_random_negative_is_the_next_pair_of_another_id():
    scores = unit(STACKED[:, 0]) @ unit(STACKED[:, 1]).T
    expected = []
    for row in range(len(IDS)):
        following = [place % len(IDS) for place in range(row + 1, row + len(IDS))]
        negative = next(place for place in following if IDS[place] != IDS[row])
        expected.append(max(0.5 - scores[row, row] + scores[row, negative], 0))
    np.testing.assert_allclose(value(TripletLoss(0.5, "random", reduction=None), IDS, STACKED), expected, atol=1e-5)


def test_info_nce_is_cross_entropy():
    scores = torch.tensor(unit(STACKED[:, 0]) @ unit(STACKED[:, 1]).T) / 0.3
    is_other = torch.tensor(IDS[:, None] != IDS[None, :]) | torch.eye(len(IDS), dtype=bool)
    target = torch.arange(len(IDS))
    one, other = (
        torch.nn.functional.cross_entropy(logits.masked_fill(~is_other, -torch.inf), target, reduction="none")
        for logits in (scores, scores.T)
    )
    found = value(InfoNCELoss(0.3, symmetric=False, reduction=None), IDS, STACKED)
    np.testing.assert_allclose(found, one.numpy(), atol=1e-5)
    found = value(InfoNCELoss(0.3, reduction=None), IDS, STACKED)
    np.testing.assert_allclose(found, (one + other).numpy() / 2, atol=1e-5)


def test_pointwise_losses():
    pairs = unit(STACKED)
    cosines = np.sum(pairs[:, 0] * pairs[:, 1], axis=1)
    found = value(SimilarityLoss(reduction=None), SCORES, pairs)
    np.testing.assert_allclose(found, (cosines - SCORES) ** 2, atol=1e-6)
    found = value(PairLogisticLoss(7.0, 0.3, reduction=None), LABELS, pairs)
    odds = torch.tensor(7 * (cosines - 0.3))
    expected = torch.nn.functional.binary_cross_entropy_with_logits(odds, torch.tensor(LABELS * 1.0), reduction="none")
    np.testing.assert_allclose(found, expected.numpy(), atol=1e-5)


@pytest.mark.parametrize("same_label", [0, 1])
def test_contrastive_loss_has_both_conventions(same_label):
    distances = np.linalg.norm(STACKED[:, 0] - STACKED[:, 1], axis=1)
    same = same_label == LABELS
    expected = np.where(same, distances**2, np.maximum(2.5 - distances, 0) ** 2)
    loss = ContrastiveLoss(2.5, same_label=same_label, reduction=None)
    np.testing.assert_allclose(value(loss, LABELS, STACKED), expected, rtol=1e-5)
    np.testing.assert_allclose(value(loss, LABELS, distances), expected, rtol=1e-5)


@pytest.mark.parametrize("squared", [False, True])
def test_euclidean_triplet_loss(squared):
    triplets = GENERATOR.normal(size=(6, 3, 4))
    anchor, positive, negative = (torch.tensor(triplets[:, place]) for place in range(3))
    found = value(EuclideanTripletLoss(0.8, squared, reduction=None), np.zeros(6), triplets)
    if squared:
        gaps = ((anchor - positive) ** 2).sum(1) - ((anchor - negative) ** 2).sum(1)
        expected = torch.relu(0.8 + gaps)
    else:
        loss = torch.nn.TripletMarginLoss(margin=0.8, eps=0, reduction="none")
        expected = loss(anchor, positive, negative)
    np.testing.assert_allclose(found, expected.numpy(), rtol=1e-5, atol=1e-6)


def distances_of(kind):
    if kind == "cosine":
        return 1 - unit(VECTORS) @ unit(VECTORS).T
    plain = np.array([[np.linalg.norm(a - b) for b in VECTORS] for a in VECTORS])
    return plain**2 if kind == "squared" else plain


def triplets_of(anchor):
    places = range(len(CLASSES))
    positives = [place for place in places if place != anchor and CLASSES[place] == CLASSES[anchor]]
    return positives, [place for place in places if CLASSES[place] != CLASSES[anchor]]


@pytest.mark.parametrize("kind", ["euclidean", "squared", "cosine"])
def test_mining_losses_are_loops(kind):
    distances = distances_of(kind)
    hard, soft, semi, everyone = [], [], [], []
    for anchor in range(len(CLASSES)):
        positives, negatives = triplets_of(anchor)
        row = distances[anchor]
        gap = max(row[positives]) - min(row[negatives])
        hard.append(max(0.7 + gap, 0))
        soft.append(np.log1p(np.exp(gap)))
        for positive in positives:
            farther = [row[place] for place in negatives if row[place] > row[positive]]
            semi.append(max(0.7 + row[positive] - (min(farther) if farther else max(row[negatives])), 0))
        gaps = [0.7 + row[p] - row[n] for p, n in itertools.product(positives, negatives)]
        everyone += [gap for gap in gaps if gap > 0]
    for loss, expected in (
        (TripletBatchHardLoss(0.7, distance=kind), hard),
        (TripletBatchHardLoss(0.7, soft=True, distance=kind), soft),
        (TripletSemiHardLoss(0.7, distance=kind), semi),
        (TripletBatchAllLoss(0.7, distance=kind), everyone),
    ):
        # Stacked pairs, and their vectors one by one, are the same batch.
        np.testing.assert_allclose(value(loss, IDS, STACKED), np.mean(expected), rtol=1e-4)
        np.testing.assert_allclose(value(loss, CLASSES, VECTORS), np.mean(expected), rtol=1e-4)


def test_multi_similarity_is_a_loop():
    scores = unit(VECTORS) @ unit(VECTORS).T
    costs = []
    for anchor, row in enumerate(scores):
        positives, negatives = triplets_of(anchor)
        kept = [row[place] for place in positives if row[place] - 0.1 < max(row[negatives])]
        against = [row[place] for place in negatives if row[place] + 0.1 > min(row[positives])]
        cost = np.log(1 + sum(np.exp(-2 * (score - 0.5)) for score in kept)) / 2
        costs.append(cost + np.log(1 + sum(np.exp(50 * (score - 0.5)) for score in against)) / 50)
    np.testing.assert_allclose(value(MultiSimilarityLoss(), IDS, STACKED), np.mean(costs), rtol=1e-4)


# --- What all promise


@pytest.mark.parametrize("name", ROW_LOSSES)
def test_padding_and_weights_of_rows(name):
    make, targets = ROW_LOSSES[name]
    rows = np.concatenate([STACKED, np.full((3, 2, 5), 2.0)])
    padded = np.append(targets, [-1, -1, -1])
    np.testing.assert_allclose(value(make(), padded, rows), value(make(), targets, STACKED), rtol=1e-5)
    costs = value(make(reduction=None), padded, rows)
    np.testing.assert_array_equal(costs[-3:], 0)
    weights = np.arange(1.0, len(rows) + 1)
    expected = np.sum(costs * weights) / len(targets)
    np.testing.assert_allclose(value(make(), padded, rows, sample_weight=weights), expected, rtol=1e-4)
    weighted = make(reduction="mean_with_sample_weight")
    expected = np.sum(costs * weights) / weights[:-3].sum()
    np.testing.assert_allclose(value(weighted, padded, rows, sample_weight=weights), expected, rtol=1e-4)
    assert value(make(), np.full(len(rows), -1.0), rows) == 0


@pytest.mark.parametrize("name", BATCH_LOSSES)
def test_padding_of_batches(name):
    loss = BATCH_LOSSES[name]
    rows, ids = np.concatenate([STACKED, np.full((3, 2, 5), 2.0)]), np.append(IDS, [-1, -1, -1])
    np.testing.assert_allclose(value(loss, ids, rows), value(loss, IDS, STACKED), rtol=1e-5)
    assert value(loss, np.full(len(ids), -1), rows) == 0
    with pytest.raises(ValueError, match="`sample_weight` must be None"):
        loss(IDS, STACKED, sample_weight=np.ones(len(IDS)))


@pytest.mark.both_backends("loss3", "loss6")
@pytest.mark.parametrize("loss", [*(make() for make, _ in ROW_LOSSES.values()), *BATCH_LOSSES.values()])
def test_gradients_are_finite_and_the_config_is_whole(loss):
    # Equal vectors and zero vectors: distances of 0, cosines of nothing.
    rows = np.array([[[1.0, 0.0], [1.0, 0.0]], [[1.0, 0.0], [1.0, 0.0]], [[0.0, 0.0], [0.0, 0.0]], [[0, 1], [1, 0]]])
    vectors = keras.Variable(rows)
    model = keras.Sequential([keras.Input((2, 2)), keras.layers.Dense(2, use_bias=False)])
    model.compile(keras.optimizers.SGD(0.1), loss=loss)
    model.layers[0].set_weights([np.eye(2)])
    history = model.fit(rows, np.array([0.0, 1.0, 1.0, 0.0]), verbose=0)
    assert np.isfinite(history.history["loss"]).all()
    assert all(np.isfinite(weights).all() for weights in model.get_weights())
    restored = type(loss).from_config(loss.get_config())
    targets = np.array([0.0, 1.0, 1.0, 0.0])
    np.testing.assert_array_equal(value(restored, targets, vectors), value(loss, targets, vectors))


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: TripletLoss(0), "`margin` must be"),
        (lambda: TripletLoss(negatives="hard"), "`negatives` must be"),
        (lambda: ContrastiveLoss(same_label=2), "`same_label` must be"),
        (lambda: TripletBatchHardLoss(distance="manhattan"), "`distance` must be"),
        (lambda: InfoNCELoss(temperature=0), "`temperature` must be"),
        (lambda: MultiSimilarityLoss(epsilon=-1), "`epsilon` must be"),
        (lambda: MultiSimilarityLoss(base=float("nan")), "`base` must be"),
        (lambda: PairLogisticLoss(shift=float("inf")), "`shift` must be"),
        (lambda: SimilarityLoss()(np.zeros(2), np.zeros((2, 5))), "`y_pred` must be the two vectors of each pair"),
        (lambda: EuclideanTripletLoss()(np.zeros(2), np.zeros((2, 2, 5))), "`y_pred` must be anchor, positive"),
        (lambda: TripletBatchAllLoss()(np.zeros(2), np.zeros((2, 2, 5, 1))), "`y_pred` must be vectors"),
    ],
)
def test_nonsense_is_refused(make, message):
    with pytest.raises(ValueError, match=message):
        make()


# Labels in other shapes, rows that are not finite, vectors that are long.

EVERY_LOSS = [
    *(PairLogisticLoss(), SimilarityLoss(), ContrastiveLoss()),
    *(TripletLoss(), InfoNCELoss()),
    *(TripletBatchAllLoss(), TripletBatchHardLoss(), TripletSemiHardLoss(), MultiSimilarityLoss()),
]
FOUR = np.array([1.0, 0.0, 1.0, 0.0], "float32")


def name_of(loss):
    return type(loss).__name__


def unit_pairs(rows=4, seed=0):
    vectors = np.random.default_rng(seed).normal(size=(rows, 2, 5))
    return (vectors / np.linalg.norm(vectors, axis=-1, keepdims=True)).astype("float32")


@pytest.mark.parametrize("loss", EVERY_LOSS, ids=name_of)
def test_a_column_of_labels_means_the_same(loss):
    assert float(loss(FOUR[:, None], unit_pairs())) == pytest.approx(float(loss(FOUR, unit_pairs())), rel=1e-6)


@pytest.mark.parametrize("loss", [*EVERY_LOSS, EuclideanTripletLoss()], ids=name_of)
@pytest.mark.parametrize("labels", [FOUR[:1], FOUR[:3], np.eye(4, dtype="float32")], ids=("one", "three", "square"))
def test_labels_of_another_number_are_told(loss, labels):
    vectors = unit_pairs() if loss in EVERY_LOSS else np.concatenate([unit_pairs(), unit_pairs()[:, :1]], axis=1)
    with pytest.raises(ValueError, match="`y_true` must be one number for each row"):
        loss(labels, vectors)


@pytest.mark.parametrize("loss", EVERY_LOSS, ids=name_of)
def test_a_row_that_is_not_finite_is_seen(loss):
    vectors = unit_pairs()
    vectors[1] = np.nan
    assert np.isnan(float(loss(FOUR, vectors)))


@pytest.mark.parametrize("loss_class", [TripletBatchHardLoss, TripletSemiHardLoss])
def test_long_vectors(loss_class):
    """Squared distances above 1e9: all positives are nearer than the nearest negative."""
    vectors = np.array([[0.0], [1e5], [3e5], [4e5]], "float32")
    assert float(loss_class(margin=1.0, distance="squared")(np.array([0, 0, 1, 1]), vectors)) == 0
