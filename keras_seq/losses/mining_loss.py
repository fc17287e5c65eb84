"""What the losses share that find their positives and negatives among the rows of a batch, by class ids."""

from __future__ import annotations

from abc import abstractmethod
from typing import Any

import keras
from keras import ops

from keras_seq.core.checks import check_choice, check_positive_number
from keras_seq.ops.similarity import distance_matrix
from keras_seq.ops.triplets import rows_and_ids

DISTANCES = ("euclidean", "squared", "cosine")


class MiningLoss(keras.losses.Loss):
    """A loss with one number for a batch of vectors and their class ids."""

    @abstractmethod
    def batch_cost(self, vectors: Any, ids: Any) -> Any:
        """The cost, a scalar, from vectors `(rows, features)` and ids `(rows,)`, -1 at padding."""

    def call(self, y_true: Any, y_pred: Any) -> Any:
        vectors, ids = rows_and_ids(y_true, y_pred)
        cost = self.batch_cost(vectors, ids)
        # Comparisons with NaN are false: a row that is not finite would be in no triplet, and not be seen.
        is_finite = ops.all(ops.isfinite(ops.where(ids[:, None] >= 0, vectors, 0.0)))
        return ops.where(is_finite, cost, float("nan"))

    def __call__(self, y_true: Any, y_pred: Any, sample_weight: Any = None) -> Any:
        if sample_weight is not None:
            raise ValueError(
                f"`sample_weight` must be None: {type(self).__name__} compares rows with each other. "
                "Received: weights. Leave rows out with the label -1."
            )
        return super().__call__(y_true, y_pred)


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
        return self.triplet_cost(distance_matrix(vectors, self.distance), ids)

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "margin": self.margin, "distance": self.distance}
