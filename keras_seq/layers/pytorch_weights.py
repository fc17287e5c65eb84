"""The weights of a PyTorch recurrent module into a `RecurrentStack`, and back. PyTorch itself is not needed."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

import numpy as np

from keras_seq.layers.recurrent_layer import RecurrentLayer
from keras_seq.layers.recurrent_stack import RecurrentStack

# Cell -> the PyTorch gate that stands at each place of the Keras order. PyTorch writes i, f, g, o and r, z, n; Keras
# writes i, f, c, o and z, r, h. Each is its own inverse.
GATES = {"simple_rnn": (0,), "gru": (1, 0, 2), "lstm": (0, 1, 2, 3)}
MODULES = {"simple_rnn": "torch.nn.RNN", "gru": "torch.nn.GRU", "lstm": "torch.nn.LSTM"}


def load_torch_weights(stack: RecurrentStack, state_dict: Mapping[str, Any]) -> None:
    """Give a stack the weights of a `torch.nn.RNN`, `GRU` or `LSTM`: outputs and states are then those of the module.

    | PyTorch, of layer k | Keras, of layer k |
    |---|---|
    | `weight_ih_lk` (gates * units, features) | `kernel`, transposed |
    | `weight_hh_lk` (gates * units, units) | `recurrent_kernel`, transposed |
    | `bias_ih_lk`, `bias_hh_lk` (gates * units,) | `bias`: their sum; of the GRU both, as its rows 0 and 1 |
    | `..._lk_reverse` | those of the backward direction |
    | gates i, f, g, o of the LSTM | i, f, c, o: the same order |
    | gates r, z, n of the GRU | z, r, h: the first two change places |

    Nothing is changed if anything does not fit. Whether a `torch.nn.RNN` is one of tanh or ReLU is not in its weights:
    the `activation` of the stack must say it.

    Args:
        stack: the stack; if it is not built yet, it is built for the number of features of the module.
        state_dict: name -> weight: `module.state_dict()`, or a dict of arrays.

    Raises:
        TypeError: if `stack` is not a `RecurrentStack`, or `state_dict` not a mapping.
        ValueError: if names are missing or unexpected, or a shape does not fit.

    Example:
        >>> import numpy as np
        >>> from keras_seq.layers import RecurrentStack, load_torch_weights
        >>> stack = RecurrentStack("simple_rnn", 1)
        >>> load_torch_weights(stack, {
        ...     "weight_ih_l0": np.array([[0.5, 2.0]]), "weight_hh_l0": np.array([[-1.0]]),
        ...     "bias_ih_l0": np.array([0.25]), "bias_hh_l0": np.array([0.5]),
        ... })
        >>> [weight.tolist() for weight in stack.get_weights()]
        [[[0.5], [2.0]], [[-1.0]], [0.75]]

    Reference:
        The documentation of `torch.nn.RNN`, `torch.nn.GRU` and `torch.nn.LSTM`.
    """
    _check_stack(stack)
    if not isinstance(state_dict, Mapping):
        raise TypeError(
            "`state_dict` must be a mapping of names to arrays. "
            f"Received: state_dict of type {type(state_dict).__name__}. Pass `module.state_dict()`."
        )
    _check_names(state_dict, [name for suffix in _suffixes(stack) for name in _names(stack, suffix)])
    arrays = {name: _array(value) for name, value in state_dict.items()}
    _check_cell(stack, arrays["weight_hh_l0"])
    if stack.built:
        features = stack.directions()[0].cell.kernel.shape[0]
    else:
        features = np.atleast_2d(arrays["weight_ih_l0"]).shape[1]
    _check_shapes(stack, arrays, features)
    if not stack.built:
        stack.build((None, None, features))
    for suffix, layer in _parts(stack):
        layer.set_weights(_to_keras(stack, *(arrays[name] for name in _names(stack, suffix))))


def torch_weights(stack: RecurrentStack) -> dict[str, np.ndarray]:
    """Return the weights of a stack under PyTorch's names: what `load_torch_weights` takes, the other way round.

    PyTorch adds two biases where Keras has one (RNN and LSTM): it stands in `bias_ih`, and `bias_hh` is zero.
    `module.load_state_dict({name: torch.from_numpy(array) for name, array in torch_weights(stack).items()})` gives a
    PyTorch module of the same arguments the outputs of the stack.

    Args:
        stack: a stack that is built.

    Returns:
        Name -> array, in the order of PyTorch's `state_dict()`.

    Raises:
        TypeError: if `stack` is not a `RecurrentStack`.
        ValueError: if it is not built, or is one that PyTorch does not have.

    Example:
        >>> from keras_seq.layers import RecurrentStack, torch_weights
        >>> stack = RecurrentStack("gru", 4)
        >>> stack.build((None, None, 3))
        >>> {name: array.shape for name, array in torch_weights(stack).items()}
        {'weight_ih_l0': (12, 3), 'weight_hh_l0': (12, 4), 'bias_ih_l0': (12,), 'bias_hh_l0': (12,)}

    Reference:
        The documentation of `torch.nn.RNN`, `torch.nn.GRU` and `torch.nn.LSTM`.
    """
    _check_stack(stack)
    if not stack.built:
        raise ValueError(
            f"`stack` must be built: it has no weights yet. Received: stack={stack.name!r}. "
            "Call it on sequences, or `stack.build((None, None, features))`."
        )
    weights: dict[str, np.ndarray] = {}
    for suffix, layer in _parts(stack):
        weights.update(zip(_names(stack, suffix), _to_torch(stack, *layer.get_weights()), strict=True))
    return weights


def _to_keras(stack: RecurrentStack, kernel: Any, recurrent_kernel: Any, *biases: Any) -> list[np.ndarray]:
    weights = [_reordered(stack, kernel).T, _reordered(stack, recurrent_kernel).T]
    if biases:
        rows = np.stack([_reordered(stack, bias) for bias in biases])
        weights.append(rows if stack.cell == "gru" else rows.sum(axis=0))
    return weights


def _to_torch(stack: RecurrentStack, kernel: Any, recurrent_kernel: Any, *bias: Any) -> list[np.ndarray]:
    weights = [_reordered(stack, kernel.T), _reordered(stack, recurrent_kernel.T)]
    if bias:
        rows = bias[0] if stack.cell == "gru" else (bias[0], np.zeros_like(bias[0]))
        weights += [_reordered(stack, row) for row in rows]
    return weights


def _reordered(stack: RecurrentStack, array: np.ndarray) -> np.ndarray:
    """Bring the gates, which lie one after the other along the first axis, from PyTorch's order to Keras' or back."""
    gates = np.split(array, len(GATES[stack.cell]))
    return np.concatenate([gates[place] for place in GATES[stack.cell]])


def _suffixes(stack: RecurrentStack) -> list[str]:
    ends = ("", "_reverse")[: stack.num_directions]
    return [f"l{index}{end}" for index in range(stack.num_layers) for end in ends]


def _parts(stack: RecurrentStack) -> Iterator[tuple[str, RecurrentLayer]]:
    return zip(_suffixes(stack), stack.directions(), strict=True)


def _names(stack: RecurrentStack, suffix: str) -> list[str]:
    kinds = ("weight_ih", "weight_hh", *(("bias_ih", "bias_hh") if stack.use_bias else ()))
    return [f"{kind}_{suffix}" for kind in kinds]


def _array(value: Any) -> np.ndarray:
    if not hasattr(value, "detach"):
        return np.asarray(value)
    # A parameter asks for its gradient, may be on another device or of a type (bfloat16) that NumPy has not.
    value = value.detach().cpu()
    return (value.float() if str(value.dtype) == "torch.bfloat16" else value).numpy()


def _check_stack(stack: Any) -> None:
    if not isinstance(stack, RecurrentStack):
        raise TypeError(
            f"`stack` must be a `RecurrentStack`. Received: stack of type {type(stack).__name__}. "
            "Make one with the arguments of the PyTorch module."
        )
    if stack.cell != "simple_rnn" and stack.activation != "tanh":
        raise ValueError(
            f"`stack` must have `activation='tanh'`: {MODULES[stack.cell]} has no other. "
            f"Received: activation={stack.activation!r}. Make the stack with tanh."
        )


def _check_names(state_dict: Iterable[str], expected: list[str]) -> None:
    given = set(state_dict)
    missing = [name for name in expected if name not in given]
    unexpected = sorted(map(str, given - set(expected)))
    if missing or unexpected:
        raise ValueError(
            "`state_dict` must hold the weights of a module that has the stack's `num_layers`, `bidirectional` and "
            f"`use_bias`. Received: missing: {', '.join(missing) or 'none'}; "
            f"unexpected: {', '.join(unexpected) or 'none'}. "
            "Make the stack with the module's arguments, and pass the names of the recurrent module alone."
        )


def _check_cell(stack: RecurrentStack, recurrent_kernel: np.ndarray) -> None:
    shape = recurrent_kernel.shape
    gates = shape[0] / shape[1] if len(shape) == 2 and shape[1] else 0
    others = [cell for cell, order in GATES.items() if len(order) == gates and cell != stack.cell]
    if others:
        raise ValueError(
            f"`state_dict` must hold the weights of a {MODULES[stack.cell]}. "
            f"Received: those of a {MODULES[others[0]]}, weight_hh_l0 of shape {shape}. "
            f"Make the stack with `cell={others[0]!r}`."
        )


def _check_shapes(stack: RecurrentStack, arrays: Mapping[str, np.ndarray], features: int) -> None:
    rows = len(GATES[stack.cell]) * stack.units
    for suffix in _suffixes(stack):
        width = features if suffix.startswith("l0") else stack.num_directions * stack.units
        shapes = [(rows, width), (rows, stack.units), (rows,), (rows,)]
        for name, expected in zip(_names(stack, suffix), shapes, strict=False):
            if arrays[name].shape != expected:
                raise ValueError(
                    f"`{name}` must have the shape {expected}: `units={stack.units}`, {features} features. "
                    f"Received: shape={arrays[name].shape}. Make the stack with the module's sizes."
                )
