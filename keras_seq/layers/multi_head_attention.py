"""Multi-head attention whose keys and values can be kept: what transformer blocks are made of."""

from __future__ import annotations

from typing import Any

import keras
from keras import ops

from keras_seq.ops.attention import attend, rotate

Tensor = Any
# Projected vectors of each step, `(batch, heads, steps, head_dim)`: keys and values.
KeysValues = tuple[Tensor, Tensor]


class MultiHeadAttention(keras.layers.Layer):
    """Multi-head attention in two calls: `keys_values` of what is read, and `attend` to them, later as well.

    The weights are those of `keras.layers.MultiHeadAttention`, in its order and under its names.

    Args:
        num_heads: number of heads.
        head_dim: size of a head.
        dropout: rate of dropout on the attention weights.
        use_bias: whether the four projections have biases.
        kernel_initializer: of the four kernels; each draws its own numbers.
    """

    def __init__(
        self, num_heads: int, head_dim: int, *, dropout: float, use_bias: bool, kernel_initializer: Any, **kwargs: Any
    ) -> None:
        super().__init__(**kwargs)
        self.num_heads = num_heads
        self.head_dim = head_dim
        self.dropout = dropout
        self.use_bias = use_bias
        self.kernel_initializer = keras.initializers.get(kernel_initializer)

    def build(self, query_shape: tuple, context_shape: tuple) -> None:
        heads = (None, self.num_heads, self.head_dim)
        # The order in which Keras' layer makes them: it decides which random numbers each begins with.
        self.query_dense = self._projection("query", "abc,cde->abde", heads, "de")
        self.key_dense = self._projection("key", "abc,cde->abde", heads, "de")
        self.value_dense = self._projection("value", "abc,cde->abde", heads, "de")
        self.drop = keras.layers.Dropout(self.dropout, name="drop", dtype=self.dtype_policy)
        outputs = (None, query_shape[-1])
        self.output_dense = self._projection("attention_output", "abcd,cde->abe", outputs, "e")
        self.query_dense.build(query_shape)
        self.key_dense.build(context_shape)
        self.value_dense.build(context_shape)
        self.output_dense.build((*query_shape[:-1], self.num_heads, self.head_dim))
        self.built = True

    def keys_values(self, context: Tensor, rotation: tuple[Tensor, Tensor] | None = None) -> KeysValues:
        """What `attend` reads of `context` `(batch, steps, features)`, the keys rotated to their positions."""
        keys, values = self._heads(self.key_dense, context), self._heads(self.value_dense, context)
        return (keys if rotation is None else rotate(keys, rotation)), values

    def attend(
        self,
        sequences: Tensor,
        read: list[KeysValues],
        visible: Tensor | None,
        rotation: tuple[Tensor, Tensor] | None = None,
        training: bool = False,
    ) -> tuple[Tensor, Tensor]:
        """What `sequences` `(batch, steps, features)` find in the parts that were read, and the attention weights."""
        query = self._heads(self.query_dense, sequences)
        query = query if rotation is None else rotate(query, rotation)
        keys, values = zip(*read, strict=True)
        vectors, weights = attend(query, keys, values, visible, lambda given: self.drop(given, training=training))
        vectors = ops.transpose(vectors, (0, 2, 1, 3))
        size = self.num_heads * self.head_dim
        vectors = ops.reshape(vectors, (*ops.shape(vectors)[:2], size))
        return self._project(self.output_dense, vectors), weights

    def _projection(self, name: str, equation: str, output_shape: tuple, bias_axes: str) -> Any:
        return keras.layers.EinsumDense(
            equation,
            output_shape,
            bias_axes=bias_axes if self.use_bias else None,
            kernel_initializer=fresh_initializer(self.kernel_initializer),
            name=name,
            dtype=self.dtype_policy,
        )

    def _heads(self, dense: Any, x: Tensor) -> Tensor:
        """`(batch, steps, features)` -> `(batch, heads, steps, head_dim)`."""
        heads = (*ops.shape(x)[:2], self.num_heads, self.head_dim)
        return ops.transpose(ops.reshape(self._project(dense, x), heads), (0, 2, 1, 3))

    def _project(self, dense: Any, x: Tensor) -> Tensor:
        # One product of matrices: a quarter quicker than the einsum that the weights are laid out for.
        kernel = ops.reshape(ops.cast(dense.kernel, self.compute_dtype), (x.shape[-1], -1))
        projected = ops.matmul(x, kernel)
        return projected if dense.bias is None else projected + ops.reshape(ops.cast(dense.bias, x.dtype), (-1,))


def fresh_initializer(initializer: Any) -> keras.initializers.Initializer:
    """An initializer that draws numbers of its own: one object gives all weights of a shape the same."""
    if isinstance(initializer, keras.initializers.Initializer):
        return initializer.__class__.from_config(initializer.get_config())
    return keras.initializers.get(initializer)
