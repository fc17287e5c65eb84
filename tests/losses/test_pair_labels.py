"""Labels of pairs in other shapes, rows that are not finite, vectors that are long."""

import numpy as np
import pytest

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

MINING = [TripletBatchAllLoss(), TripletBatchHardLoss(), TripletSemiHardLoss(), MultiSimilarityLoss()]
IN_BATCH = [TripletLoss(), InfoNCELoss()]
POINTWISE = [PairLogisticLoss(), SimilarityLoss(), ContrastiveLoss()]
ALL = [*POINTWISE, *IN_BATCH, *MINING]
LABELS = np.array([1.0, 0.0, 1.0, 0.0], "float32")


def name_of(loss):
    return type(loss).__name__


def pairs(rows=4, seed=0):
    vectors = np.random.default_rng(seed).normal(size=(rows, 2, 5))
    return (vectors / np.linalg.norm(vectors, axis=-1, keepdims=True)).astype("float32")


@pytest.mark.parametrize("loss", ALL, ids=name_of)
def test_a_column_of_labels_means_the_same(loss):
    assert float(loss(LABELS[:, None], pairs())) == pytest.approx(float(loss(LABELS, pairs())), rel=1e-6)


@pytest.mark.parametrize("loss", [*ALL, EuclideanTripletLoss()], ids=name_of)
@pytest.mark.parametrize("labels", [LABELS[:1], LABELS[:3], np.eye(4, dtype="float32")], ids=("one", "three", "square"))
def test_labels_of_another_number_are_told(loss, labels):
    vectors = pairs() if loss in ALL else np.concatenate([pairs(), pairs()[:, :1]], axis=1)
    with pytest.raises(ValueError, match="`y_true` must be one number for each row"):
        loss(labels, vectors)


@pytest.mark.parametrize("loss", ALL, ids=name_of)
def test_a_row_that_is_not_finite_is_seen(loss):
    vectors = pairs()
    vectors[1] = np.nan
    assert np.isnan(float(loss(LABELS, vectors)))


@pytest.mark.parametrize("loss_class", [TripletBatchHardLoss, TripletSemiHardLoss])
def test_long_vectors(loss_class):
    """Squared distances above 1e9: all positives are nearer than the nearest negative."""
    vectors = np.array([[0.0], [1e5], [3e5], [4e5]], "float32")
    assert float(loss_class(margin=1.0, distance="squared")(np.array([0, 0, 1, 1]), vectors)) == 0
