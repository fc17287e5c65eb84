"""One layer of a transformer, encoder or decoder."""

from __future__ import annotations

import dataclasses
import functools
from typing import Any

import keras
from keras import ops

from keras_seq.core.checks import (
    check_boolean,
    check_choice,
    check_positive_integer,
    check_positive_number,
    check_rate,
)
from keras_seq.core.registration import register
from keras_seq.layers.multi_head_attention import KeysValues, MultiHeadAttention, fresh_initializer
from keras_seq.layers.recurrent_layer import check_sequences
from keras_seq.layers.step_pooling import check_sequences_shape
from keras_seq.ops.attention import rotation_at, visible_steps
from keras_seq.ops.pooling import real_positions

Tensor = Any

ACTIVATIONS = {
    "gelu": "gelu",
    "gelu_tanh": functools.partial(keras.activations.gelu, approximate=True),
    "relu": "relu",
}
NORMS = ("pre", "post")
# What a stack takes in the name of its blocks.
BLOCK_OPTIONS = (
    "feed_forward_units",
    "dropout",
    "head_dim",
    "norm",
    "norm_epsilon",
    "activation",
    "use_bias",
    "causal",
    "cross_attention",
    "max_wavelength",
)


@dataclasses.dataclass(frozen=True)
class View:
    """What every block of a stack is told of the chunk that it reads.

    Args:
        visible: which keys each query may see: see `keras_seq.ops.attention.visible_steps`.
        rotation: of rotary positions: see `keras_seq.ops.attention.rotation_at`.
        context_visible: boolean `(batch, 1, 1, context steps)`; `None`: all of the context is real.
    """

    visible: Tensor | None = None
    rotation: tuple[Tensor, Tensor] | None = None
    context_visible: Tensor | None = None


