"""What the losses share that find their positives and negatives among the rows of a batch, by class ids."""

from __future__ import annotations

from abc import abstractmethod
from typing import Any

import keras

from keras_seq.ops.triplets import rows_and_ids

DISTANCES = ("euclidean", "squared", "cosine")


class MiningLoss(keras.losses.Loss):
    """A loss with one number for a batch of vectors and their class ids."""

    @abstractmethod
    def batch_cost(self, vectors: Any, ids: Any) -> Any:
        """The cost, a scalar, from vectors `(rows, features)` and ids `(rows,)`, -1 at padding."""

    def call(self, y_true: Any, y_pred: Any) -> Any:
        vectors, ids = rows_and_ids(y_true, y_pred)
        return self.batch_cost(vectors, ids)

    def __call__(self, y_true: Any, y_pred: Any, sample_weight: Any = None) -> Any:
        if sample_weight is not None:
            raise ValueError(
                f"`sample_weight` must be None: {type(self).__name__} compares rows with each other. "
                "Received: weights. Leave rows out with the label -1."
            )
        return super().__call__(y_true, y_pred)
