"""Linear-chain conditional random fields: log partition, scores, the best path and marginals.

One tensor holds a whole chain: `potentials`, `(batch, steps, tags, tags)`, where `potentials[b, t, i, j]` is the score
of tag `j` at step `t` when the previous real step has tag `i`: emission of `j`, plus transition `i -> j`, plus the end
score of `j` at the last real step. At the first real step only row `i = 0` counts; it holds the start scores.

The mask, `(batch, steps)` boolean, may have any form: padding left or right, holes, rows without a real step. All
arithmetic is in float32 or wider, whatever the dtype of the potentials.

Reference: Lafferty, McCallum and Pereira, "Conditional Random Fields", ICML 2001; Rabiner, "A Tutorial on Hidden Markov
Models", Proc. IEEE 77(2), 1989 (forward-backward, Viterbi).
"""

from __future__ import annotations

from typing import Any

import keras
from keras import ops

from keras_seq.ops.labels import NO_CLASS, class_numbers
from keras_seq.ops.recurrence import scan

Tensor = Any

# The logarithm of a probability that counts as zero; finite, so that sums of it stay numbers.
IMPOSSIBLE = -1e9


def crf_log_partition(potentials: Tensor, mask: Tensor) -> Tensor:
    """The log partition function, over the scores of all paths, `(batch,)`; 0 for a row without a real step.

    Its gradient is the pairwise marginal probability, which forward-backward gives directly.
    """

    @ops.custom_gradient
    def run(potentials: Tensor, mask: Tensor) -> Any:
        chain, real = _time_major(potentials, ops.cast(mask, "bool"))
        before, log_partition = _forward(chain, real)

        def gradient(*arguments: Any, upstream: Any = None) -> tuple[Tensor, Tensor]:
            if upstream is None:
                (upstream,) = arguments
            scores = before[..., None] + chain + _backward(chain, real)[:, :, None, :]
            pairwise = ops.exp(scores - ops.logsumexp(scores, axis=(2, 3), keepdims=True))
            pairwise = ops.where(real[:, :, None, None], pairwise * upstream[None, :, None, None], 0.0)
            pairwise = ops.transpose(pairwise, (1, 0, 2, 3))
            return ops.cast(pairwise, potentials.dtype), ops.zeros_like(mask)

        return log_partition, gradient

    potentials = _float(potentials)
    # The mask is an argument, not closed over, and floating: so JAX can differentiate what is compiled already.
    return run(potentials, ops.cast(mask, potentials.dtype))


def crf_score(potentials: Tensor, tag_ids: Tensor, mask: Tensor) -> Tensor:
    """The score of the given path, `(batch,)`; `tag_ids` `(batch, steps)` integer, whatever stands at masked steps.

    NaN for a row in which a real step has an id that is no tag's.
    """
    potentials = _float(potentials)
    mask = ops.cast(mask, "bool")
    tags = potentials.shape[-1]
    tag_ids = class_numbers(tag_ids, tags, NO_CLASS, "tag_ids")
    is_tag = ops.all(ops.logical_or(ops.logical_not(mask), tag_ids >= 0), axis=1)
    tag_ids = ops.where(ops.logical_and(mask, tag_ids >= 0), tag_ids, 0)

    def step(state: Any, inputs: Any) -> Any:
        tag, real = inputs
        return (ops.where(real, tag, state[0]),), state

    start = ops.zeros_like(ops.sum(tag_ids, axis=1))  # not `tag_ids[:, 0]`: there may be no steps
    _, (previous,) = scan(step, (start,), (ops.transpose(tag_ids), ops.transpose(mask)))
    chosen = ops.transpose(previous) * tags + tag_ids
    path = ops.logical_and(ops.one_hot(chosen, tags * tags, dtype="bool"), mask[..., None])
    flat = ops.reshape(potentials, (*ops.shape(mask), tags * tags))
    # Not a product: what stands at masked steps may be no number.
    return ops.where(is_tag, ops.sum(ops.where(path, flat, 0.0), axis=(1, 2)), float("nan"))


