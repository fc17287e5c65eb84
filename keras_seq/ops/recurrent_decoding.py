"""One step of a stack of recurrent layers, as quick as generation needs it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from keras import ops

Tensor = Any
# h, and c of an LSTM, `(batch, units)` each, for each layer.
LayerStates = tuple[tuple[Tensor, ...], ...]

# Up to so many ids, the inputs' share of the first layer is computed for all of them before the loop begins.
MAX_TABLE_SIZE = 1024


def stack_step(
    stack: Any, embeddings: Any, output: Callable[[Tensor], Tensor]
) -> Callable[[Tensor, LayerStates], tuple[Tensor, LayerStates]]:
    """The step of a language model for `keras_seq.ops.decoding.sample_ids`.

    What does not depend on the states is done here, once, so call it in the function that holds the loop, outside of
    the loop: `x W + b` of the first layer is looked up by id. It gives the numbers of the layers.

    Args:
        stack: a built `keras_seq.layers.RecurrentStack` of one direction.
        embeddings: the vectors of the ids, `(vocabulary, features)`.
        output: from the states of the last layer, `(batch, units)`, to log-probabilities `(batch, vocabulary)`.

    Returns:
        `step(token_ids, states) -> (log_probs, states)`. States are those of `states_of_layers`.

    Raises:
        ValueError: if the stack reads in both directions, or has layers that the fused loop does not compute.

    Example:
        >>> import numpy as np
        >>> from keras import ops
        >>> from keras_seq.layers import RecurrentStack
        >>> from keras_seq.ops.decoding import sample_ids
        >>> from keras_seq.ops.recurrent_decoding import stack_step, states_of_layers
        >>> stack = RecurrentStack("gru", 5, num_layers=2)
        >>> stack.build((None, None, 3))
        >>> step = stack_step(stack, np.ones((5, 3), "float32"), output=ops.log_softmax)
        >>> states = states_of_layers([np.zeros((1, 2, 5), "float32")])
        >>> sample_ids(step, [2], states, max_length=4, top_k=1)[0].shape
        TensorShape([1, 4])
    """
    layers = stack.recurrent_layers
    if stack.num_directions != 1 or not all(layer.is_standard for layer in layers):
        raise ValueError(
            "`stack` must read in one direction, with layers that the fused loop computes. "
            f"Received: bidirectional={stack.bidirectional}. Generate with a stack that reads forwards."
        )
    dtype = stack.compute_dtype
    tensor = lambda x: ops.cast(ops.convert_to_tensor(x), dtype)  # noqa: E731
    directions = [layer.direction(None, (), False) for layer in layers]
    kernels = [tensor(direction.kernel) for direction in directions]
    biases = [None if direction.bias is None else tensor(direction.bias) for direction in directions]
    recurrent = [[tensor(weight) for weight in direction.recurrent_weights] for direction in directions]

    def project(index: int, x: Tensor) -> Tensor:
        x = ops.matmul(x, kernels[index])
        return x if biases[index] is None else ops.add(x, biases[index])

    embeddings = tensor(embeddings)
    is_table = embeddings.shape[0] <= MAX_TABLE_SIZE
    table = project(0, embeddings) if is_table else embeddings

    def step(token_ids: Tensor, states: LayerStates) -> tuple[Tensor, LayerStates]:
        x = ops.take(table, token_ids, axis=0)
        after = []
        for index, layer in enumerate(layers):
            if index or not is_table:
                x = project(index, x)
            of_layer, _ = layer.step.forward(x, tuple(states[index]), recurrent[index])
            after.append(of_layer)
            x = of_layer[0]
        return output(x), tuple(after)

    return step


def states_of_layers(states: Sequence[Tensor]) -> LayerStates:
    """Stacked states, h and for the LSTM c, each `(batch, layers, units)`, cut into those of each layer."""
    return tuple(
        tuple(ops.convert_to_tensor(state)[:, index] for state in states) for index in range(states[0].shape[1])
    )


def stacked_states(states: LayerStates) -> list[Tensor]:
    """What `states_of_layers` was given, from what it returned."""
    return [ops.stack(of_letter, axis=1) for of_letter in zip(*states, strict=True)]
