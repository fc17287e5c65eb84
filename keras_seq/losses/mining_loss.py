"""What the losses share that find their positives and negatives among the rows of a batch, by class ids."""

from __future__ import annotations

from abc import abstractmethod
from typing import Any

from keras import ops

from keras_seq.core.checks import check_choice, check_positive_number
from keras_seq.losses.cost_loss import CostLoss
from keras_seq.ops.labels import NO_ID, NO_LABEL, as_labels
from keras_seq.ops.similarity import distance_matrix
from keras_seq.ops.triplets import vectors_and_ids

DISTANCES = ("euclidean", "squared", "cosine")


class MiningLoss(CostLoss):
    """A loss with one number for a batch of vectors and their class ids."""

    @abstractmethod
    def batch_cost(self, vectors: Any, ids: Any) -> Any:
        """The cost, a scalar, from vectors `(rows, features)`, 0 at padding, and ids `(rows,)`, -1 at padding."""

    def costs(self, y_true: Any, y_pred: Any, mask: Any) -> tuple[Any, Any]:
        vectors, ids = vectors_and_ids(y_true, y_pred)
        cost = self.batch_cost(vectors, ids)
        # Comparisons with NaN are false: a row that is not finite would be in no triplet, and not be seen.
        is_right = ops.logical_and(ops.all(ops.isfinite(vectors)), ops.all(ops.not_equal(ids, NO_ID)))
        cost = ops.reshape(ops.where(is_right, cost, float("nan")), (1,))
        return cost, ops.ones_like(cost)

    def call(self, y_true: Any, y_pred: Any) -> Any:
        return super().call(y_true, y_pred)[0]

    def __call__(self, y_true: Any, y_pred: Any, sample_weight: Any = None) -> Any:
        cost = super().__call__(y_true, y_pred, sample_weight)
        return ops.reshape(cost, ()) if self.reduction in (None, "none") else cost

    def check_weights(self, sample_weight: Any) -> None:
        shape = tuple(as_labels(sample_weight, "sample_weight").shape)
        if shape:
            raise ValueError(
                f"`sample_weight` must be None or one number: {type(self).__name__} compares rows with each other. "
                f"Received: weights of the shape {shape}. Leave rows out with the label -1."
            )


class TripletMiningLoss(MiningLoss):
    """A mining loss of triplets: anchor, positive and negative, whose distances must differ by a margin.

    Args:
        margin: how much farther than a positive a negative must be.
        distance: `"euclidean"`, `"squared"` (its square) or `"cosine"` (1 minus the cosine).
    """

    def __init__(self, margin: float = 1.0, distance: str = "euclidean", **kwargs: Any) -> None:
        super().__init__(**kwargs)
        check_positive_number("margin", margin)
        check_choice("distance", distance, DISTANCES)
        self.margin = margin
        self.distance = distance

    @abstractmethod
    def triplet_cost(self, distances: Any, ids: Any) -> Any:
        """The cost, a scalar, from distances `(rows, rows)` and ids `(rows,)`."""

    def batch_cost(self, vectors: Any, ids: Any) -> Any:
        distances = distance_matrix(vectors, self.distance, ops.not_equal(ids, NO_LABEL))
        return self.triplet_cost(distances, ids)

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "margin": self.margin, "distance": self.distance}
