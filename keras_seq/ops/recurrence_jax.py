"""Recurrent loops on JAX: `jax.lax.scan` with a gradient derived by hand."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp

from keras_seq.ops.recurrent_steps import Direction, RecurrentStep, States

Array = Any


def scan(step: Callable, state: tuple, sequences: tuple, *, reverse: bool = False) -> tuple[tuple, tuple]:
    """See `keras_seq.ops.recurrence.scan`."""
    return jax.lax.scan(step, state, sequences, reverse=reverse)


def has_gpu() -> bool:
    """See `keras_seq.ops.recurrence.has_gpu`."""
    return jax.default_backend() == "gpu"


def run_direction(
    step: RecurrentStep,
    direction: Direction,
    mask: Array | None,
    *,
    training: bool,
    serving: bool,
    num_side_by_side: int,
) -> tuple[Array, States]:
    """See `keras_seq.ops.recurrence_tensorflow.run_direction`: the same arguments and results.

    The three flags change nothing here: what no gradient asks for is not computed, and XLA arranges the
    directions.
    """
    sequences, initial, kernel, bias, recurrent, reverse = direction
    projection = jnp.transpose(sequences, (1, 0, 2)) @ kernel
    if bias is not None:
        projection = projection + bias
    mask = None if mask is None else jnp.transpose(mask)[..., None]
    try:
        outputs, final = _loop(step, reverse, projection, tuple(initial), tuple(recurrent), mask)
    except TypeError as error:
        if "forward-mode" not in str(error):
            raise
        raise TypeError(
            "The fused loop of a recurrent layer has a gradient derived by hand, which JAX can use backwards alone "
            "(`jax.grad`, `jax.vjp`, `jax.jacrev`). Received: forward mode (`jax.jvp`, `jax.jacfwd`). Make the layer "
            "with `fused=False`, for instance `LSTM(units, fused=False)`."
        ) from error
    return jnp.transpose(outputs, (1, 0, 2)), final


@functools.partial(jax.custom_vjp, nondiff_argnums=(0, 1))
def _loop(
    step: RecurrentStep, reverse: bool, projection: Array, initial: States, recurrent: tuple, mask: Array | None
) -> tuple[Array, States]:
    """All arrays are time-major; `mask` is `(steps, batch, 1)`."""
    outputs, final, _, _ = _forward_loop(step, reverse, projection, initial, recurrent, mask)
    return outputs, final


def _forward(step, reverse, projection, initial, recurrent, mask):
    outputs, final, others, saved = _forward_loop(step, reverse, projection, initial, recurrent, mask)
    return (outputs, final), (outputs, others, saved, initial, recurrent, mask)


def _backward(step, reverse, residuals, upstream):
    outputs, others, saved, initial, recurrent, mask = residuals
    d_outputs, d_final = upstream
    after = (outputs, *others)
    before = tuple(_shifted(values, start, reverse) for values, start in zip(after, initial, strict=True))
    transposed = step.transposed(list(recurrent))

    def body(d_states, slices):
        d_y, saved, before, after, real = slices
        d_after = (d_states[0] + d_y, *d_states[1:])
        d_before, pieces = step.backward(d_after, saved, before, after, transposed)
        if real is not None:
            d_before = tuple(jnp.where(real, new, old) for new, old in zip(d_before, d_after, strict=True))
            pieces = tuple(jnp.where(real, piece, 0) for piece in pieces)
        return tuple(d_before), tuple(pieces)

    d_initial, pieces = jax.lax.scan(body, tuple(d_final), (d_outputs, saved, before, after, mask), reverse=not reverse)
    d_recurrent = step.d_weights(list(pieces), list(saved), before[0])[: len(recurrent)]
    return step.d_inputs(list(pieces)), d_initial, tuple(d_recurrent), None


_loop.defvjp(_forward, _backward)


def _forward_loop(step, reverse, projection, initial, recurrent, mask):
    def body(states, slices):
        x, real = slices
        after, saved = step.forward(x, states, list(recurrent))
        if real is not None:
            after = tuple(jnp.where(real, new, old) for new, old in zip(after, states, strict=True))
        # The barrier keeps XLA from computing the activations again wherever they are used.
        after, saved = jax.lax.optimization_barrier((tuple(after), tuple(saved)))
        return after, (after, saved)

    final, ((outputs, *others), saved) = jax.lax.scan(body, initial, (projection, mask), reverse=reverse)
    return outputs, final, others, saved


def _shifted(values: Array, start: Array, reverse: bool) -> Array:
    """The values before each step, from those after it."""
    if reverse:
        return jnp.concatenate([values[1:], start[None]])
    return jnp.concatenate([start[None], values[:-1]])
