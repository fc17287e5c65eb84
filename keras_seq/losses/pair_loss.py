"""What the losses share that compare vectors: those of a pair, those of a batch, or those of classes."""

from __future__ import annotations

from abc import abstractmethod
from typing import Any, ClassVar

from keras import ops

from keras_seq.core.checks import check_choice, check_positive_number
from keras_seq.losses.cost_loss import CostLoss
from keras_seq.ops.labels import NO_ID, NO_LABEL, as_labels
from keras_seq.ops.similarity import distance_matrix
from keras_seq.ops.triplets import check_several_rows, check_vectors, numbers_of_rows, rows_and_ids, vectors_and_ids

DISTANCES = ("euclidean", "squared", "cosine")


class PairLoss(CostLoss):
    """A loss with one cost for each row of vectors; a subclass says in `pair_costs` what a row costs.

    Padding (the label -1), labels that are wrong, shapes and the mean are seen to here.
    """

    num_vectors: ClassVar[int] = 2
    """How many vectors a row has."""
    in_batch: ClassVar[bool] = False
    """Whether labels are ids and other rows are negatives; otherwise labels are numbers and each row is by itself."""
    highest_label: ClassVar[float] = 1.0
    """Labels that are numbers are from 0 to this one."""

    @abstractmethod
    def pair_costs(self, labels: Any, vectors: Any) -> Any:
        """The costs.

        Args:
            labels: `(batch,)`, -1 at padding: numbers, or ids as `keras_seq.ops.labels.row_ids` gives them.
            vectors: `(batch, num_vectors, features)`, 0 at padding.

        Returns:
            `(batch,)`; what it holds at padding and for wrong numbers does not matter.
        """

    def check_vectors(self, y_pred: Any) -> None:
        """Raise unless `y_pred` is `(batch, num_vectors, features)`."""
        check_vectors(y_pred, self.num_vectors)

    def costs(self, y_true: Any, y_pred: Any, mask: Any) -> tuple[Any, Any]:
        self.check_vectors(y_pred)
        if self.in_batch:
            check_several_rows(y_pred.shape[0])
            vectors, ids = rows_and_ids(y_true, y_pred)
            return self.pair_costs(ids, vectors), ops.not_equal(ids, NO_LABEL)
        labels = numbers_of_rows(y_true, y_pred)
        real = ops.not_equal(labels, NO_LABEL)
        # What stands at padding has no gradient.
        vectors = ops.where(ops.reshape(real, (-1,) + (1,) * (len(y_pred.shape) - 1)), y_pred, 0.0)
        is_right = ops.logical_and(ops.isfinite(labels), ops.logical_and(labels >= 0, labels <= self.highest_label))
        costs = ops.where(is_right, self.pair_costs(labels, vectors), float("nan"))
        return ops.where(real, costs, 0.0), real


class BatchPairLoss(PairLoss):
    """A pair loss that finds its pairs among the rows of a batch by class ids, and has one cost for all of it."""

    @abstractmethod
    def pair_costs(self, labels: Any, vectors: Any) -> Any:
        """The cost, a scalar, from class ids `(rows,)`, -1 at padding, and vectors `(rows, features)`, 0 there."""

    def costs(self, y_true: Any, y_pred: Any, mask: Any) -> tuple[Any, Any]:
        vectors, ids = vectors_and_ids(y_true, y_pred)
        cost = self.pair_costs(ids, vectors)
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


class BatchTripletLoss(BatchPairLoss):
    """A batch loss of triplets: anchor, positive and negative, whose distances must differ by a margin.

    Args:
        margin: how much farther than a positive a negative must be.
        distance: `"euclidean"`, `"squared"` (its square) or `"cosine"` (1 minus the cosine).
    """

    arguments: ClassVar[tuple[str, ...]] = ("margin", "distance")

    def __init__(self, margin: float = 1.0, distance: str = "euclidean", **kwargs: Any) -> None:
        super().__init__(**kwargs)
        check_positive_number("margin", margin)
        check_choice("distance", distance, DISTANCES)
        self.margin = margin
        self.distance = distance

    def distances(self, ids: Any, vectors: Any) -> Any:
        """Of all rows among each other, `(rows, rows)`."""
        return distance_matrix(vectors, self.distance, ops.not_equal(ids, NO_LABEL))
