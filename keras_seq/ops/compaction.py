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
    columns = ops.arange(steps, dtype="int32")
    # All different, so that any way of sorting keeps the order of the steps.
    order = ops.argsort(ops.where(real, columns, columns + steps), axis=1)
    count = ops.sum(ops.cast(real, "int32"), axis=1, keepdims=True)
    moved = steps_at(sequences, order)
    return ops.where((columns < count)[..., None], moved, ops.zeros_like(moved))


def spread_back(sequences: Tensor, real: Tensor) -> Tensor:
    """What `compacted` moved, back at the places of the real steps, and zeros at padding."""
    moved = steps_at(sequences, ops.minimum(real_positions(real), ops.shape(real)[1] - 1))
    return ops.where(real[..., None], moved, ops.zeros_like(moved))


def steps_at(sequences: Tensor, places: Tensor) -> Tensor:
    """The steps of each row at `places`, int32 `(batch, n)`: `(batch, n, features)`."""
    batch, steps, features = ops.shape(sequences)
    # Whole vectors are looked up: `take_along_axis` looks up number by number.
    rows = steps * ops.arange(batch, dtype="int32")[:, None]
    found = ops.take(ops.reshape(sequences, (batch * steps, features)), rows + ops.cast(places, "int32"), axis=0)
    # JAX loses axes where nothing is looked up in nothing.
    return ops.reshape(found, (batch, ops.shape(places)[1], features))


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
    batch, layers, heads, _, size = ops.shape(cached)
    places = ops.repeat(order[:, steps - count :], layers * heads, axis=0)
    found = steps_at(ops.reshape(cached, (batch * layers * heads, steps, size)), places)
    return ops.reshape(found, (batch, layers, heads, count, size))
