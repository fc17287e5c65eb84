"""The LSTM recurrence, for one or two directions at a time, on the backend in use."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import keras
from keras import ops

Tensor = Any


class LSTMWeights(NamedTuple):
    """The weights of one direction in the stock Keras layout; the gates stand in the order input, forget, cell,
    output."""

    kernel: Tensor  # (features, 4 * units)
    recurrent_kernel: Tensor  # (units, 4 * units)
    bias: Tensor | None  # (4 * units,)


def lstm(
    sequences: Tensor,
    initial_states: list[tuple[Tensor, Tensor]],
    weights: list[LSTMWeights],
    *,
    reverse: list[bool],
    mask: Tensor | None = None,
) -> tuple[list[Tensor], list[tuple[Tensor, Tensor]]]:
    """Run LSTMs that read the same sequences, each in its own direction, in one loop.

    Per step, in the letters of Hochreiter and Schmidhuber with the forget gate of Gers et al. (`W` is `kernel`, `U` is
    `recurrent_kernel`):

        i = sigmoid(x W_i + h U_i + b_i)      input gate
        f = sigmoid(x W_f + h U_f + b_f)      forget gate
        g = tanh(x W_c + h U_c + b_c)         candidate cell state
        o = sigmoid(x W_o + h U_o + b_o)      output gate
        c' = f * c + i * g
        h' = o * tanh(c')

    The products `x W + b` of all steps are one matrix product before the loop. On TensorFlow the gradient is derived by
    hand: one product per step, and one product for all of dU after the loop.

    Masking: at a step whose mask is `False` the state is carried over unchanged, wherever that step stands, so padding
    on either side, and holes, never reach a real step.

    Args:
        sequences: `(batch, steps, features)`, floating.
        initial_states: one `(h, c)` per direction, each `(batch, units)`.
        weights: one `LSTMWeights` per direction.
        reverse: per direction, whether it reads from the last step to the first.
        mask: `(batch, steps)` boolean, `True` = real step.

    Returns:
        The outputs, one `(batch, steps, units)` per direction, aligned with the input steps (a reversed direction is
        *not* flipped), and the final states, one `(h, c)` per direction.

    Reference:
        Hochreiter and Schmidhuber, "Long Short-Term Memory", Neural Computation 9(8), 1997;
        Gers, Schmidhuber and Cummins, "Learning to Forget", Neural Computation 12(10), 2000.
    """
    time_major = ops.transpose(sequences, (1, 0, 2))
    projections = []
    for kernel, _, bias in weights:
        projection = ops.matmul(time_major, ops.cast(kernel, sequences.dtype))
        if bias is not None:
            projection = ops.add(projection, ops.cast(bias, sequences.dtype))
        projections.append(projection)
    recurrent_kernels = [ops.cast(ops.convert_to_tensor(w.recurrent_kernel), sequences.dtype) for w in weights]
    if mask is not None:
        mask = ops.expand_dims(ops.cast(ops.transpose(mask), sequences.dtype), -1)
    outputs, states = _backend().lstm_loop(projections, recurrent_kernels, initial_states, mask, reverse)
    return [ops.transpose(output, (1, 0, 2)) for output in outputs], states


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


def _backend() -> Any:
    name = keras.backend.backend()
    if name == "tensorflow":
        from keras_seq.ops import recurrence_tensorflow

        return recurrence_tensorflow
    if name == "jax":
        from keras_seq.ops import recurrence_jax

        return recurrence_jax
    raise ValueError(
        "keras_seq's recurrent layers run on the TensorFlow and JAX backends. "
        f"Received: KERAS_BACKEND={name}. Set the variable to `tensorflow` or `jax` before importing Keras."
    )
