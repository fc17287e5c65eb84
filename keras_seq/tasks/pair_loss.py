"""How what compares two inputs is trained and measured: the loss of each objective, and the scores of pairs."""

from __future__ import annotations

from collections.abc import Callable

import keras

from keras_seq.losses import (
    ContrastiveLoss,
    InfoNCELoss,
    MultiSimilarityLoss,
    PairLogisticLoss,
    SimilarityLoss,
    TripletBatchAllLoss,
    TripletBatchHardLoss,
    TripletLoss,
    TripletSemiHardLoss,
)
from keras_seq.training.objective_recipe import ObjectiveSection, PointwiseObjectiveSection

PAIR_SCORES = ("accuracy", "f1", "precision", "recall", "roc_auc", "average_precision")


def pair_loss(pairs: ObjectiveSection) -> keras.losses.Loss:
    """The loss of an objective."""
    if isinstance(pairs, PointwiseObjectiveSection) and pairs.objective == "logistic":
        return PairLogisticLoss(pairs.scale, pairs.shift)
    margin = pairs.margin_of_objective
    losses: dict[str, Callable[[], keras.losses.Loss]] = {
        "similarity": SimilarityLoss,
        "contrastive": lambda: ContrastiveLoss(margin, same_label=1),
        "triplet": lambda: TripletLoss(margin),
        "random_triplet": lambda: TripletLoss(margin, negatives="random"),
        "batch_hard": lambda: TripletBatchHardLoss(margin),
        "semi_hard": lambda: TripletSemiHardLoss(margin),
        "batch_all": lambda: TripletBatchAllLoss(margin),
        "multi_similarity": MultiSimilarityLoss,
        "info_nce": lambda: InfoNCELoss(pairs.temperature),
    }
    return losses[pairs.objective]()
