"""Recurrent networks over time, on the backend in use."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import keras
from keras import ops

from keras_seq.ops.recurrent_steps import Direction, RecurrentStep, States
from keras_seq.ops.serving import is_serving_graph

Tensor = Any


def run_recurrence(
    step: RecurrentStep,
    direction: Direction,
    *,
    mask: Tensor | None = None,
    training: bool = False,
    num_side_by_side: int = 1,
) -> tuple[Tensor, States]:
    """Run a recurrent network in one direction.

    The products `x W + b` of all steps are one matrix product before the loop. The gradient is derived by hand: one
    product per step on the way back, and one product for all of `dW` and of `dU` after the loop. Gradients of that
    gradient are those of autodiff. Under JAX there is no forward mode, as there is none of any hand-derived gradient.

    Masking: at a step whose mask is `False` the state is carried over unchanged, wherever that step stands, so padding
    on either side, and holes, never reach a real step.

    Args:
        step: the network: a step of `keras_seq.ops.recurrent_steps`.
        direction: what it reads, and its weights.
        mask: `(batch, steps)` boolean, `True` = real step.
        training: whether a gradient will be asked for. It is right either way; with `True` what it needs is kept, and
            on TensorFlow the loop is compiled; an open number of steps is rounded up for it where there is a mask.
        num_side_by_side: how many such loops run at a time, this one among them, and share the cores.

    Returns:
        The outputs `(batch, steps, units)`, aligned with the input steps (a reversed direction is *not* flipped), and
        the final states.
    """
    backend = _backend()
    dtype = keras.backend.standardize_dtype(direction.sequences.dtype)
    mask = None if mask is None else ops.cast(mask, "bool")

    def tensor(x: Any) -> Tensor:
        return ops.cast(ops.convert_to_tensor(x), dtype)

    direction = direction._replace(
        initial_states=tuple(tensor(state) for state in direction.initial_states),
        kernel=tensor(direction.kernel),
        bias=None if direction.bias is None else tensor(direction.bias),
        recurrent_weights=tuple(tensor(weight) for weight in direction.recurrent_weights),
    )
    return backend.run_direction(
        step, direction, mask, training=training, serving=is_serving_graph(), num_side_by_side=num_side_by_side
    )


def scan(step: Callable, state: tuple, sequences: tuple, *, reverse: bool = False) -> tuple[tuple, tuple]:
    """Run `step(state, slices) -> (state, outputs)` over the first axis of the sequences.

    `keras.ops.scan` asks for a number of steps that is known when the graph is traced; here it may be open.

    Args:
        step: takes the state and one slice of each sequence; returns the new state and outputs, as tuples. The outputs
            have the shapes and dtypes of the state.
        state: tuple of tensors.
        sequences: tuple of tensors `(steps, ...)`.
        reverse: whether to go from the last step to the first.

    Returns:
        The last state, and the outputs of all steps, aligned with the sequences, each `(steps, ...)`.
    """
    return _backend().scan(step, state, sequences, reverse=reverse)


def has_gpu() -> bool:
    """Whether the backend in use computes on a GPU."""
    return _backend().has_gpu()


def _backend() -> Any:
    name = keras.backend.backend()
    if name == "tensorflow":
        from keras_seq.ops import recurrence_tensorflow

        return recurrence_tensorflow
    if name == "jax":
        from keras_seq.ops import recurrence_jax

        return recurrence_jax
    raise ValueError(
        "keras_seq's loops over time (recurrent layers, the CRF, decoding) run on the TensorFlow and JAX backends. "
        f"Received: KERAS_BACKEND={name}. Set the variable to `tensorflow` or `jax` before importing Keras."
    )
