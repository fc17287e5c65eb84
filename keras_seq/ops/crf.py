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

from keras_seq.ops.recurrence import scan

Tensor = Any

# The logarithm of a probability that counts as zero; finite, so that sums of it stay numbers.
IMPOSSIBLE = -1e9


def crf_log_partition(potentials: Tensor, mask: Tensor) -> Tensor:
    """The logarithm of the summed exponentials of the scores of all paths, `(batch,)`; 0 for a row without a real step.

    Its gradient is the pairwise marginal probability, which forward-backward gives directly.
    """
    mask = ops.cast(mask, "bool")

    @ops.custom_gradient
    def run(potentials: Tensor) -> Any:
        chain, real = _time_major(potentials, mask)
        before, log_partition = _forward(chain, real)

        def gradient(*arguments: Any, upstream: Any = None) -> Tensor:
            if upstream is None:
                (upstream,) = arguments
            after = _backward(chain, real)
            pairwise = ops.exp(before[..., None] + chain + after[:, :, None, :] - log_partition[None, :, None, None])
            pairwise = ops.where(real[:, :, None, None], pairwise, 0.0)
            pairwise = ops.transpose(pairwise * upstream[None, :, None, None], (1, 0, 2, 3))
            return ops.cast(pairwise, potentials.dtype)

        return log_partition, gradient

    return run(_float(potentials))


def crf_score(potentials: Tensor, tag_ids: Tensor, mask: Tensor) -> Tensor:
    """The score of the given path, `(batch,)`; `tag_ids` `(batch, steps)` integer, whatever stands at masked steps."""
    potentials = _float(potentials)
    mask = ops.cast(mask, "bool")
    tags = potentials.shape[-1]
    tag_ids = ops.where(mask, ops.cast(tag_ids, "int32"), 0)

    def step(state: Any, inputs: Any) -> Any:
        tag, real = inputs
        return (ops.where(real, tag, state[0]),), state

    start = ops.zeros_like(tag_ids[:, 0])
    _, (previous,) = scan(step, (start,), (ops.transpose(tag_ids), ops.transpose(mask)))
    chosen = ops.transpose(previous) * tags + tag_ids
    path = ops.one_hot(chosen, tags * tags, dtype=potentials.dtype)
    path = path * ops.cast(mask, potentials.dtype)[..., None]
    flat = ops.reshape(potentials, (-1, ops.shape(mask)[1], tags * tags))
    return ops.sum(path * flat, axis=(1, 2))


def crf_viterbi(potentials: Tensor, mask: Tensor) -> tuple[Tensor, Tensor]:
    """The best path and its score.

    Returns:
        `(batch, steps)` int32, 0 at masked steps, and `(batch,)`.
    """
    chain, real = _time_major(_float(potentials), ops.cast(mask, "bool"))
    tags = chain.shape[-1]
    identity = ops.broadcast_to(ops.arange(tags, dtype="int32")[None], ops.shape(chain)[1:3])

    def forward(carry: Any, inputs: Any) -> Any:
        scores, _ = carry
        potential, is_real = inputs
        candidates = scores[:, :, None] + potential
        pointers = ops.cast(ops.argmax(candidates, axis=1), "int32")
        state = (
            ops.where(is_real[:, None], ops.max(candidates, axis=1), scores),
            ops.where(is_real[:, None], pointers, identity),
        )
        return state, state

    (scores, _), (_, pointers) = scan(forward, (_start(chain), identity), (chain, real))

    def backward(state: Any, inputs: Any) -> Any:
        (tag,), (pointer,) = state, inputs
        return (ops.squeeze(ops.take_along_axis(pointer, tag[:, None], axis=1), 1),), state

    best = ops.cast(ops.argmax(scores, axis=-1), "int32")
    _, (path,) = scan(backward, (best,), (pointers,), reverse=True)
    return ops.where(mask, ops.transpose(path), 0), ops.max(scores, axis=-1)


def crf_marginals(potentials: Tensor, mask: Tensor) -> Tensor:
    """The probability of every tag at every step given the whole row, `(batch, steps, tags)`; 0 at masked steps."""
    mask = ops.cast(mask, "bool")
    chain, real = _time_major(_float(potentials), mask)
    before, log_partition = _forward(chain, real)
    here = ops.logsumexp(before[..., None] + chain, axis=2)
    marginals = ops.exp(here + _backward(chain, real) - log_partition[None, :, None])
    return ops.where(mask[..., None], ops.transpose(marginals, (1, 0, 2)), 0.0)


def _forward(chain: Tensor, real: Tensor) -> tuple[Tensor, Tensor]:
    """Forward scores *before* each step, `(steps, batch, tags)`, and the log partition, `(batch,)`."""

    def step(state: Any, inputs: Any) -> Any:
        (scores,), (potential, is_real) = state, inputs
        new = ops.logsumexp(scores[:, :, None] + potential, axis=1)
        return (ops.where(is_real[:, None], new, scores),), state

    (last,), (before,) = scan(step, (_start(chain),), (chain, real))
    return before, ops.logsumexp(last, axis=-1)


def _backward(chain: Tensor, real: Tensor) -> Tensor:
    """Backward scores *after* each step, `(steps, batch, tags)`."""

    def step(state: Any, inputs: Any) -> Any:
        (scores,), (potential, is_real) = state, inputs
        new = ops.logsumexp(potential + scores[:, None, :], axis=2)
        return (ops.where(is_real[:, None], new, scores),), state

    _, (after,) = scan(step, (ops.zeros_like(chain[0, :, 0]),), (chain, real), reverse=True)
    return after


def _start(chain: Tensor) -> Tensor:
    """Forward scores before the first step: a single state, that of row 0."""
    row = ops.where(ops.arange(chain.shape[-1]) == 0, 0.0, IMPOSSIBLE)
    return ops.zeros_like(chain[0, :, 0]) + ops.cast(row, chain.dtype)


def _time_major(potentials: Tensor, mask: Tensor) -> tuple[Tensor, Tensor]:
    return ops.transpose(potentials, (1, 0, 2, 3)), ops.transpose(mask)


def _float(potentials: Tensor) -> Tensor:
    potentials = ops.convert_to_tensor(potentials)
    wide = keras.backend.standardize_dtype(potentials.dtype) == "float64"
    return potentials if wide else ops.cast(potentials, "float32")
