"""One layer of a transformer encoder."""

from __future__ import annotations

from typing import Any

import keras

from keras_seq.core.checks import check_positive_integer, check_rate
from keras_seq.core.registration import register
from keras_seq.layers.step_pooling import check_sequences_shape

Tensor = Any


@register
class TransformerBlock(keras.layers.Layer):
    """Every step looks at every other one, then thinks for itself; what it was is kept and added to.

        y = x + dropout(attention(norm(x)))
        z = y + dropout(W_2 gelu(W_1 norm(y) + b_1) + b_2)

    The norm stands before each part, not after the sum: such a stack trains without a warm-up.

    Masking: no step looks at padding; a row of padding alone gives finite numbers. The mask goes on.

    Args:
        num_heads: number of attention heads; the features are divided among them.
        feed_forward_units: size of the inner dense layer; `None`: four times the features.
        dropout: rate of dropout on the attention and on what each part adds.

    Call arguments:
        sequences: `(batch, steps, features)` floating.
        mask: `(batch, steps)` boolean, `True` = real step.
        training: whether dropout acts.

    Returns:
        `(batch, steps, features)`.

    Raises:
        TypeError: if a size is not an integer.
        ValueError: if an argument is out of range, the input is not a batch of sequences of vectors, or its features
            cannot be divided among the heads.

    Example:
        >>> import numpy as np
        >>> from keras_seq.layers import TransformerBlock
        >>> TransformerBlock(num_heads=2)(np.ones((2, 5, 8), "float32")).shape
        TensorShape([2, 5, 8])

    Reference:
        Vaswani et al., "Attention Is All You Need", NIPS 2017;
        Xiong et al., "On Layer Normalization in the Transformer Architecture", ICML 2020.
    """

    def __init__(
        self, num_heads: int, *, feed_forward_units: int | None = None, dropout: float = 0.0, **kwargs: Any
    ) -> None:
        super().__init__(**kwargs)
        check_positive_integer("num_heads", num_heads)
        if feed_forward_units is not None:
            check_positive_integer("feed_forward_units", feed_forward_units)
        check_rate("dropout", dropout)
        self.num_heads = num_heads
        self.feed_forward_units = feed_forward_units
        self.dropout = dropout
        self.supports_masking = True
        policy = self.dtype_policy
        self.attention_norm = keras.layers.LayerNormalization(epsilon=1e-5, name="attention_norm", dtype=policy)
        self.feed_forward_norm = keras.layers.LayerNormalization(epsilon=1e-5, name="feed_forward_norm", dtype=policy)
        self.drop_attention = keras.layers.Dropout(dropout, name="drop_attention", dtype=policy)
        self.drop_feed_forward = keras.layers.Dropout(dropout, name="drop_feed_forward", dtype=policy)

    def build(self, input_shape: tuple) -> None:
        check_sequences_shape(input_shape)
        features = input_shape[-1]
        if features % self.num_heads:
            raise ValueError(
                "`num_heads` must divide the number of features. "
                f"Received: num_heads={self.num_heads}, sequences.shape={tuple(input_shape)}. "
                "Change one of the two, 4 heads for 128 features, for instance."
            )
        policy = self.dtype_policy
        self.attention = keras.layers.MultiHeadAttention(
            self.num_heads, features // self.num_heads, dropout=self.dropout, name="attention", dtype=policy
        )
        inner_units = self.feed_forward_units or 4 * features
        self.inner = keras.layers.Dense(inner_units, activation="gelu", name="inner", dtype=policy)
        self.outer = keras.layers.Dense(features, name="outer", dtype=policy)
        shape = tuple(input_shape)
        self.attention_norm.build(shape)
        self.attention.build(shape, shape)
        self.feed_forward_norm.build(shape)
        self.inner.build(shape)
        self.outer.build((*shape[:-1], inner_units))
        self.built = True

    def call(self, sequences: Tensor, mask: Tensor | None = None, training: bool = False) -> Tensor:
        x = self.attention_norm(sequences)
        attention_mask = None if mask is None else mask[:, None, :]
        x = self.attention(x, x, attention_mask=attention_mask, training=training)
        y = sequences + self.drop_attention(x, training=training)
        x = self.outer(self.inner(self.feed_forward_norm(y)))
        return y + self.drop_feed_forward(x, training=training)

    def compute_output_shape(self, input_shape: tuple) -> tuple:
        return input_shape

    def get_config(self) -> dict[str, Any]:
        return {
            **super().get_config(),
            "num_heads": self.num_heads,
            "feed_forward_units": self.feed_forward_units,
            "dropout": self.dropout,
        }
