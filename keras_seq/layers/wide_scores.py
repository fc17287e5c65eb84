"""Scores of classes straight from ids: a linear model of the bag of words."""

from __future__ import annotations

from typing import Any

import keras
from keras import ops

from keras_seq.core.checks import check_positive_integer, check_positive_number, check_rate
from keras_seq.core.registration import register

Tensor = Any


@register
class WideScores(keras.layers.Layer):
    """The wide (linear) part of wide and deep: what each id of a text says for each class, rare ids louder.

    Add its scores to those of a network. It learns exceptions that a vector of the whole text blurs, and is what a
    linear classifier on TF-IDF is. With the ids i of a text, each as often as it
    stands there, the table E and the weights w of the ids:

        scores = scale * sum_i w_i E_i / sqrt(sum_i w_i^2)

    The table (`scores`, zeros at first) is trained. The weights (`id_weights`, ones at first) are not: assign the
    inverse document frequency of each id to them.

    Masking: id 0 is padding and counts nowhere, wherever it stands; a text without other ids has zeros. The scores
    carry no mask.

    Args:
        num_ids: number of ids, padding (0) included.
        num_classes: number of classes.
        scale: factor of all scores; with adaptive optimizers it is also one of the learning rate of the table.
        dropout: share of ids that is left out while training, in [0, 1); what stays counts for more.
        seed: seed of the random numbers.

    Call arguments:
        ids: `(batch, steps)` or `(batch, steps, subwords)` integer, 0 to `num_ids - 1`.
        training: whether to drop.

    Returns:
        `(batch, num_classes)`.

    Raises:
        TypeError: if a number of the arguments is of the wrong type.
        ValueError: if an argument is out of range, or the ids have neither two nor three axes.

    Example:
        >>> import numpy as np
        >>> from keras_seq.layers import WideScores
        >>> layer = WideScores(num_ids=4, num_classes=2)
        >>> layer.build((None, None))
        >>> _ = layer.scores.assign([[0, 0], [1, 0], [0, 1], [0, 1]])
        >>> layer(np.array([[1, 2, 2, 3], [1, 0, 0, 0]])).numpy().tolist()
        [[0.5, 1.5], [1.0, 0.0]]

    Reference:
        Cheng et al., "Wide & Deep Learning for Recommender Systems", DLRS 2016;
        Wang and Manning, "Baselines and Bigrams: Simple, Good Sentiment and Topic Classification", ACL 2012.
    """

    def __init__(
        self,
        num_ids: int,
        num_classes: int,
        *,
        scale: float = 1.0,
        dropout: float = 0.0,
        seed: int | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        check_positive_integer("num_ids", num_ids)
        check_positive_integer("num_classes", num_classes)
        check_positive_number("scale", scale)
        check_rate("dropout", dropout)
        self.num_ids = num_ids
        self.num_classes = num_classes
        self.scale = scale
        self.dropout = dropout
        self.seed = seed
        self.seed_generator = keras.random.SeedGenerator(seed)
        self.supports_masking = True

    def build(self, input_shape: tuple) -> None:
        if len(input_shape) not in (2, 3):
            raise ValueError(
                "`ids` must have the shape (batch, steps) or (batch, steps, subwords). "
                f"Received: ids.shape={tuple(input_shape)}. Give one text per row."
            )
        # Not cast as a whole in mixed precision: of a large table a step reads a few rows.
        self.scores = self.add_weight(
            shape=(self.num_ids, self.num_classes), initializer="zeros", name="scores", autocast=False
        )
        self.id_weights = self.add_weight(
            shape=(self.num_ids,), initializer="ones", trainable=False, name="id_weights", autocast=False
        )
        self.built = True

    def call(self, ids: Tensor, training: bool = False) -> Tensor:
        ids = ops.cast(ids, "int32")
        axes = tuple(range(1, len(ids.shape)))
        weights = ops.where(ops.not_equal(ids, 0), ops.take(self.id_weights, ids, axis=0), 0.0)
        square = ops.sum(ops.square(weights), axis=axes)
        # The length is that of the whole text, so that what is dropped is missing on average nowhere.
        length = ops.sqrt(ops.where(square > 0, square, 1.0))
        if training and self.dropout:
            kept = keras.random.uniform(ops.shape(ids), seed=self.seed_generator) >= self.dropout
            weights = ops.where(kept, weights / (1.0 - self.dropout), 0.0)
        scores = ops.sum(weights[..., None] * ops.take(self.scores, ids, axis=0), axis=axes)
        return ops.cast(self.scale * scores / length[:, None], self.compute_dtype)

    def compute_mask(self, inputs: Tensor, mask: Tensor | None = None) -> None:
        return None

    def compute_output_shape(self, input_shape: tuple) -> tuple:
        return (input_shape[0], self.num_classes)

    def get_config(self) -> dict[str, Any]:
        return {
            **super().get_config(),
            "num_ids": self.num_ids,
            "num_classes": self.num_classes,
            "scale": self.scale,
            "dropout": self.dropout,
            "seed": self.seed,
        }
