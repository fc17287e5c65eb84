"""What the trainings of families have in common whose model compares two inputs by one tower."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Sequence
from typing import Any

import keras
import numpy as np

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
from keras_seq.metrics import ActiveTriplets, best_threshold
from keras_seq.tasks.training import KerasTraining
from keras_seq.training import Panels, draw_precision_recall, draw_roc, draw_similarities
from keras_seq.training.objective_recipe import POINTWISE, ObjectiveSection, PointwiseObjectiveSection
from keras_seq.zoo import stacked_twins
from keras_seq.zoo.parts import tower_of

PAIR_SCORES = ("accuracy", "f1", "precision", "recall", "roc_auc", "average_precision")


@dataclasses.dataclass(frozen=True)
class ComparedPairs:
    """Pairs of an evaluation.

    Args:
        similarities: float `(pairs,)`.
        is_same: bool `(pairs,)`, the truth.
        threshold: from this similarity on a pair is called the same.

    Example:
        >>> pairs = ComparedPairs(np.array([0.9, 0.2, 0.6]), np.array([True, False, False]), threshold=0.5)
        >>> pairs.confusion()[1].tolist()
        [[1, 1], [0, 1]]
    """

    similarities: np.ndarray
    is_same: np.ndarray
    threshold: float

    @property
    def is_decidable(self) -> bool:
        """Whether there are pairs that are the same, and others."""
        return bool(self.is_same.any() and not self.is_same.all())

    def with_best_threshold(self, score: str) -> ComparedPairs:
        """The same pairs, with the threshold that makes a score largest, where there is one."""
        if not self.is_decidable:
            return self
        return dataclasses.replace(self, threshold=best_threshold(self.similarities, self.is_same, score=score))

    def confusion(self) -> tuple[Sequence[str], np.ndarray]:
        """Names and counts: pairs that are the same, or not, and what was found."""
        found = self.similarities >= self.threshold
        return ("different", "same"), np.bincount(2 * self.is_same + found, minlength=4).reshape(2, 2)

    def pictures(self) -> dict[str, np.ndarray]:
        """The ROC and PR curves, and the similarities of same and different pairs."""
        if not self.is_decidable:
            return {}
        arguments = (self.similarities, self.is_same, self.threshold)
        return {
            "roc": draw_roc(*arguments),
            "precision_recall": draw_precision_recall(*arguments),
            "similarities": draw_similarities(*arguments),
        }


class TwinsTraining(KerasTraining):
    """The training of a siamese model.

    What is trained is `keras_seq.zoo.stacked_twins` of it: the two vectors of each pair. An evaluation leaves its
    `pairs`, by `compare`, with the threshold that suits them best; that of the weights which are kept goes into the
    task.
    """

    task: Any
    comparison: ObjectiveSection
    """The section of the recipe that says what is learned of pairs."""
    pairs: ComparedPairs
    """Of the last evaluation."""

    def build(self) -> None:
        super().build()
        self.pairs = ComparedPairs(np.zeros(0, np.float32), np.zeros(0, bool), self.task.settings.threshold)
        if self.comparison.objective not in POINTWISE:
            self.metrics = [ActiveTriplets(self.comparison.margin_of_objective, name="active_triplets")]

    @property
    def reader(self) -> keras.Model:
        """The tower, which gives the vector of one input."""
        return tower_of(self.built_model)

    def trained_model(self) -> keras.Model:
        return stacked_twins(self.built_model)

    def make_loss(self) -> keras.losses.Loss:
        return pair_loss(self.comparison)

    def compare(self, similarities: np.ndarray, is_same: np.ndarray) -> None:
        """Keep the pairs of an evaluation, with the threshold that suits them best."""
        pairs = ComparedPairs(similarities, is_same, self.pairs.threshold)
        self.pairs = pairs.with_best_threshold(self.comparison.threshold_for)

    def finish(self) -> None:
        """Choose the threshold for the weights that are kept."""
        self.evaluate(self.model)
        self.task = self.task.with_settings(threshold=self.pairs.threshold)

    def panels(self) -> Panels:
        return Panels(confusion=lambda: self.pairs.confusion(), pictures=lambda: self.pairs.pictures())


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
