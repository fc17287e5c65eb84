"""Transformer blocks on top of each other, with positions and norms: an encoder or a decoder."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import keras
from keras import ops

from keras_seq.core.checks import check_boolean, check_choice, check_positive_integer, check_rate
from keras_seq.core.registration import register
from keras_seq.core.streaming import State, check_causal
from keras_seq.layers.multi_head_attention import KeysValues
from keras_seq.layers.position_encoding import KINDS, PositionEncoding, check_max_steps
from keras_seq.layers.recurrent_layer import check_sequences
from keras_seq.layers.step_pooling import check_sequences_shape
from keras_seq.layers.transformer_block import (
    BLOCK_OPTIONS,
    TransformerBlock,
    View,
    context_view,
    head_size,
    norm_of,
    serialized,
)
from keras_seq.ops.attention import rotation_at, visible_steps
from keras_seq.ops.compaction import last_real
from keras_seq.ops.pooling import real_positions

Tensor = Any

POSITIONS = (*KINDS, "rotary", None)


@register
class TransformerStack(keras.layers.Layer):
    """Positions, then one or more transformer blocks: a bidirectional encoder, a language model's body, or a decoder.

        x = sequences + positions, then norm (with `input_norm`) and dropout
        x = block(x), num_layers times
        x = norm(x) (with `final_norm`)

    | published as | here |
    |---|---|
    | Vaswani et al. | `norm="post"`, `activation="relu"`, `scale_inputs=True`; decoder: `causal`, `cross_attention` |
    | BERT | `norm="post"`, `input_norm=True`, `positions="learned"`, `max_steps=512`, `norm_epsilon=1e-12` |
    | GPT-2 | `causal=True`, `positions="learned"`, `max_steps=1024`, `activation="gelu_tanh"` |
    | `torch.nn.TransformerEncoder` | `positions=None`, `norm="post"` (`norm_first=False`), `activation="relu"` |

    A causal stack reads in parts as well: `initial_state`, then `step` for each part, of any number of steps. The state
    is the key/value cache: keys and values of all steps that were read, and which of them are real. Cached steps that
    are not real count for nothing, wherever they stand: states of different lengths become one batch by padding them.
    With `window` it keeps those of the last real steps alone: its size never changes, so that it may go round in a
    loop, and `keras_seq.core.streaming.Streaming` holds.

    Masking: any mask. Positions count real steps, and no step looks at padding, whose attention weights are exactly 0:
    outputs at real steps are the same whatever the padding side. A row of padding alone, or without any context, gives
    finite numbers. The mask goes on.

    Args:
        num_layers: number of blocks.
        num_heads: number of attention heads.
        head_dim: size of a head; `None`: the features are divided among the heads.
        feed_forward_units: size of the inner dense layers; `None`: four times the features.
        dropout: rate of dropout on the attention weights, and on what each part of a block adds.
        input_dropout: rate of dropout on the vectors with their positions; `None`: `dropout`.
        positions: `"sinusoidal"`, `"learned"`, `"rotary"` (queries and keys are rotated), or `None`: the order of steps
            then tells a stack that is not causal nothing.
        max_steps: the number of learned positions: see `PositionEncoding`.
        max_wavelength: of sinusoidal and rotary positions: of the slowest one, about 2 pi times this.
        scale_inputs: whether the input is multiplied by the square root of its number of features before positions.
        norm: `"pre"` or `"post"`: see `TransformerBlock`.
        norm_epsilon: what the norms add to the variance.
        input_norm: whether what the first block reads is normalized.
        final_norm: whether what the last block gives is normalized; `None`: with `norm="pre"`.
        activation: `"gelu"` (exact), `"gelu_tanh"` (its approximation) or `"relu"`.
        use_bias: whether projections, dense layers and norms have biases.
        causal: whether a step sees no later step.
        window: with `causal`, how many real steps a step sees, itself among them; `None`: all.
        cross_attention: whether each block reads a context as well.
        kernel_initializer: of all kernels.

    Call arguments:
        sequences: `(batch, steps, features)` floating.
        context: `(batch, context steps, context features)` floating; with `cross_attention` alone.
        mask: `(batch, steps)` boolean, `True` = real step.
        context_mask: `(batch, context steps)` boolean.
        training: whether dropout acts.
        return_attention_weights: whether they are returned as well.
        sequences_mask: the mask that comes with the sequences: Keras fills it in where `context` is given.

    Returns:
        `(batch, steps, features)`; with `return_attention_weights` a tuple: it, the weights `(batch, num_layers, heads,
        steps, steps)` float32, and with `cross_attention` those `(batch, num_layers, heads, steps, context steps)`.

    Raises:
        TypeError: if an argument has a wrong type.
        ValueError: if an argument is out of range or missing, a shape does not fit, or a context is missing or not
            expected.

    Example:
        >>> import numpy as np
        >>> from keras_seq.layers import TransformerStack
        >>> stack, x = TransformerStack(2, num_heads=2, causal=True), np.ones((1, 5, 8), "float32")
        >>> whole = stack(x)
        >>> first, state = stack.step(x[:, :3], stack.initial_state(1))
        >>> second, state = stack.step(x[:, 3:], state)
        >>> np.allclose(whole[:, 3:], second, atol=1e-5)
        True

    Reference:
        Vaswani et al., "Attention Is All You Need", NIPS 2017; Devlin et al., "BERT", NAACL 2019; Radford et al.,
        "Language Models are Unsupervised Multitask Learners", 2019; Su et al., "RoFormer", 2021.
    """

    def __init__(
        self,
        num_layers: int,
        num_heads: int,
        *,
        head_dim: int | None = None,
        feed_forward_units: int | None = None,
        dropout: float = 0.0,
        input_dropout: float | None = None,
        positions: str | None = "sinusoidal",
        max_steps: int | None = None,
        max_wavelength: float = 10_000.0,
        scale_inputs: bool = False,
        norm: str = "pre",
        norm_epsilon: float = 1e-5,
        input_norm: bool = False,
        final_norm: bool | None = None,
        activation: str = "gelu",
        use_bias: bool = True,
        causal: bool = False,
        window: int | None = None,
        cross_attention: bool = False,
        kernel_initializer: Any = "glorot_uniform",
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        check_positive_integer("num_layers", num_layers)
        check_choice("positions", positions, POSITIONS)
        check_max_steps("positions", positions, max_steps)
        if input_dropout is not None:
            check_rate("input_dropout", input_dropout)
        has_final_norm = norm == "pre" if final_norm is None else final_norm
        _check_switches(scale_inputs=scale_inputs, input_norm=input_norm, final_norm=has_final_norm)
        _check_window(window, causal, cross_attention)
        self.num_layers = num_layers
        self.num_heads = num_heads
        self.head_dim = head_dim
        self.feed_forward_units = feed_forward_units
        self.dropout = dropout
        self.input_dropout = input_dropout
        self.positions = positions
        self.max_steps = max_steps
        self.max_wavelength = max_wavelength
        self.scale_inputs = scale_inputs
        self.norm = norm
        self.norm_epsilon = norm_epsilon
        self.input_norm = input_norm
        self.final_norm = final_norm
        self.activation = activation
        self.use_bias = use_bias
        self.causal = causal
        self.window = window
        self.cross_attention = cross_attention
        self.kernel_initializer = kernel_initializer
        self.supports_masking = True
        self.position_encoding = self._position_encoding()
        self.first_norm = norm_of(self, "input_norm") if input_norm else None
        self.drop_inputs = self._input_dropout()
        self.blocks = [self._block(f"block_{index}") for index in range(num_layers)]
        self.last_norm = norm_of(self, "final_norm") if has_final_norm else None

    def build(self, sequences_shape: tuple, context_shape: tuple | None = None) -> None:
        check_sequences_shape(sequences_shape)
        shape = tuple(sequences_shape)
        self.features = shape[-1]
        self.size = head_size(self.num_heads, self.head_dim, self.features, self.positions == "rotary")
        for layer in (self.position_encoding, self.first_norm, self.last_norm):
            if layer is not None:
                layer.build(shape)
        for block in self.blocks:
            block.build(shape, context_shape)
        self.built = True

    def call(
        self,
        sequences: Tensor,
        context: Tensor | None = None,
        mask: Tensor | None = None,
        context_mask: Tensor | None = None,
        training: bool = False,
        return_attention_weights: bool = False,
        sequences_mask: Tensor | None = None,
    ) -> Any:
        mask = sequences_mask if mask is None else mask
        mask = check_sequences(self.name, sequences, mask, self.features)
        context_visible = context_view(self.name, self.cross_attention, context, context_mask)
        read = [block.read_context(context) if self.cross_attention else None for block in self.blocks]
        outputs, _, weights = self._read(sequences, mask, read, context_visible, training=training)
        if not return_attention_weights:
            return outputs
        return outputs, *(ops.stack(of_layers, axis=1) for of_layers in zip(*weights, strict=True))

    def compute_mask(self, inputs: Any, mask: Any = None) -> Any:
        """That of the outputs: attention weights carry none."""
        return mask

    def initial_state(
        self, batch_size: Any, context: Tensor | None = None, context_mask: Tensor | None = None
    ) -> State:
        """The state before the first step.

        Args:
            batch_size: number of rows.
            context: `(batch, context steps, context features)`, with `cross_attention`: it is projected once, here.
            context_mask: `(batch, context steps)` boolean; `None`: all are real.

        Returns:
            A dict. `keys` and `values` `(batch, num_layers, heads, 0, head_dim)`; `real` `(batch, 0)` boolean; with a
            window instead `keys` and `values` of `window - 1` steps, and `count` int32 `(batch,)`, how many real steps
            were read; with `cross_attention` also `context_keys`, `context_values`, `context_real`, with as many steps
            as the context.

        Raises:
            ValueError: if the stack is not causal or not built, or the context is missing or not expected.
        """
        check_causal(self)
        shape = (batch_size, self.num_layers, self.num_heads, (self.window or 1) - 1, self.size)
        empty = ops.zeros(shape, self.compute_dtype)
        if self.window is not None:
            return {"keys": empty, "values": empty, "count": ops.zeros((batch_size,), "int32")}
        state = {"keys": empty, "values": empty, "real": ops.zeros((batch_size, 0), "bool")}
        visible = context_view(self.name, self.cross_attention, context, context_mask)
        if context is None:
            return state
        keys, values = zip(*(block.read_context(context) for block in self.blocks), strict=True)
        real = ops.ones(ops.shape(context)[:2], "bool") if visible is None else visible[:, 0, 0, :]
        context_state = {"keys": ops.stack(keys, axis=1), "values": ops.stack(values, axis=1), "real": real}
        return {**state, **{f"context_{name}": value for name, value in context_state.items()}}

    def step(self, x: Tensor, state: State, mask: Tensor | None = None, training: bool = False) -> tuple[Tensor, State]:
        """As of `Streaming`; without a window, `keys`, `values` and `real` come out with `steps` more steps.

        Raises:
            ValueError: if the stack is not causal or not built, or a shape does not fit.
        """
        check_causal(self)
        x = ops.convert_to_tensor(x, dtype=self.compute_dtype)
        mask = check_sequences(self.name, x, mask, self.features)
        past = _of_layers(state["keys"], state["values"])
        read: Sequence[KeysValues | None] = [None] * self.num_layers
        context_visible = None
        if self.cross_attention:
            read = _of_layers(state["context_keys"], state["context_values"])
            context_visible = state["context_real"][:, None, None, :]
        real = ops.ones(ops.shape(x)[:2], "bool") if mask is None else mask
        if self.window is None:
            past_real, count = state["real"], ops.sum(ops.cast(state["real"], "int32"), axis=1)
        else:
            count = state["count"]
            past_real = ops.arange(1 - self.window, 0, dtype="int32") + count[:, None] >= 0
        outputs, new, _ = self._read(
            x, mask, read, context_visible, past=past, past_real=past_real, count=count, training=training
        )
        keys, values = (ops.stack(part, axis=1) for part in zip(*new, strict=True))
        keys = ops.concatenate([state["keys"], keys], axis=3)
        values = ops.concatenate([state["values"], values], axis=3)
        seen = ops.concatenate([past_real, real], axis=1)
        if self.window is None:
            return outputs, {**state, "keys": keys, "values": values, "real": seen}
        kept = None if mask is None else seen
        keys, values = (last_real(cached, kept, self.window - 1) for cached in (keys, values))
        return outputs, {"keys": keys, "values": values, "count": count + ops.sum(ops.cast(real, "int32"), axis=1)}

    def get_config(self) -> dict[str, Any]:
        return {
            **super().get_config(),
            **{option: getattr(self, option) for option in BLOCK_OPTIONS},
            "num_layers": self.num_layers,
            "num_heads": self.num_heads,
            "input_dropout": self.input_dropout,
            "positions": self.positions,
            "max_steps": self.max_steps,
            "scale_inputs": self.scale_inputs,
            "input_norm": self.input_norm,
            "final_norm": self.final_norm,
            "window": self.window,
            "kernel_initializer": serialized(self.kernel_initializer),
        }

    def _read(
        self,
        x: Tensor,
        mask: Tensor | None,
        context: Sequence[KeysValues | None],
        context_visible: Tensor | None,
        *,
        past: list[KeysValues] | None = None,
        past_real: Tensor | None = None,
        count: Tensor | None = None,
        training: bool = False,
    ) -> tuple[Tensor, list[KeysValues], list[list[Tensor]]]:
        """Outputs; keys and values of each block; its attention weights."""
        steps = ops.shape(x)[1]
        x = x if mask is None else ops.where(mask[..., None], x, ops.zeros_like(x))
        x, rotation = self._with_positions(x, mask, count)
        if self.first_norm is not None:
            x = self.first_norm(x)
        x = self.drop_inputs(x, training=training)
        visible = visible_steps(mask, steps, causal=self.causal, past=past_real)
        if self.window is not None:
            queries = keys = _positions(mask, steps)
            if past_real is not None:
                cached = ops.zeros_like(past_real, dtype="int32") + ops.arange(1 - self.window, 0, dtype="int32")
                keys = ops.concatenate([cached, ops.broadcast_to(keys, ops.shape(x)[:2])], axis=1)
            near = queries[:, None, :, None] - keys[:, None, None, :] < self.window
            visible = ops.logical_and(visible, near)
        view = View(visible, rotation, context_visible)
        new, weights = [], []
        for index, block in enumerate(self.blocks):
            before = None if past is None else past[index]
            x, keys_values, of_block = block.read(x, view, past=before, context=context[index], training=training)
            new.append(keys_values)
            weights.append(of_block)
        return x if self.last_norm is None else self.last_norm(x), new, weights

    def _with_positions(self, x: Tensor, mask: Tensor | None, count: Tensor | None) -> tuple:
        """The sequences with what positions add to them, and the rotation of rotary ones."""
        if self.scale_inputs:
            x = x * ops.cast(self.features**0.5, x.dtype)
        encoding = self.position_encoding
        if encoding is not None and count is None:
            return encoding(x, mask=mask), None
        if self.positions is None:
            return x, None
        positions = _positions(mask, ops.shape(x)[1])
        if count is not None:
            positions = positions + count[:, None]
        if encoding is None:
            return x, rotation_at(positions, self.size, self.max_wavelength, self.compute_dtype)
        return encoding.add(x, encoding.at(positions, mask)), None

    def _position_encoding(self) -> PositionEncoding | None:
        if self.positions is None or self.positions not in KINDS:
            return None
        return PositionEncoding(
            self.max_wavelength,
            kind=self.positions,
            max_steps=self.max_steps,
            name="positions",
            dtype=self.dtype_policy,
        )

    def _input_dropout(self) -> keras.layers.Dropout:
        rate = self.dropout if self.input_dropout is None else self.input_dropout
        return keras.layers.Dropout(rate, name="drop_inputs", dtype=self.dtype_policy)

    def _block(self, name: str) -> TransformerBlock:
        return TransformerBlock(
            self.num_heads,
            **{option: getattr(self, option) for option in BLOCK_OPTIONS},
            rotary=self.positions == "rotary",
            kernel_initializer=self.kernel_initializer,
            name=name,
            dtype=self.dtype_policy,
        )


def _check_switches(**switches: Any) -> None:
    for name, value in switches.items():
        check_boolean(name, value)


def _check_window(window: Any, causal: bool, cross_attention: bool) -> None:
    if window is None:
        return
    check_positive_integer("window", window)
    if not causal or cross_attention:
        raise ValueError(
            "`window` must be None in a stack that is not causal or reads a context. "
            f"Received: window={window}, causal={causal}, cross_attention={cross_attention}. Leave it out."
        )


def _of_layers(keys: Tensor, values: Tensor) -> list[KeysValues]:
    """`(batch, num_layers, heads, steps, head_dim)` -> keys and values of each layer."""
    return list(zip(ops.unstack(keys, axis=1), ops.unstack(values, axis=1), strict=True))


def _positions(mask: Tensor | None, steps: Tensor) -> Tensor:
    """Positions in the chunk, counted over real steps, int32 `(batch or 1, steps)`."""
    return ops.arange(steps, dtype="int32")[None] if mask is None else real_positions(mask)
