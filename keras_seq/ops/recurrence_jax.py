"""The LSTM recurrence on JAX: `jax.lax.scan`, differentiated by JAX. All tensors are time-major."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp

Array = Any


def scan(step: Callable, state: tuple, sequences: tuple, *, reverse: bool = False) -> tuple[tuple, tuple]:
    """See `keras_seq.ops.recurrence.scan`."""
    return jax.lax.scan(step, state, sequences, reverse=reverse)


def lstm_loop(
    projections: list[Array],
    recurrent_kernels: list[Array],
    initial_states: list[tuple[Array, Array]],
    mask: Array | None,
    reverse: list[bool],
) -> tuple[list[Array], list[tuple[Array, Array]]]:
    """See `keras_seq.ops.recurrence_tensorflow.lstm_loop`: the same arguments and results."""
    outputs, states = [], []
    for projection, recurrent_kernel, state, backwards in zip(
        projections, recurrent_kernels, initial_states, reverse, strict=True
    ):

        def step(carry: Any, inputs: Any, recurrent_kernel: Array = recurrent_kernel) -> Any:
            h, c = carry
            x, m = inputs
            # The barrier keeps XLA from recomputing the gates in several fusions.
            z = jax.lax.optimization_barrier(x + h @ recurrent_kernel)
            i, f, g, o = jnp.split(z, 4, axis=-1)
            c_new = jax.nn.sigmoid(f) * c + jax.nn.sigmoid(i) * jnp.tanh(g)
            h_new = jax.nn.sigmoid(o) * jnp.tanh(c_new)
            if m is not None:
                real = m > 0
                h_new, c_new = jnp.where(real, h_new, h), jnp.where(real, c_new, c)
            return (h_new, c_new), h_new

        final, output = jax.lax.scan(step, tuple(state), (projection, mask), reverse=backwards)
        outputs.append(output)
        states.append(final)
    return outputs, states