def crf_viterbi(potentials: Tensor, mask: Tensor) -> tuple[Tensor, Tensor]:
    """The best path and its score.

    Returns:
        `(batch, steps)` int32, 0 at masked steps, and `(batch,)`.
    """
    chain, real = _time_major(_float(potentials), ops.cast(mask, "bool"))
    tags = chain.shape[-1]
    scores, total = _start(chain)
    identity = ops.broadcast_to(ops.arange(tags, dtype="int32")[None], ops.shape(chain)[1:3])

    def forward(carry: Any, inputs: Any) -> Any:
        (scores, total, _), (potential, is_real) = carry, inputs
        candidates = scores[:, :, None] + potential
        pointers = ops.cast(ops.argmax(candidates, axis=1), "int32")
        new = ops.max(candidates, axis=1)
        highest = ops.max(new, axis=-1)
        state = (
            ops.where(is_real[:, None], new - highest[:, None], scores),
            ops.where(is_real, total + highest, total),
            ops.where(is_real[:, None], pointers, identity),
        )
        return state, state

    (scores, total, _), (_, _, pointers) = scan(forward, (scores, total, identity), (chain, real))

    def backward(state: Any, inputs: Any) -> Any:
        (tag,), (pointer,) = state, inputs
        return (ops.squeeze(ops.take_along_axis(pointer, tag[:, None], axis=1), 1),), state

    best = ops.cast(ops.argmax(scores, axis=-1), "int32")
    _, (path,) = scan(backward, (best,), (pointers,), reverse=True)
    return ops.where(ops.transpose(real), ops.transpose(path), 0), total + ops.max(scores, axis=-1)


def crf_marginals(potentials: Tensor, mask: Tensor) -> Tensor:
    """The probability of every tag at every step given the whole row, `(batch, steps, tags)`; 0 at masked steps."""
    mask = ops.cast(mask, "bool")
    chain, real = _time_major(_float(potentials), mask)
    before, _ = _forward(chain, real)
    scores = ops.logsumexp(before[..., None] + chain, axis=2) + _backward(chain, real)
    marginals = ops.exp(scores - ops.logsumexp(scores, axis=-1, keepdims=True))
    return ops.where(mask[..., None], ops.transpose(marginals, (1, 0, 2)), 0.0)


def _forward(chain: Tensor, real: Tensor) -> tuple[Tensor, Tensor]:
    """Forward scores *before* each step, `(steps, batch, tags)`, up to a constant, and the log partition, `(batch,)`.

    The highest score of a step is taken off and added up apart: else the scores of a long row grow so large that
    float32 no longer tells the tags from one another.
    """

    def step(state: Any, inputs: Any) -> Any:
        (scores, total), (potential, is_real) = state, inputs
        new = ops.logsumexp(scores[:, :, None] + potential, axis=1)
        highest = ops.max(new, axis=-1)
        new_state = (
            ops.where(is_real[:, None], new - highest[:, None], scores),
            ops.where(is_real, total + highest, total),
        )
        return new_state, state

    (last, total), (before, _) = scan(step, _start(chain), (chain, real))
    return before, total + ops.logsumexp(last, axis=-1)


def _backward(chain: Tensor, real: Tensor) -> Tensor:
    """Backward scores *after* each step, `(steps, batch, tags)`, up to a constant."""

    def step(state: Any, inputs: Any) -> Any:
        (scores,), (potential, is_real) = state, inputs
        new = ops.logsumexp(potential + scores[:, None, :], axis=2)
        new = new - ops.max(new, axis=-1, keepdims=True)
        return (ops.where(is_real[:, None], new, scores),), state

    _, (after,) = scan(step, (ops.zeros_like(_start(chain)[0]),), (chain, real), reverse=True)
    return after


def _start(chain: Tensor) -> tuple[Tensor, Tensor]:
    """Forward scores before the first step, a single state, that of row 0; and what was taken off them, nothing yet."""
    row = ops.where(ops.arange(chain.shape[-1]) == 0, 0.0, IMPOSSIBLE)
    scores = ops.broadcast_to(ops.cast(row, chain.dtype)[None], ops.shape(chain)[1:3])
    return scores, ops.zeros_like(scores[:, 0])


def _time_major(potentials: Tensor, mask: Tensor) -> tuple[Tensor, Tensor]:
    return ops.transpose(potentials, (1, 0, 2, 3)), ops.transpose(mask)


def _float(potentials: Tensor) -> Tensor:
    potentials = ops.convert_to_tensor(potentials)
    wide = keras.backend.standardize_dtype(potentials.dtype) == "float64"
    return potentials if wide else ops.cast(potentials, "float32")
