"""The LSTM recurrence on TensorFlow: `tf.while_loop` with a gradient derived by hand. All tensors are time-major.

The only file of `ops` that imports TensorFlow. It uses stock ops alone, so that it may stand in an exported graph, and
static control flow, so that XLA compiles it where the number of steps is known.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import tensorflow as tf

Tensor = Any
Step = Callable[[int, list[Tensor], list[Tensor]], tuple[list[Tensor], list[Tensor]]]


def lstm_loop(
    projections: list[Tensor],
    recurrent_kernels: list[Tensor],
    initial_states: list[tuple[Tensor, Tensor]],
    mask: Tensor | None,
    reverse: list[bool],
) -> tuple[list[Tensor], list[tuple[Tensor, Tensor]]]:
    """Run one LSTM per direction, all in one loop.

    Args:
        projections: per direction `x W + b`, `(steps, batch, 4 * units)`, gates in the order i, f, g, o.
        recurrent_kernels: per direction `U`, `(units, 4 * units)`.
        initial_states: per direction `(h, c)`, `(batch, units)` each.
        mask: `(steps, batch, 1)` of ones and zeros in the dtype of the projections, or `None`.
        reverse: per direction, whether it reads from the last step to the first.

    Returns:
        Outputs `(steps, batch, units)` and final states `(h, c)`, per direction.
    """
    directions = len(reverse)

    @tf.custom_gradient
    def run(*arguments: Tensor) -> Any:
        groups = [list(arguments[k * directions : (k + 1) * directions]) for k in range(4)]
        hs, cs, gates, states = _forward(groups, mask, reverse)

        def gradient(*upstream: Tensor) -> list[Tensor]:
            d_outputs, d_states = upstream[:directions], upstream[directions:]
            return _backward(groups, hs, cs, gates, mask, reverse, d_outputs, d_states)

        return [*hs, *(h for h, _ in states), *(c for _, c in states)], gradient

    results = run(*projections, *recurrent_kernels, *(h for h, _ in initial_states), *(c for _, c in initial_states))
    outputs = list(results[:directions])
    states = list(zip(results[directions : 2 * directions], results[2 * directions :], strict=True))
    return outputs, states


def _forward(groups: list[list], mask: Tensor | None, reverse: list[bool]) -> tuple:
    """Returns per direction: h, c and the activated gates (i, f, o, g) of all steps, and the final (h, c)."""
    projections, kernels, h0, c0 = groups
    units = kernels[0].shape[0]
    # Gates in the order i, f, o, g: one sigmoid over three neighbours, one tanh.
    kernels = [_gates_ifog(kernel) for kernel in kernels]
    projections = [_gates_ifog(projection) for projection in projections]

    def step(direction: int, inputs: list, state: list) -> tuple[list, list]:
        x, *m = inputs
        h, c = state
        z = x + tf.matmul(h, kernels[direction])
        ifo = tf.sigmoid(z[:, : 3 * units])
        g = tf.tanh(z[:, 3 * units :])
        i, f, o = tf.split(ifo, 3, axis=-1)
        c_new = f * c + i * g
        h_new = o * tf.tanh(c_new)
        if m:
            real = m[0] > 0
            h_new, c_new = tf.where(real, h_new, h), tf.where(real, c_new, c)
        return [h_new, c_new], [h_new, c_new, tf.concat([ifo, g], -1)]

    batch, dtype = h0[0].shape[0], h0[0].dtype
    shapes = [((batch, size), dtype) for size in (units, units, 4 * units)]
    sequences = [[x] if mask is None else [x, mask] for x in projections]
    results, states = _loop(step, sequences, list(zip(h0, c0, strict=True)), shapes, reverse)
    hs, cs, gates = ([result[k] for result in results] for k in range(3))
    return hs, cs, gates, [tuple(state) for state in states]


def _backward(
    groups: list[list],
    hs: list,
    cs: list,
    gates: list,
    mask: Tensor | None,
    reverse: list[bool],
    d_outputs: Any,
    d_states: Any,
) -> list[Tensor]:
    _, kernels, h0, c0 = groups
    directions, units = len(reverse), kernels[0].shape[0]
    sequences, h_previous = [], []
    for d in range(directions):
        i, f, o, g = tf.split(gates[d], 4, axis=-1)
        c_previous = _previous(cs[d], c0[d], reverse[d])
        h_previous.append(_previous(hs[d], h0[d], reverse[d]))
        tanh_c = tf.tanh(f * c_previous + i * g)
        # dz = [dc, dc, dc, dh] * slopes for the gates i, f, g, o; dc += dh * dh_to_dc; dc_previous = dc * f.
        slopes = tf.concat([g * i * (1 - i), c_previous * f * (1 - f), i * (1 - g * g), tanh_c * o * (1 - o)], -1)
        dh_to_dc = o * (1 - tanh_c * tanh_c)
        if mask is None:
            sequences.append([d_outputs[d], slopes, dh_to_dc, f])
        else:
            sequences.append([d_outputs[d], slopes * mask, dh_to_dc * mask, 1 + mask * (f - 1), 1 - mask])
    transposed = [tf.transpose(kernel) for kernel in kernels]

    def step(direction: int, inputs: list, state: list) -> tuple[list, list]:
        d_output, slopes, dh_to_dc, f, *carried = inputs
        dh = d_output + state[0]
        dc = state[1] + dh * dh_to_dc
        dz = tf.concat([dc, dc, dc, dh], -1) * slopes
        dh_previous = tf.matmul(dz, transposed[direction])
        if carried:
            dh_previous += dh * carried[0]
        return [dh_previous, dc * f], [dz]

    initial = [(d_states[d], d_states[directions + d]) for d in range(directions)]
    shapes = [((h0[0].shape[0], 4 * units), h0[0].dtype)]
    results, d_initial = _loop(step, sequences, initial, shapes, [not backwards for backwards in reverse])
    dzs = [result[0] for result in results]
    d_kernels = [
        tf.matmul(tf.reshape(h, (-1, units)), tf.reshape(dz, (-1, 4 * units)), transpose_a=True)
        for h, dz in zip(h_previous, dzs, strict=True)
    ]
    return [*dzs, *d_kernels, *(dh for dh, _ in d_initial), *(dc for _, dc in d_initial)]


def scan(step: Callable, state: tuple, sequences: tuple, *, reverse: bool = False) -> tuple[tuple, tuple]:
    """See `keras_seq.ops.recurrence.scan`."""
    shapes = [(x.shape, x.dtype) for x in state]

    def group_step(_: int, inputs: list, state: list) -> tuple:
        return step(tuple(state), tuple(inputs))

    (outputs,), (state,) = _loop(group_step, [list(sequences)], [state], shapes, [reverse])
    return tuple(state), tuple(outputs)


def _loop(
    step: Step, sequences: list[list], states: list, shapes: list[tuple], reverse: list[bool]
) -> tuple[list, list]:
    """Scan all directions in one `tf.while_loop`; `shapes` are the static shapes and dtypes of what `step` puts out."""
    first = sequences[0][0]
    steps = tf.shape(first)[0] if first.shape[0] is None else first.shape[0]
    arrays = [[tf.TensorArray(x.dtype, size=steps).unstack(x) for x in group] for group in sequences]
    outputs = [[tf.TensorArray(dtype, size=steps, element_shape=shape) for shape, dtype in shapes] for _ in reverse]

    def body(index: Tensor, states: list, outputs: list) -> tuple:
        new_states, new_outputs = [], []
        for d, backwards in enumerate(reverse):
            time = steps - 1 - index if backwards else index
            state, values = step(d, [array.read(time) for array in arrays[d]], states[d])
            new_states.append(list(state))
            new_outputs.append([array.write(time, value) for array, value in zip(outputs[d], values, strict=True)])
        return index + 1, new_states, new_outputs

    states = [list(state) for state in states]
    _, states, outputs = tf.while_loop(
        lambda index, *_: index < steps, body, (0, states, outputs), maximum_iterations=steps
    )
    return [[array.stack() for array in group] for group in outputs], states


def _gates_ifog(gates: Tensor) -> Tensor:
    i, f, g, o = tf.split(gates, 4, axis=-1)
    return tf.concat([i, f, o, g], -1)


def _previous(values: Tensor, initial: Tensor, reverse: bool) -> Tensor:
    if reverse:
        return tf.concat([values[1:], initial[None]], 0)
    return tf.concat([initial[None], values[:-1]], 0)
