"""Recurrent loops on TensorFlow: `tf.while_loop` with a gradient derived by hand.

The only file of `ops` that imports TensorFlow. The loop is traced in one of two ways:

- *plain*, out of stock ops alone, so that it may stand in an exported graph: at prediction;
- *compiled* by XLA: in training. Then a step is one product and a few fused element-wise blocks. Only the loop is
  compiled, not what stands around it: TensorFlow runs several compiled loops (the directions, parts of the batch) side
  by side, a core each, which XLA does not do within one program. XLA compiles a loop anew for each number of rows and
  of steps, so that a number of steps that the graph leaves open is rounded up.
"""

from __future__ import annotations

import dataclasses
import functools
import os
from collections.abc import Callable
from typing import Any

import tensorflow as tf

from keras_seq.ops.recurrent_steps import Direction, LSTMStep, RecurrentStep, States

Tensor = Any

# A part of a batch that holds fewer rows is not worth a loop of its own.
MIN_ROWS = 8
# An open number of steps is rounded up to a multiple of this one, and a loop of fewer units is not worth half a second
# for each of its lengths.
STEPS_ROUNDED_TO = 4
MIN_UNITS = 32
# Up to so many rows `BlockLSTMV2` is quicker than a loop of TensorFlow ops: one sentence takes half the time.
MAX_BLOCK_ROWS = 4


def run_direction(
    step: RecurrentStep,
    direction: Direction,
    mask: Tensor | None,
    *,
    training: bool,
    serving: bool,
    num_side_by_side: int,
) -> tuple[Tensor, States]:
    """Run a recurrent network over sequences, in one direction.

    Args:
        step: the network.
        direction: sequences and weights, tensors of one floating type.
        mask: `(batch, steps)` boolean, or `None`.
        training: whether a gradient will be asked for.
        serving: whether the graph is to be exported: then ops that XLA does not know may stand in it.
        num_side_by_side: how many loops share the cores, this one among them.

    Returns:
        Outputs `(batch, steps, units)`, and the final states.
    """
    sequences, initial, kernel, bias, recurrent, reverse = direction
    is_open = sequences.shape[1] is None
    # Eagerly there is nothing to gain, and a tape cannot look into what XLA compiled.
    compiled = training and not tf.executing_eagerly() and (not is_open or initial[0].shape[-1] >= MIN_UNITS)
    loop = _Loop(
        step=step,
        reverse=reverse,
        mask=mask,
        num_states=len(initial),
        num_parts=_number_of_parts(sequences, num_side_by_side) if training else 1,
        keeps=training,
        compiled=compiled,
        serving=serving,
    )
    run = loop.run
    if compiled and _is_branch():
        # The gradient of a branch does not find the outputs of a compiled loop, but those of a function around it.
        run = tf.function(run, autograph=False)
    if bias is None:
        bias = tf.zeros(kernel.shape[1], kernel.dtype)
    outputs, *final = run(sequences, kernel, bias, *initial, *recurrent)
    return outputs, tuple(final)


