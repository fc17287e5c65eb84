"""The real steps of each row as neighbours: where padding inside a sequence must not part them."""

from typing import Any

from keras import ops

from keras_seq.ops.pooling import real_positions

Tensor = Any


def compacted(sequences: Tensor, real: Tensor) -> Tensor:
    """The real steps of each row moved to its beginning, zeros after them.

    Args:
        sequences: `(batch, steps, features)`.
        real: boolean `(batch, steps)`.

    Returns:
        `(batch, steps, features)`.
    """
    steps = ops.shape(real)[1]
    columns = ops.broadcast_to(ops.arange(steps, dtype="int32")[None], ops.shape(real))
    # All different, so that any way of sorting keeps the order of the steps.
    order = ops.argsort(ops.where(real, columns, columns + steps), axis=1)
    moved = ops.take_along_axis(sequences, order[..., None], axis=1)
    count = ops.sum(ops.cast(real, "int32"), axis=1, keepdims=True)
    return ops.where((columns < count)[..., None], moved, ops.zeros_like(moved))


def spread_back(sequences: Tensor, real: Tensor) -> Tensor:
    """What `compacted` moved, back at the places of the real steps, and zeros at padding."""
    places = ops.minimum(real_positions(real), ops.shape(real)[1] - 1)
    moved = ops.take_along_axis(sequences, places[..., None], axis=1)
    return ops.where(real[..., None], moved, ops.zeros_like(moved))


def last_real(cached: Tensor, real: Tensor | None, count: int) -> Tensor:
    """The last real steps of each row, in their order.

    Args:
        cached: `(batch, layers, heads, steps, size)`, of at least `count` steps.
        real: boolean `(batch, steps)`; `None`: all are.
        count: how many.

    Returns:
        `(batch, layers, heads, count, size)`; where a row has fewer, what else there is comes before them.
    """
    if real is None:
        return cached[:, :, :, ops.shape(cached)[3] - count :]
    steps = ops.shape(real)[1]
    order = ops.argsort(ops.where(real, steps, 0) + ops.arange(steps, dtype="int32"), axis=1)
    places = order[:, steps - count :]
    return ops.take_along_axis(cached, places[:, None, None, :, None], axis=3)
