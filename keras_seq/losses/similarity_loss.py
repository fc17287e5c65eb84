"""The squared error of the cosine of two vectors."""

from __future__ import annotations

from typing import Any

from keras import ops

from keras_seq.core.registration import register
from keras_seq.losses.pair_loss import PairLoss


@register
class SimilarityLoss(PairLoss):
    """Cosine similarity regression: squared error of the cosine of a pair and the score that people gave it.

    For graded similarity: relatedness, paraphrase scores. The mean over the pairs of a batch.

    Masking: a pair whose `y_true` is -1 is padding; it counts neither in the sum nor in the mean.

    Args:
        reduction: as everywhere in Keras; by default the mean over real pairs.

    Call arguments:
        y_true: `(batch,)` or `(batch, 1)`: scores from 0 (nothing in common) to 1 (the same); -1 at padding. Any other
            number makes the loss NaN.
        y_pred: `(batch, 2, features)`, the two vectors of each pair, of length 1.
        sample_weight: optional weights: one number, `(batch,)` or `(batch, 1)`.

    Returns:
        A scalar; with `reduction=None` one cost per pair, `(batch,)`. Without any real pair 0.

    Raises:
        ValueError: if the shapes do not fit each other.

    Example: a cosine of .6 where people said 1, and padding.

        >>> import numpy as np
        >>> from keras_seq.losses import SimilarityLoss
        >>> vectors = np.array([[[1, 0], [0.6, 0.8]], [[1, 0], [1, 0]]])
        >>> round(float(SimilarityLoss()(np.array([1.0, -1.0]), vectors)), 4)  # (.6 - 1) ** 2
        0.16

    Reference:
        Reimers and Gurevych, "Sentence-BERT: Sentence Embeddings using Siamese BERT-Networks", EMNLP 2019, the
        regression objective.
    """

    def __init__(self, *, name: str = "similarity_loss", **kwargs: Any) -> None:
        super().__init__(name=name, **kwargs)

    def pair_costs(self, labels: Any, vectors: Any) -> Any:
        return ops.square(ops.sum(vectors[:, 0] * vectors[:, 1], axis=-1) - labels)
