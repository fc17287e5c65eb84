"""The cross-entropy of each pair against the other pairs of the batch."""

from __future__ import annotations

from typing import Any

from keras_seq.core.checks import check_boolean, check_positive_number
from keras_seq.core.registration import register
from keras_seq.losses.pair_loss import PairLoss
from keras_seq.ops.similarity import similarity_matrix
from keras_seq.ops.triplets import info_nce_costs


@register
class InfoNCELoss(PairLoss):
    """InfoNCE with in-batch negatives: which second text belongs to the first, by a softmax of scaled cosines.

    Softmax cross-entropy of cosines divided by a temperature, over all second texts. It takes the place of the n-pairs
    loss of tensorflow_addons; also known as NT-Xent and multiple negatives ranking.

    Masking: a pair with the id -1 is padding; it costs nothing, and is no negative of another one.

    Args:
        temperature: what cosines are divided by; the smaller, the more the closest negatives count.
        symmetric: whether second texts look for first ones too; the cost is then the mean of both.
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
        >>> from keras_seq.losses import InfoNCELoss
        >>> vectors = np.array([[[1.0, 0.0], [1.0, 0.0]], [[0.0, 1.0], [0.6, 0.8]]])
        >>> loss = InfoNCELoss(temperature=0.2, symmetric=False)
        >>> round(float(loss(np.array([0, 1]), vectors)), 4)  # (ln(1 + exp(-2)) + ln(1 + exp(-4))) / 2
        0.0725

    Reference:
        Van den Oord, Li and Vinyals, "Representation Learning with Contrastive Predictive Coding", arXiv 2018;
        Sohn, "Improved Deep Metric Learning with Multi-class N-pair Loss Objective", NIPS 2016.
    """

    in_batch = True
    arguments = ("temperature", "symmetric")

    def __init__(
        self, temperature: float = 0.05, symmetric: bool = True, *, name: str = "info_nce_loss", **kwargs: Any
    ) -> None:
        super().__init__(name=name, **kwargs)
        check_positive_number("temperature", temperature)
        check_boolean("symmetric", symmetric)
        self.temperature = temperature
        self.symmetric = symmetric

    def pair_costs(self, labels: Any, vectors: Any) -> Any:
        scores = similarity_matrix(vectors[:, 0], vectors[:, 1])
        return info_nce_costs(scores / self.temperature, labels, self.symmetric)
