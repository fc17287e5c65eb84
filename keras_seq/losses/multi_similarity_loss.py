"""The multi-similarity loss."""

from __future__ import annotations

from typing import Any

from keras_seq.core.checks import check_non_negative_number, check_number, check_positive_number
from keras_seq.core.registration import register
from keras_seq.losses.pair_loss import BatchPairLoss
from keras_seq.ops.similarity import similarity_matrix
from keras_seq.ops.triplets import multi_similarity_cost


@register
class MultiSimilarityLoss(BatchPairLoss):
    """Multi-similarity loss: positives and negatives weighed by all others of their row, easy ones left out.

    Kept are positives less similar than the closest negative plus `epsilon`, and negatives more similar than the
    farthest positive minus `epsilon`. With their cosines s the cost of a row is
    `log(1 + sum exp(-alpha (s - base))) / alpha + log(1 + sum exp(beta (s - base))) / beta`.

    Masking: rows with the class id -1 are padding; they are in no triplet.

    Args:
        alpha: how steeply positives below `base` count.
        beta: how steeply negatives above `base` count.
        base: the cosine in the middle.
        epsilon: the margin of what is kept.

    Call arguments:
        y_true: class ids `(batch,)` or `(batch, 1)`; -1 at padding. Integers of any size, told apart exactly; what is
            no id (negative, a fraction, a floating-point number too large to be exact) makes the loss NaN.
        y_pred: vectors `(batch, features)`, or `(batch, 2, features)`, two vectors of each class id.

    Returns:
        A scalar: the mean over rows. 0 where the batch has no triplet.

    Raises:
        ValueError: if the shapes do not fit, or weights of rows are given: a triplet is of three rows. (One weight for
            the batch is taken.)

    Example:

        >>> import numpy as np
        >>> from keras_seq.losses import MultiSimilarityLoss
        >>> vectors = np.array([[1.0, 0.0], [0.0, 1.0], [1.0, 0.0]])
        >>> round(float(MultiSimilarityLoss(beta=2.0)(np.array([0, 0, 1]), vectors)), 4)  # two rows, of three
        0.7088

    Reference:
        Wang et al., "Multi-Similarity Loss with General Pair Weighting for Deep Metric Learning", CVPR 2019.
    """

    arguments = ("alpha", "beta", "base", "epsilon")

    def __init__(
        self,
        alpha: float = 2.0,
        beta: float = 50.0,
        base: float = 0.5,
        epsilon: float = 0.1,
        *,
        name: str = "multi_similarity_loss",
        **kwargs: Any,
    ) -> None:
        super().__init__(name=name, **kwargs)
        check_positive_number("alpha", alpha)
        check_positive_number("beta", beta)
        check_number("base", base)
        check_non_negative_number("epsilon", epsilon)
        self.alpha = alpha
        self.beta = beta
        self.base = base
        self.epsilon = epsilon

    def pair_costs(self, labels: Any, vectors: Any) -> Any:
        return multi_similarity_cost(
            similarity_matrix(vectors, vectors), labels, self.alpha, self.beta, self.base, self.epsilon
        )