@register
class TransformerBlock(keras.layers.Layer):
    """Self-attention, cross-attention where there is a context, and two dense layers, each with a residual connection.

    Pre-norm, the default; such a stack trains without a warm-up, and its last output is normalized once more:

        y = x + dropout(attention(norm(x)))
        z = y + dropout(W_2 gelu(W_1 norm(y) + b_1) + b_2)

    Post-norm, as in the first transformer and in BERT:

        y = norm(x + dropout(attention(x)))
        z = norm(y + dropout(W_2 gelu(W_1 y + b_1) + b_2))

    With `cross_attention`, a part of the same form stands between the two: `attention(norm(y), context)`.

    Masking: no step looks at padding, whose attention weights are exactly 0; a row of padding alone, or without any
    context, gives finite numbers. The mask goes on.

    Args:
        num_heads: number of attention heads.
        feed_forward_units: size of the inner dense layer; `None`: four times the features.
        dropout: rate of dropout on the attention weights and on what each part adds.
        head_dim: size of a head; `None`: the features are divided among the heads.
        norm: `"pre"` or `"post"`: whether what a part reads is normalized, or what it gives with the residual added.
        norm_epsilon: what the norms add to the variance: 1e-12 in BERT, 1e-5 in GPT-2 and PyTorch.
        activation: of the inner dense layer: `"gelu"` (exact), `"gelu_tanh"` (its approximation) or `"relu"`.
        use_bias: whether projections, dense layers and norms have biases.
        causal: whether a step sees no later step.
        cross_attention: whether the block reads a context as well.
        rotary: whether queries and keys are rotated by their positions, counted over real steps.
        max_wavelength: of the slowest rotation, about 2 pi times this.
        kernel_initializer: of all kernels.

    Call arguments:
        sequences: `(batch, steps, features)` floating.
        context: `(batch, context steps, context features)` floating; with `cross_attention` alone.
        mask: `(batch, steps)` boolean, `True` = real step.
        context_mask: `(batch, context steps)` boolean.
        training: whether dropout acts.
        sequences_mask: the mask that comes with the sequences: Keras fills it in where `context` is given.

    Returns:
        `(batch, steps, features)`.

    Raises:
        TypeError: if an argument has a wrong type.
        ValueError: if an argument is out of range, a shape does not fit, the features cannot be divided among the
            heads, or a context is missing or not expected.

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
        self,
        num_heads: int,
        *,
        feed_forward_units: int | None = None,
        dropout: float = 0.0,
        head_dim: int | None = None,
        norm: str = "pre",
        norm_epsilon: float = 1e-5,
        activation: str = "gelu",
        use_bias: bool = True,
        causal: bool = False,
        cross_attention: bool = False,
        rotary: bool = False,
        max_wavelength: float = 10_000.0,
        kernel_initializer: Any = "glorot_uniform",
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        check_positive_integer("num_heads", num_heads)
        if feed_forward_units is not None:
            check_positive_integer("feed_forward_units", feed_forward_units)
        check_rate("dropout", dropout)
        if head_dim is not None:
            check_positive_integer("head_dim", head_dim)
        check_choice("norm", norm, NORMS)
        check_positive_number("norm_epsilon", norm_epsilon)
        check_choice("activation", activation, ACTIVATIONS)
        check_positive_number("max_wavelength", max_wavelength)
        switches = {"use_bias": use_bias, "causal": causal, "cross_attention": cross_attention, "rotary": rotary}
        for name, value in switches.items():
            check_boolean(name, value)
        self.num_heads = num_heads
        self.feed_forward_units = feed_forward_units
        self.dropout = dropout
        self.head_dim = head_dim
        self.norm = norm
        self.norm_epsilon = norm_epsilon
        self.activation = activation
        self.use_bias = use_bias
        self.causal = causal
        self.cross_attention = cross_attention
        self.rotary = rotary
        self.max_wavelength = max_wavelength
        self.kernel_initializer = kernel_initializer
        self.supports_masking = True
        self.attention_norm = norm_of(self, "attention_norm")
        self.feed_forward_norm = norm_of(self, "feed_forward_norm")
        self.drop_attention = self._dropout("drop_attention")
        self.drop_feed_forward = self._dropout("drop_feed_forward")
        if cross_attention:
            self.context_norm = norm_of(self, "context_norm")
            self.drop_context = self._dropout("drop_context")

    def build(self, sequences_shape: tuple, context_shape: tuple | None = None) -> None:
        check_sequences_shape(sequences_shape)
        shape = tuple(sequences_shape)
        features = shape[-1]
        self.size = head_size(self.num_heads, self.head_dim, features, self.rotary)
        self.attention = self._attention("attention")
        inner_units = self.feed_forward_units or 4 * features
        activation = ACTIVATIONS[self.activation]
        self.inner = self._dense(inner_units, activation=activation, name="inner")
        self.outer = self._dense(features, name="outer")
        self.attention_norm.build(shape)
        self.attention.build(shape, shape)
        self.feed_forward_norm.build(shape)
        self.inner.build(shape)
        self.outer.build((*shape[:-1], inner_units))
        if self.cross_attention:
            self.context_attention = self._attention("context_attention")
            self.context_norm.build(shape)
            self.context_attention.build(shape, shape if context_shape is None else tuple(context_shape))
        self.built = True

    def call(
        self,
        sequences: Tensor,
        context: Tensor | None = None,
        mask: Tensor | None = None,
        context_mask: Tensor | None = None,
        training: bool = False,
        sequences_mask: Tensor | None = None,
    ) -> Tensor:
        mask = sequences_mask if mask is None else mask
        mask = check_sequences(self.name, sequences, mask, self.outer.units)
        steps = ops.shape(sequences)[1]
        rotation = None
        if self.rotary:
            positions = ops.arange(steps, dtype="int32")[None] if mask is None else real_positions(mask)
            rotation = rotation_at(positions, self.size, self.max_wavelength, self.compute_dtype)
        context_visible = context_view(self.name, self.cross_attention, context, context_mask)
        view = View(visible_steps(mask, steps, causal=self.causal), rotation, context_visible)
        read = self.read_context(context) if self.cross_attention else None
        return self.read(sequences, view, context=read, training=training)[0]

    def read_context(self, context: Tensor) -> KeysValues:
        """Keys and values of `context` `(batch, context steps, features)`, for `read`."""
        return self.context_attention.keys_values(ops.cast(context, self.compute_dtype))

    def read(
        self,
        x: Tensor,
        view: View,
        *,
        past: KeysValues | None = None,
        context: KeysValues | None = None,
        training: bool = False,
    ) -> tuple[Tensor, KeysValues, list[Tensor]]:
        """One chunk of a sequence.

        Args:
            x: `(batch, steps, features)`.
            view: what the queries see.
            past: keys and values of what was read before.
            context: what `read_context` gave.
            training: whether dropout acts.

        Returns:
            The output `(batch, steps, features)`; keys and values of the chunk; attention weights `(batch, heads,
            steps, seen steps)` of the self-attention and of the cross-attention, if there is one.
        """
        given = self._given(x, self.attention_norm)
        new = self.attention.keys_values(given, view.rotation)
        parts = [new] if past is None else [past, new]
        added, found = self.attention.attend(given, parts, view.visible, view.rotation, training)
        x = self._with_residual(x, self.drop_attention(added, training=training), self.attention_norm)
        weights = [found]
        if context is not None:
            given = self._given(x, self.context_norm)
            added, found = self.context_attention.attend(given, [context], view.context_visible, None, training)
            x = self._with_residual(x, self.drop_context(added, training=training), self.context_norm)
            weights.append(found)
        added = self.outer(self.inner(self._given(x, self.feed_forward_norm)))
        added = self.drop_feed_forward(added, training=training)
        return self._with_residual(x, added, self.feed_forward_norm), new, weights

    def compute_output_shape(self, sequences_shape: tuple, context_shape: tuple | None = None) -> tuple:
        return sequences_shape

    def get_config(self) -> dict[str, Any]:
        return {
            **super().get_config(),
            "num_heads": self.num_heads,
            **{option: getattr(self, option) for option in BLOCK_OPTIONS},
            "rotary": self.rotary,
            "kernel_initializer": serialized(self.kernel_initializer),
        }

    def _given(self, x: Tensor, norm: keras.layers.Layer) -> Tensor:
        """What a part of the block reads."""
        return norm(x) if self.norm == "pre" else x

    def _with_residual(self, x: Tensor, added: Tensor, norm: keras.layers.Layer) -> Tensor:
        return x + added if self.norm == "pre" else norm(x + added)

    def _dropout(self, name: str) -> keras.layers.Dropout:
        return keras.layers.Dropout(self.dropout, name=name, dtype=self.dtype_policy)

    def _dense(self, units: int, name: str, activation: Any = None) -> keras.layers.Dense:
        return keras.layers.Dense(
            units,
            activation=activation,
            use_bias=self.use_bias,
            kernel_initializer=fresh_initializer(self.kernel_initializer),
            name=name,
            dtype=self.dtype_policy,
        )

    def _attention(self, name: str) -> MultiHeadAttention:
        return MultiHeadAttention(
            self.num_heads,
            self.size,
            dropout=self.dropout,
            use_bias=self.use_bias,
            kernel_initializer=self.kernel_initializer,
            name=name,
            dtype=self.dtype_policy,
        )


def norm_of(layer: Any, name: str) -> keras.layers.LayerNormalization:
    """A norm inside a block or a stack, by its options."""
    return keras.layers.LayerNormalization(
        epsilon=layer.norm_epsilon, center=layer.use_bias, name=name, dtype=layer.dtype_policy
    )


def serialized(initializer: Any) -> Any:
    """An initializer as a configuration holds it: a name stays one."""
    return initializer if isinstance(initializer, (str, dict)) else keras.initializers.serialize(initializer)


def head_size(num_heads: int, head_dim: int | None, features: int, rotary: bool) -> int:
    """The size of a head: `head_dim`, or the features divided among the heads.

    Raises:
        ValueError: if the features cannot be divided among the heads, or rotary positions need an even size.
    """
    if head_dim is None and features % num_heads:
        raise ValueError(
            "`num_heads` must divide the number of features. "
            f"Received: num_heads={num_heads}, {features} features. "
            "Change one of the two, 4 heads for 128 features, for instance, or give `head_dim`."
        )
    size = head_dim or features // num_heads
    if rotary and size % 2:
        raise ValueError(
            "Rotary positions turn features in pairs: the size of a head must be even. "
            f"Received: heads of {size} features. Choose another `num_heads`, or give `head_dim`."
        )
    return size


def context_view(name: str, expected: bool, context: Tensor | None, mask: Any) -> Tensor | None:
    """Raise unless a context is there if and only if it is expected.

    Args:
        name: name of the layer, for the message.
        expected: its `cross_attention`.
        context: `(batch, context steps, features)`, or `None`.
        mask: boolean `(batch, context steps)`, or `None`.

    Returns:
        Boolean `(batch, 1, 1, context steps)`, `True` = real step; `None`: all are.

    Raises:
        ValueError: if the context is missing, not expected, or does not fit its mask.
    """
    if expected != (context is not None):
        what = "a context, since `cross_attention=True`" if expected else "no context: `cross_attention` is False"
        raise ValueError(
            f"The layer {name!r} takes {what}. Received: context={'None' if expected else 'a tensor'}. "
            "Call it on `(sequences, context)`, or build it with another `cross_attention`."
        )
    if context is None:
        return None
    mask = check_sequences(f"context of {name}", context, mask, context.shape[-1])
    return None if mask is None else mask[:, None, None, :]