@dataclasses.dataclass(frozen=True)
class _Loop:
    """A recurrent network over all steps, with the gradient that is derived by hand."""

    step: RecurrentStep
    reverse: bool
    mask: Tensor | None
    num_states: int
    num_parts: int  # of a batch, each with a loop of its own
    keeps: bool  # whether what the way back needs is kept, or computed again
    compiled: bool
    serving: bool

    def run(self, *arguments: Tensor) -> list[Tensor]:
        """Outputs and final states, from the sequences, kernel, bias, initial states and recurrent weights."""
        return tf.custom_gradient(self._run)(*arguments)

    def _run(self, *arguments: Tensor) -> tuple[list[Tensor], Callable]:
        sequences, kernel, bias, *others = arguments
        initial, recurrent = others[: self.num_states], others[self.num_states :]
        step, reverse, parts = self.step, self.reverse, self.num_parts
        # What XLA compiled has no gradient but the one derived by hand: no tape is to record it.
        held = tf.stop_gradient if self.compiled else _same
        given_sequences, features = sequences, sequences.shape[-1]
        is_open = sequences.shape[1] is None
        steps = tf.shape(sequences)[1] if is_open else sequences.shape[1]
        missing = None
        if self.compiled and is_open and self.mask is not None:
            # At least one step: XLA has no loop over none.
            missing = -tf.maximum(steps, 1) % STEPS_ROUNDED_TO + tf.maximum(1 - steps, 0)
        mask = None if self.mask is None else _lengthen(self.mask, missing)
        # To look for steps that are padding in all rows costs a tenth of the loop. Batches of one fixed length have
        # such steps; where the length is open each batch is as long as its longest row.
        skips = self.compiled and not is_open and mask is not None
        masks = [None] * parts if mask is None else _split(mask, parts)
        sequences = _lengthen(sequences, missing)
        shape = tf.shape(sequences)
        projection = tf.matmul(tf.reshape(sequences, (-1, features)), kernel)
        projection = tf.reshape(projection, (shape[0], sequences.shape[1] or shape[1], kernel.shape[1]))

        def forward(keep: bool) -> list:
            loop = _forward_loop(step, reverse, keep, self.compiled, skips)
            rows = zip(*(_split(held(x), parts) for x in (projection, *initial)), strict=True)
            weights = [held(weight) for weight in recurrent]
            return [loop(x, held(bias), states, weights, m) for (x, *states), m in zip(rows, masks, strict=True)]

        def outcome(results: list) -> list[Tensor]:
            h = _join([result[0] for result in results], 1)
            final = [_join([result[1][k] for result in results], 0) for k in range(self.num_states)]
            return [tf.transpose(h[:steps] if reverse else h[1 : 1 + steps], (1, 0, 2)), *final]

        results = forward(keep=True) if self.keeps else None

        def gradient(*upstream: Tensor) -> list[Tensor]:
            return self._differentiable_again(way_back)(*upstream, *arguments) if self.compiled else way_back(*upstream)

        def way_back(d_outputs: Tensor, *d_final: Tensor) -> list[Tensor]:
            kept = results or forward(keep=True)
            loop = _backward_loop(step, reverse, self.compiled, skips)
            transposed = [held(weight) for weight in step.transposed(recurrent)]
            rows = zip(*(_split(held(x), parts) for x in (_lengthen(d_outputs, missing), *d_final)), strict=True)
            back = [
                loop(d_y, d_states, [h, *others], saved, transposed, m)
                for (d_y, *d_states), (h, _, others, saved), m in zip(rows, kept, masks, strict=True)
            ]
            d_initial = [_join([result[0][k] for result in back], 0) for k in range(self.num_states)]
            parts_of_gradient = [_join(list(piece), 1) for piece in zip(*(result[1] for result in back), strict=True)]
            saved = [_join(list(piece), 1) for piece in zip(*(result[3] for result in kept), strict=True)]
            h = _join([result[0] for result in kept], 1)
            h_before = h[1:] if reverse else h[:-1]
            dx = step.d_inputs(parts_of_gradient)
            flat = tf.reshape(dx, (-1, dx.shape[-1]))
            time_major = tf.reshape(tf.transpose(sequences, (1, 0, 2)), (-1, features))
            d_sequences = tf.reshape(tf.matmul(flat, kernel, transpose_b=True), (shape[1], shape[0], features))
            return [
                tf.transpose(d_sequences[:steps], (1, 0, 2)),
                tf.matmul(time_major, flat, transpose_a=True),
                tf.reduce_sum(flat, 0),
                *d_initial,
                *step.d_weights(parts_of_gradient, saved, h_before)[: len(recurrent)],
            ]

        if results:
            return outcome(results), gradient
        if self.serving and _is_block_lstm(step, given_sequences):
            given = Direction(given_sequences, tuple(initial), kernel, bias, tuple(recurrent), reverse)
            return _serve_lstm(given, mask, lambda: outcome(forward(keep=False))), gradient
        return outcome(forward(keep=False)), gradient

    def _differentiable_again(self, way_back: Callable) -> Callable:
        """The way back through compiled loops, as a function of all that it depends on: the derivatives of outputs and
        final states, and the arguments of `run`. Its own derivative is that of the loop which is not compiled."""
        num_upstream = 1 + self.num_states

        @tf.custom_gradient
        def gradient(*given: Tensor) -> tuple[list[Tensor], Callable]:
            def derivative(*weights: Tensor) -> list[Tensor]:
                with tf.GradientTape() as outer:
                    outer.watch(given)
                    upstream, arguments = given[:num_upstream], given[num_upstream:]
                    with tf.GradientTape() as inner:
                        inner.watch(arguments)
                        outputs = dataclasses.replace(self, compiled=False, num_parts=1).run(*arguments)
                    first = inner.gradient(outputs, arguments, output_gradients=upstream)
                return outer.gradient(first, given, output_gradients=weights, unconnected_gradients="zero")

            return way_back(*(tf.stop_gradient(value) for value in given[:num_upstream])), derivative

        return gradient


