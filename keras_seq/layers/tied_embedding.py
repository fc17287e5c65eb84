"""An embedding whose table can be read by the layer that predicts tokens."""

from __future__ import annotations

from typing import Any

import keras
from keras import ops

from keras_seq.core.checks import check_positive_integer
from keras_seq.core.registration import register

Tensor = Any


@register
class TiedEmbedding(keras.layers.Embedding):
    """Embedding for weight tying: vectors of tokens, and the table they come from, as a tensor for `TokenSoftmax`.

    Tied weights: a token has one vector, at the input and at the output. That saves `vocabulary_size * embedding_dim`
    weights, and language models become better by it.

    Masking: token id 0 is padding; the vectors carry that mask.

    Args:
        vocabulary_size: number of ids, padding among them.
        embedding_dim: size of the vectors.

    Call arguments:
        token_ids: `(batch, steps)` integer.

    Returns:
        The vectors `(batch, steps, embedding_dim)` and the table `(vocabulary_size, embedding_dim)`.

    Raises:
        TypeError: if a size is no integer.
        ValueError: if a size is not positive.

    Example:
        >>> import numpy as np
        >>> from keras_seq.layers import TiedEmbedding
        >>> vectors, table = TiedEmbedding(10, 4)(np.array([[3, 1, 0]]))
        >>> vectors.shape, table.shape
        (TensorShape([1, 3, 4]), TensorShape([10, 4]))

    Reference:
        Press and Wolf, "Using the Output Embedding to Improve Language Models", EACL 2017; Inan, Khosravi and Socher,
        "Tying Word Vectors and Word Classifiers", ICLR 2017.
    """

    def __init__(self, vocabulary_size: int, embedding_dim: int, **kwargs: Any) -> None:
        check_positive_integer("vocabulary_size", vocabulary_size)
        check_positive_integer("embedding_dim", embedding_dim)
        kwargs.setdefault("embeddings_initializer", keras.initializers.RandomUniform(-0.1, 0.1))
        super().__init__(vocabulary_size, embedding_dim, mask_zero=True, **kwargs)
        self.vocabulary_size = vocabulary_size
        self.embedding_dim = embedding_dim

    def call(self, token_ids: Tensor) -> tuple[Tensor, Tensor]:
        return super().call(token_ids), ops.cast(ops.convert_to_tensor(self.embeddings), self.compute_dtype)

    def compute_mask(self, token_ids: Tensor, mask: Any = None) -> list:
        return [ops.not_equal(token_ids, 0), None]

    def compute_output_shape(self, input_shape: tuple) -> tuple:
        return (*input_shape, self.embedding_dim), (self.vocabulary_size, self.embedding_dim)

    def compute_output_spec(self, token_ids: Tensor) -> tuple:
        shapes = self.compute_output_shape(token_ids.shape)
        return tuple(keras.KerasTensor(shape, dtype=self.compute_dtype) for shape in shapes)

    def get_config(self) -> dict[str, Any]:
        config = super().get_config()
        for name in ("input_dim", "output_dim", "mask_zero"):
            config.pop(name)
        return {**config, "vocabulary_size": self.vocabulary_size, "embedding_dim": self.embedding_dim}
