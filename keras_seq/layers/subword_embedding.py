"""The vector of a token from those of its parts."""

from __future__ import annotations

from typing import Any

import keras
from keras import ops

from keras_seq.core.checks import check_choice, check_positive_integer
from keras_seq.core.registration import register
from keras_seq.ops.serving import is_serving_graph

Tensor = Any

# combine -> what the sum of n vectors is divided by: n to this power.
_POWERS = {"sum": 0.0, "sqrt": 0.5, "mean": 1.0}


@register
class SubwordEmbedding(keras.layers.Layer):
    """Embeds each token as the combination of the vectors of its hashed character n-grams.

    Words that share parts share vectors, so a misspelt, inflected or unseen word still has a meaning. For the ids see
    `keras_seq.text`; ids that a model computes, as `HashedBigrams` does, go in as well, with a last axis of 1.

    Masking: id 0 is padding and has no vector, wherever it stands; a token without other ids has a zero vector. The
    output has no mask: that of the tokens comes from their word ids, or from `MaskFromIds`.

    Args:
        num_buckets: the largest id; the table has one row more.
        embedding_dim: size of the vectors.
        combine: `"mean"`, `"sum"`, or `"sqrt"`: the sum divided by the square root of the number of ids.
        embeddings_initializer: initializer of the table.

    Call arguments:
        subword_ids: `(batch, steps, subwords)` integer, 0 to `num_buckets`.

    Returns:
        `(batch, steps, embedding_dim)`.

    Raises:
        TypeError: if a size is not an integer.
        ValueError: if an argument is out of range, or the ids have not three axes.

    Example:
        >>> import numpy as np
        >>> from keras_seq.layers import SubwordEmbedding
        >>> subword_ids = np.array([[[3, 7, 0], [5, 0, 0], [0, 0, 0]]])
        >>> SubwordEmbedding(9, 4)(subword_ids).shape
        TensorShape([1, 3, 4])

    Reference:
        Bojanowski et al., "Enriching Word Vectors with Subword Information", TACL 5, 2017.
    """

    def __init__(
        self,
        num_buckets: int,
        embedding_dim: int,
        *,
        combine: str = "mean",
        embeddings_initializer: Any = "uniform",
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        check_positive_integer("num_buckets", num_buckets)
        check_positive_integer("embedding_dim", embedding_dim)
        check_choice("combine", combine, tuple(_POWERS))
        self.num_buckets = num_buckets
        self.embedding_dim = embedding_dim
        self.combine = combine
        self.embeddings_initializer = keras.initializers.get(embeddings_initializer)

    def build(self, input_shape: tuple) -> None:
        if len(input_shape) != 3:
            raise ValueError(
                "`subword_ids` must have the shape (batch, steps, subwords). "
                f"Received: subword_ids.shape={tuple(input_shape)}. Give one row of ids per token."
            )
        # Not cast as a whole in mixed precision: of a large table a step reads a few rows.
        self.embeddings = self.add_weight(
            shape=(self.num_buckets + 1, self.embedding_dim),
            initializer=self.embeddings_initializer,
            name="embeddings",
            autocast=False,
        )
        self.built = True

    def call(self, subword_ids: Tensor) -> Tensor:
        if is_serving_graph():
            return self._combine_real(subword_ids)
        real = ops.cast(ops.not_equal(subword_ids, 0), "float32")
        number = ops.maximum(ops.sum(real, axis=-1, keepdims=True), 1.0)
        weights = ops.cast(real / ops.power(number, _POWERS[self.combine]), self.embeddings.dtype)
        vectors = ops.take(self.embeddings, subword_ids, axis=0)
        # Weighed and added up by one multiplication of matrices, so that `vectors`, mostly padding, is not copied.
        combined = ops.matmul(weights[:, :, None, :], vectors)[:, :, 0]
        return ops.cast(combined, self.compute_dtype)

    def _combine_real(self, subword_ids: Tensor) -> Tensor:
        """The same of the real ids alone, which are few: their number is known when the graph runs."""
        batch, steps, width = ops.shape(subword_ids)
        flat = ops.reshape(subword_ids, (-1,))
        (places,) = ops.nonzero(flat)
        tokens = places // ops.cast(width, places.dtype)
        vectors = ops.take(self.embeddings, ops.take(flat, places, axis=0), axis=0)
        sums = ops.segment_sum(vectors, tokens, num_segments=batch * steps)
        number = ops.sum(ops.cast(ops.not_equal(subword_ids, 0), sums.dtype), axis=-1, keepdims=True)
        combined = ops.reshape(sums, (batch, steps, self.embedding_dim))
        return ops.cast(combined / ops.power(ops.maximum(number, 1.0), _POWERS[self.combine]), self.compute_dtype)

    def compute_output_shape(self, input_shape: tuple) -> tuple:
        return (*input_shape[:2], self.embedding_dim)

    def get_config(self) -> dict[str, Any]:
        return {
            **super().get_config(),
            "num_buckets": self.num_buckets,
            "embedding_dim": self.embedding_dim,
            "combine": self.combine,
            "embeddings_initializer": keras.initializers.serialize(self.embeddings_initializer),
        }