def _same(x: Tensor) -> Tensor:
    return x


def _is_branch() -> bool:
    """Whether the graph that is traced is a branch of `tf.cond`, `tf.case` or `tf.switch_case`."""
    return type(tf.compat.v1.get_default_graph()).__name__ == "CondBranchFuncGraph"


def _is_block_lstm(step: RecurrentStep, sequences: Tensor) -> bool:
    """Whether `BlockLSTMV2` computes this network."""
    return step == LSTMStep("tanh") and sequences.dtype in (tf.float32, tf.float16)


def _serve_lstm(direction: Direction, mask: Tensor | None, loop: Callable[[], list[Tensor]]) -> list[Tensor]:
    """Outputs, h and c of an LSTM: of few rows by one op, of many by the loop."""
    sequences, initial, kernel, bias, (recurrent_kernel,), reverse = direction
    shape = tf.shape(sequences)

    def block() -> list[Tensor]:
        x, (h, c) = sequences, initial
        # The op knows no mask: the real steps move to the front of their row, in the order in which they are read.
        if mask is None:
            x = tf.reverse(x, [1]) if reverse else x
        else:
            behind = tf.cast(mask, tf.int32)
            read = tf.cumsum(behind, 1, reverse=reverse)  # real steps up to this one, itself among them
            key = tf.where(mask, read, shape[1] + 1)
            x = tf.gather(x, tf.argsort(key, 1, stable=True), batch_dims=1)
        no_peepholes = tf.zeros(h.shape[-1], h.dtype)
        result = tf.raw_ops.BlockLSTMV2(
            seq_len_max=tf.cast(shape[1], tf.int64),
            x=tf.transpose(x, (1, 0, 2)),
            cs_prev=c,
            h_prev=h,
            w=tf.concat([kernel, recurrent_kernel], 0),
            wci=no_peepholes,
            wcf=no_peepholes,
            wco=no_peepholes,
            b=bias,
            cell_clip=0.0,
            use_peephole=False,
        )
        # With the initial states in front: what stands where nothing has been read yet.
        hs = tf.transpose(tf.concat([h[None], result.h], 0), (1, 0, 2))
        cs = tf.transpose(tf.concat([c[None], result.cs], 0), (1, 0, 2))
        if mask is None:
            outputs = tf.reverse(hs[:, 1:], [1]) if reverse else hs[:, 1:]
            return [outputs, hs[:, -1], cs[:, -1]]
        count = tf.reduce_sum(behind, 1, keepdims=True)
        final = [tf.gather(states, count, batch_dims=1)[:, 0] for states in (hs, cs)]
        return [tf.gather(hs, read, batch_dims=1), *final]

    return tf.cond((shape[0] <= MAX_BLOCK_ROWS) & (shape[1] > 0), block, loop)


