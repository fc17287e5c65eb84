"""Which step of a sequence counts how much in one vector for the whole: the mathematics of the pooling layers."""

from typing import Any

from keras import ops

Tensor = Any

# Maxima that differ by less than this share of the largest value of their row are equal: rounding parts what one word
# gives in two places.
_TIE = 1e-5


def real_steps(sequences: Tensor, mask: Tensor | None) -> Tensor:
    """Boolean `(batch, steps)`: the mask, or `True` everywhere without one."""
    if mask is None:
        return ops.ones_like(sequences[..., 0], dtype="bool")
    return ops.cast(mask, "bool")


def real_positions(real: Tensor) -> Tensor:
    """int32 `(batch, steps)`: how many real steps stand before each step."""
    counts = ops.cast(real, "int32")
    return ops.cumsum(counts, axis=1) - counts


def equal_weights(real: Tensor, axis: int = 1) -> Tensor:
    """float32: 1/n at each of the n real places along an axis, 0 elsewhere."""
    counted = ops.cast(real, "float32")
    return counted / ops.maximum(ops.sum(counted, axis=axis, keepdims=True), 1.0)


def end_weights(real: Tensor, *, first: bool = False) -> Tensor:
    """float32 `(batch, steps)`: 1 at the last (or first) real step, 0 elsewhere."""
    before = real_positions(real)
    # Counted from the end that is asked for: no step is looked up, so that a batch without steps is served as well.
    number = ops.sum(ops.cast(real, "int32"), axis=1, keepdims=True)
    chosen = ops.equal(before, 0 if first else number - 1)
    return ops.cast(ops.logical_and(chosen, real), "float32")


def softmax_weights(scores: Tensor, real: Tensor) -> Tensor:
    """float32 `(batch, steps)`: the softmax of the scores over the real steps, 0 elsewhere, all 0 without any."""
    scores = ops.where(real, ops.cast(scores, "float32"), -1e9)
    powers = ops.exp(scores - ops.max(scores, axis=1, keepdims=True, initial=-1e9))
    powers = ops.where(real, powers, 0.0)
    # At least 1 where a step is real: the largest score gives exp(0).
    return powers / ops.maximum(ops.sum(powers, axis=1, keepdims=True), 1.0)


def maximum_of_steps(sequences: Tensor, real: Tensor) -> Tensor:
    """`(batch, features)`: the largest value of each feature over the real steps, 0 without any."""
    lowest = ops.cast(-float("inf"), sequences.dtype)
    largest = ops.max(ops.where(real[..., None], sequences, lowest), axis=1, initial=-float("inf"))
    return ops.where(ops.any(real, axis=1, keepdims=True), largest, ops.zeros_like(largest))


def maximum_weights(sequences: Tensor, real: Tensor) -> Tensor:
    """float32 `(batch, steps)`: the share of features that have their maximum at each real step.

    Steps that have the same maximum, up to rounding, share the feature equally.
    """
    sequences = ops.where(real[..., None], ops.cast(sequences, "float32"), 0.0)
    largest = maximum_of_steps(sequences, real)[:, None, :]
    scale = ops.max(ops.abs(sequences), axis=(1, 2), keepdims=True, initial=0.0)
    is_largest = ops.logical_and(sequences >= largest - _TIE * scale, real[..., None])
    return ops.mean(equal_weights(is_largest), axis=-1)


def weighted_sum(sequences: Tensor, weights: Tensor, real: Tensor) -> Tensor:
    """`(batch, features)`: the steps times their weights, added up; whatever stands at padding has no say."""
    sequences = ops.where(real[..., None], sequences, ops.zeros_like(sequences))
    # Much quicker than einsum, whose gradient moves axes.
    return ops.matmul(ops.cast(weights, sequences.dtype)[:, None, :], sequences)[:, 0]
