"""The triplet loss of a batch of pairs, as a layer."""

from __future__ import annotations

from typing import Any

import keras
from keras import ops

from keras_seq.core.checks import check_boolean, check_positive_number
from keras_seq.core.registration import register
from keras_seq.ops.labels import NO_LABEL, row_ids
from keras_seq.ops.similarity import similarity_matrix
from keras_seq.ops.triplets import check_several_rows, pair_triplet_costs


@register
class TripletLossLayer(keras.layers.Layer):
    """Triplet loss with in-batch negatives: of a batch of duplicate pairs, each has the others for negatives.

    The two texts of a row are duplicates, those of different rows are not. With S the matrix of cosines between all
    first and all second vectors, s the own one of a row (on the diagonal), m the mean of the others in the row and c
    the largest of them that is below s: `cost = max(margin - s + m, 0) + max(margin - s + c, 0)`. The closest negative
    teaches most, the mean keeps the lesson steady.

    `keras_seq.losses.TripletLoss` is the same for `compile`; the layer is for models that bring their loss along.

    Masking: none; vectors have no steps. A row with id -1 is padding: it costs nothing and is no negative.

    Args:
        margin: how much more similar than a negative the own text must be, in cosines.
        add_loss: whether the mean cost of real rows becomes a loss of the model.

    Call arguments:
        inputs: `[v1, v2]`, two vectors a row, `(batch, features)`, of any length; or `[v1, v2, ids]` with int ids
            `(batch,)`: rows of equal id, such as a text that stands in the batch twice, are no negatives of each other.

    Returns:
        Costs `(batch,)`. A term without an admissible negative is 0.

    Raises:
        ValueError: if the shapes do not fit, or the batch has one row: then there is no negative. In a graph whose
            batch is open, the cost of a batch of one row is NaN.

    Example: cosines [[1, .6], [0, .8]]; both negatives of the first row are the .6.

        >>> import numpy as np
        >>> from keras_seq.layers import TripletLossLayer
        >>> v1, v2 = np.array([[1.0, 0.0], [0.0, 1.0]]), np.array([[1.0, 0.0], [0.6, 0.8]])
        >>> costs = TripletLossLayer(margin=0.5, add_loss=False)([v1, v2])  # 2 (.5 - 1 + .6); .5 - .8 + 0 < 0
        >>> np.asarray(costs).astype(float).round(4).tolist()
        [0.2, 0.0]

    Reference:
        The course "Natural Language Processing with Sequence Models" of DeepLearning.AI, on siamese networks; Schroff,
        Kalenichenko and Philbin, "FaceNet: A Unified Embedding for Face Recognition and Clustering", CVPR 2015.
    """

    def __init__(self, margin: float = 0.25, add_loss: bool = True, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        check_positive_number("margin", margin)
        check_boolean("add_loss", add_loss)
        self.margin = margin
        self.adds_loss = add_loss

    def build(self, input_shape: Any) -> None:
        shapes = [tuple(shape) for shape in input_shape]
        if len(shapes) not in (2, 3) or any(len(shape) != 2 for shape in shapes[:2]) or shapes[0][1] != shapes[1][1]:
            raise ValueError(
                "`inputs` must be two vectors a row, [(batch, features), (batch, features)], and maybe ids (batch,). "
                f"Received: shapes {shapes}. Pool the steps of sequences first."
            )
        self.built = True

    def call(self, inputs: Any) -> Any:
        first, second, *ids = inputs
        check_several_rows(first.shape[0])
        scores = similarity_matrix(first, second)
        size = ops.shape(scores)[0]
        places = ops.arange(size) if not ids else row_ids(ids[0], "inputs")
        costs = pair_triplet_costs(scores, self.margin, places)
        # In a graph the number of rows may be open until now.
        costs = ops.where(size > 1, costs, float("nan"))
        if self.adds_loss:
            is_real = ops.cast(ops.not_equal(places, NO_LABEL), costs.dtype)
            self.add_loss(ops.divide_no_nan(ops.sum(costs), ops.sum(is_real)))
        return costs

    def compute_output_shape(self, input_shape: Any) -> tuple:
        return (input_shape[0][0],)

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "margin": self.margin, "add_loss": self.adds_loss}