@functools.cache
def _forward_loop(step: RecurrentStep, reverse: bool, keep: bool, compiled: bool, skips: bool) -> Callable:
    """The loop over time; with `keep` it also returns what the way back needs, with `skips` it looks for empty steps.

    Returns:
        A function of the projection `(batch, steps, gates * units)`, bias, states, recurrent weights and mask
        `(batch, steps)`, giving: h before, between and after the steps, `(steps + 1, batch, units)`; the final states;
        the other states, as h; and the saved activations, `(steps, batch, units)` each.
    """

    def loop(projection: Tensor, bias: Tensor, states: list, weights: list, mask: Tensor | None) -> tuple:
        steps = projection.shape[1] or tf.shape(projection)[1]
        batch, units, dtype = projection.shape[0], states[0].shape[-1], projection.dtype
        start = steps if reverse else 0
        num_kept = len(states) if keep else 1
        trajectories = [
            tf.TensorArray(dtype, size=steps + 1, element_shape=(batch, units)).write(start, state)
            for state in states[:num_kept]
        ]
        activations = [
            tf.TensorArray(dtype, size=steps, element_shape=(batch, units))
            for _ in range(step.num_saved if keep else 0)
        ]

        def body(index: Tensor, states: list, trajectories: list, activations: list) -> tuple:
            time = steps - 1 - index if reverse else index

            def go() -> tuple[list, list]:
                new_states, saved = step.forward(projection[:, time] + bias, tuple(states), weights)
                after = list(new_states)
                if mask is not None:
                    real = mask[:, time, None]
                    after = [tf.where(real, new, old) for new, old in zip(after, states, strict=True)]
                return after, list(saved) if keep else []

            if mask is None or not skips:
                after, saved = go()
            else:
                nothing = [tf.zeros_like(states[0])] * len(activations)
                after, saved = tf.cond(tf.reduce_any(mask[:, time]), go, lambda: (list(states), nothing))
            place = time if reverse else time + 1
            trajectories = [
                array.write(place, value) for array, value in zip(trajectories, after[:num_kept], strict=True)
            ]
            activations = [array.write(time, value) for array, value in zip(activations, saved, strict=True)]
            return index + 1, after, trajectories, activations

        _, states, trajectories, activations = tf.while_loop(
            lambda index, *_: index < steps,
            body,
            (0, list(states), trajectories, activations),
            maximum_iterations=steps,
        )
        h, *others = (array.stack() for array in trajectories)
        return h, states, others, [array.stack() for array in activations]

    return tf.function(loop, jit_compile=True, autograph=False) if compiled else loop


