"""The triplet loss of a batch of pairs, as a loss."""

from __future__ import annotations

from typing import Any

from keras_seq.core.checks import check_choice, check_positive_number
from keras_seq.core.registration import register
from keras_seq.losses.pair_loss import PairLoss
from keras_seq.ops.similarity import similarity_matrix
from keras_seq.ops.triplets import pair_triplet_costs


@register
class TripletLoss(PairLoss):
    """Triplet loss with in-batch negatives: that of `keras_seq.layers.TripletLossLayer`, for `compile`.

    Masking: a pair with the id -1 is padding; it costs nothing, and is no negative of another one.

    Args:
        margin: how much more similar than a negative the own text must be, in cosines.
        negatives: `"mean_and_closest"`: the mean of all, and the closest that is below the own similarity; `"random"`:
            the next pair of the batch, which is a random one where batches are shuffled: what hard negatives are
            compared with.
        reduction: as everywhere in Keras; by default the mean over real pairs.

    Call arguments:
        y_true: ids `(batch,)` or `(batch, 1)`: pairs of equal id mean the same, and are no negatives of each other; -1
            at padding. Integers of any size, told apart exactly; what is no id makes the loss NaN.
        y_pred: `(batch, 2, features)`, the two vectors of each pair, of any length.
        sample_weight: optional weights: one number, `(batch,)` or `(batch, 1)`.

    Returns:
        A scalar; with `reduction=None` one cost per pair, `(batch,)`. Without any real pair 0.

    Raises:
        ValueError: if the shapes do not fit each other, or the batch is known to have one row.

    Example: cosines [[1, .6], [0, .8]].

        >>> import numpy as np
        >>> from keras_seq.losses import TripletLoss
        >>> vectors = np.array([[[1.0, 0.0], [1.0, 0.0]], [[0.0, 1.0], [0.6, 0.8]]])
        >>> round(float(TripletLoss(margin=0.5)(np.array([0, 1]), vectors)), 4)  # (2 (.5 - 1 + .6) + 0) / 2
        0.1

    Reference:
        The course "Natural Language Processing with Sequence Models" of DeepLearning.AI, on siamese networks; Schroff,
        Kalenichenko and Philbin, "FaceNet: A Unified Embedding for Face Recognition and Clustering", CVPR 2015.
    """

    in_batch = True
    arguments = ("margin", "negatives")

    def __init__(
        self, margin: float = 0.25, negatives: str = "mean_and_closest", *, name: str = "triplet_loss", **kwargs: Any
    ) -> None:
        super().__init__(name=name, **kwargs)
        check_positive_number("margin", margin)
        check_choice("negatives", negatives, ("mean_and_closest", "random"))
        self.margin = margin
        self.negatives = negatives

    def pair_costs(self, labels: Any, vectors: Any) -> Any:
        scores = similarity_matrix(vectors[:, 0], vectors[:, 1])
        return pair_triplet_costs(scores, self.margin, labels, self.negatives)