@functools.cache
def _backward_loop(step: RecurrentStep, reverse: bool, compiled: bool, skips: bool) -> Callable:
    """The loop back over time.

    Returns:
        A function of the derivatives of the outputs `(batch, steps, units)` and of the final states, and of what the
        forward loop kept, giving the derivatives of the initial states, and the parts that `RecurrentStep.backward`
        returns, `(steps, batch, ...)` each.
    """

    def loop(
        d_outputs: Tensor, d_states: list, trajectories: list, saved: list, transposed: list, mask: Tensor | None
    ) -> tuple:
        steps = d_outputs.shape[1] or tf.shape(d_outputs)[1]
        batch, units, dtype = d_outputs.shape[0], d_outputs.shape[2], d_outputs.dtype
        parts = [tf.TensorArray(dtype, size=steps, element_shape=(batch, width * units)) for width in step.part_widths]

        def body(index: Tensor, d_states: list, parts: list) -> tuple:
            time = index if reverse else steps - 1 - index
            earlier, later = (time + 1, time) if reverse else (time, time + 1)
            d_after = [d_states[0] + d_outputs[:, time], *d_states[1:]]

            def go() -> tuple[list, list]:
                derivatives, found = step.backward(
                    tuple(d_after),
                    tuple(value[time] for value in saved),
                    tuple(values[earlier] for values in trajectories),
                    tuple(values[later] for values in trajectories),
                    transposed,
                )
                d_before, pieces = list(derivatives), list(found)
                if mask is not None:
                    real = mask[:, time, None]
                    d_before = [tf.where(real, new, old) for new, old in zip(d_before, d_after, strict=True)]
                    pieces = [tf.where(real, piece, tf.zeros_like(piece)) for piece in pieces]
                return d_before, pieces

            if mask is None or not skips:
                d_before, pieces = go()
            else:
                rows = tf.shape(d_outputs)[0]
                nothing = [tf.zeros((rows, width * units), dtype) for width in step.part_widths]
                d_before, pieces = tf.cond(tf.reduce_any(mask[:, time]), go, lambda: (d_after, nothing))
            parts = [array.write(time, piece) for array, piece in zip(parts, pieces, strict=True)]
            return index + 1, d_before, parts

        _, d_states, parts = tf.while_loop(
            lambda index, *_: index < steps, body, (0, list(d_states), parts), maximum_iterations=steps
        )
        return d_states, [array.stack() for array in parts]

    return tf.function(loop, jit_compile=True, autograph=False) if compiled else loop


def has_gpu() -> bool:
    """See `keras_seq.ops.recurrence.has_gpu`."""
    return bool(tf.config.list_physical_devices("GPU"))


def scan(step: Callable, state: tuple, sequences: tuple, *, reverse: bool = False) -> tuple[tuple, tuple]:
    """See `keras_seq.ops.recurrence.scan`."""
    first = sequences[0]
    steps = tf.shape(first)[0] if first.shape[0] is None else first.shape[0]
    arrays = [tf.TensorArray(x.dtype, size=steps).unstack(x) for x in sequences]
    outputs = [tf.TensorArray(x.dtype, size=steps, element_shape=x.shape) for x in state]

    def body(index: Tensor, state: list, outputs: list) -> tuple:
        time = steps - 1 - index if reverse else index
        state, values = step(tuple(state), tuple(array.read(time) for array in arrays))
        outputs = [array.write(time, value) for array, value in zip(outputs, values, strict=True)]
        return index + 1, list(state), outputs

    _, state, outputs = tf.while_loop(
        lambda index, *_: index < steps, body, (0, list(state), outputs), maximum_iterations=steps
    )
    return tuple(state), tuple(array.stack() for array in outputs)


def _number_of_parts(sequences: Tensor, num_side_by_side: int) -> int:
    """Into how many parts to cut a batch, so that each core has a loop to run."""
    if has_gpu():
        return 1
    parts = max(1, _cores() // num_side_by_side)
    rows = sequences.shape[0]
    return parts if rows is None else max(1, min(parts, rows // MIN_ROWS))


@functools.cache
def _cores() -> int:
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def _lengthen(x: Tensor, missing: Tensor | None) -> Tensor:
    """Add steps of zeros behind those of `(batch, steps, ...)`."""
    if missing is None:
        return x
    return tf.pad(x, [[0, 0], [0, missing], *[[0, 0]] * (len(x.shape) - 2)])


def _split(x: Tensor, parts: int) -> list[Tensor]:
    """Cut the rows into parts of one size, but for the last."""
    if parts == 1:
        return [x]
    if x.shape[0] is not None and x.shape[0] % parts == 0:
        return tf.split(x, parts)
    rows = tf.shape(x)[0] if x.shape[0] is None else x.shape[0]
    size = (rows + parts - 1) // parts
    return [x[k * size : (k + 1) * size] for k in range(parts)]


def _join(values: list[Tensor], axis: int) -> Tensor:
    return values[0] if len(values) == 1 else tf.concat(values, axis)
