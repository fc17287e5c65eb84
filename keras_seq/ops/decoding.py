"""Generation: drawing one id after another from a model that gives the log-probabilities of the next."""

from __future__ import annotations

import numbers
from collections.abc import Callable, Collection
from typing import Any

import keras
import numpy as np
from keras import ops

from keras_seq.core.checks import check_non_negative_integer, check_positive_integer, check_positive_number, check_share
from keras_seq.ops.random_numbers import uniform_numbers

Tensor = Any
# What a model remembers: any nested structure of tensors whose first axis is the batch.
States = Any
# `step(token_ids (batch,), states) -> (log_probs (batch, vocabulary), states)`.
Step = Callable[[Tensor, States], tuple[Tensor, States]]

# As inverse temperature it leaves probability to the best id alone.
NO_CHANCE = 1e30
MAX_SEED = 2**31 - 1


def sample_ids(
    step: Step,
    start_ids: Tensor,
    states: States,
    *,
    max_length: Any,
    temperature: Any = 1.0,
    top_k: Any = 0,
    top_p: Any = 1.0,
    seed: Any = 0,
    stop_id: int | None = None,
    banned_ids: Collection[int] = (),
    first_log_probs: Tensor | None = None,
) -> tuple[Tensor, Tensor]:
    """Draw ids one after another, each from what the model expects after those before it.

    One loop, without a step in Python once a graph is traced: call it inside a compiled function (`tf.function`,
    `jax.jit`, an exported signature), where the numbers may be scalar tensors. On JAX `max_length` is a Python number.

    A row takes one random number per step, a function of seed, row and step: the same seed gives the same ids in every
    process and on both backends (but where rounding decides, about once in a million draws), and a row does not depend
    on how many others there are. The number is looked up in the cumulative distribution.

    First the temperature acts, then `top_k`, then `top_p` on what is left. Ids of the probability of the last one that
    is kept are kept as well.

    Args:
        step: `step(token_ids, states) -> (log_probs, states)`: token_ids int32 `(batch,)`, log_probs of the next id
            `(batch, vocabulary)`. It is traced as the body of a loop: states keep shapes and dtypes.
        start_ids: int `(batch,)`, what the first step reads; `None` with `first_log_probs`.
        states: before the first step, any nested structure of tensors `(batch, ...)`.
        max_length: the most ids to draw.
        temperature: the log-probabilities are divided by it; below 1 the likely becomes likelier.
        top_k: how many of the most probable ids may be drawn; 0: all. 1 takes the most probable, whatever the seed.
        top_p: the least share of the probability that the ids which may be drawn have together; 1: all.
        seed: integer of at least 0.
        stop_id: the id after which a row ends, or `None`. The loop stops once all rows have ended.
        banned_ids: ids that are never drawn.
        first_log_probs: `(batch, vocabulary)` of the first id, where a model has read the prefix as a whole: the states
            are then those after the prefix.

    Returns:
        The ids, int32 `(batch, max_length)`, with the stop id and 0 after it; and for each row the sum of the
        log-probabilities of its ids, float32 `(batch,)`, as the model gave them: before temperature, top_k and top_p.

    Raises:
        TypeError: if a Python number has a wrong type.
        ValueError: if a Python number is out of range, or nothing is left to draw. Tensors are not checked.

    Example:
        >>> import numpy as np
        >>> from keras import ops
        >>> from keras_seq.ops.decoding import sample_ids
        >>> after = np.log(np.array([[0.1, 0.6, 0.3], [0.1, 0.1, 0.8], [0.8, 0.1, 0.1]], "float32"))
        >>> step = lambda token_ids, states: (ops.take(after, token_ids, axis=0), states)
        >>> ids, log_prob = sample_ids(step, [0, 1], (), max_length=4, top_k=1)
        >>> ids.numpy().tolist(), np.exp(log_prob).astype(float).round(3).tolist()
        ([[1, 2, 0, 1], [2, 0, 1, 2]], [0.23, 0.307])

    Reference:
        Fan, Lewis and Dauphin, "Hierarchical Neural Story Generation", ACL 2018 (top k);
        Holtzman et al., "The Curious Case of Neural Text Degeneration", ICLR 2020 (top p).
    """
    check_sampling(max_length, temperature, top_k, top_p, seed)
    if start_ids is None and first_log_probs is None:
        raise ValueError(
            "`start_ids` must be given without `first_log_probs`. Received: start_ids=None. "
            "Pass what the first step reads, int (batch,)."
        )
    first = ops.convert_to_tensor(start_ids if first_log_probs is None else first_log_probs)
    num_rows = ops.shape(first)[0]
    rows = ops.arange(0, num_rows, dtype="int32")
    # The most probable id: nothing else has a chance, and a number of 0 takes the first of equally probable ids.
    greedy = top_k == 1
    uniforms = ops.where(greedy, 0.0, uniform_numbers(seed, max_length, num_rows))
    inverse_temperature = ops.where(greedy, NO_CHANCE, 1.0 / ops.cast(temperature, "float32"))
    filtered = (top_k > 1) | (top_p < 1)

    def draw(time: Tensor, log_probs: Tensor, log_prob: Tensor, ended: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        log_probs = ops.cast(log_probs, "float32")
        size = log_probs.shape[-1]
        _check_top_k(top_k, size)
        penalties = penalties_of(banned_ids, size)
        scores = log_probs if penalties is None else log_probs + penalties
        scores = (scores - ops.max(scores, axis=-1, keepdims=True)) * inverse_temperature
        # Sorting takes longer than all else here.
        probs = ops.cond(filtered, lambda: keep_most_probable(scores, top_k, top_p), lambda: ops.exp(scores))
        token_ids = choose(probs, uniforms[time])
        of_ids = ops.take(ops.reshape(log_probs, (-1,)), rows * size + token_ids)
        if stop_id is not None:
            token_ids = ops.where(ended, 0, token_ids)
            of_ids = ops.where(ended, 0.0, of_ids)
            ended = ops.logical_or(ended, ops.equal(token_ids, stop_id))
        return token_ids, log_prob + of_ids, ended

    time = ops.convert_to_tensor(0, "int32")
    drawn = ops.zeros((max_length, num_rows), "int32")
    so_far: Any = ops.zeros((num_rows,), "float32"), ops.zeros((num_rows,), "bool")
    if first_log_probs is None:
        token_ids = ops.cast(first, "int32")
    else:
        token_ids, *so_far = draw(time, first, *so_far)
        drawn = ops.concatenate([ops.expand_dims(token_ids, 0), drawn[1:]])
        time = time + 1
    # Without rows there is no place to write to.
    steps = ops.where(num_rows > 0, max_length, 0)

    def goes_on(time: Tensor, token_ids: Tensor, drawn: Tensor, log_prob: Tensor, ended: Tensor, states: States) -> Any:
        in_time = time < steps
        return in_time if stop_id is None else ops.logical_and(in_time, ops.logical_not(ops.all(ended)))

    def body(time: Tensor, token_ids: Tensor, drawn: Tensor, log_prob: Tensor, ended: Tensor, states: States) -> tuple:
        log_probs, states = step(token_ids, states)
        token_ids, log_prob, ended = draw(time, log_probs, log_prob, ended)
        drawn = ops.scatter_update(drawn, ops.reshape(time, (1, 1)), ops.expand_dims(token_ids, 0))
        return time + 1, token_ids, drawn, log_prob, ended, states

    _, _, drawn, log_prob, _, _ = ops.while_loop(goes_on, body, (time, token_ids, drawn, *so_far, states))
    return ops.transpose(drawn), log_prob


def choose(probs: Tensor, uniforms: Tensor) -> Tensor:
    """One id a row: the first whose cumulative probability is above a number in [0, 1).

    Args:
        probs: float32 `(batch, vocabulary)`, which need not sum to 1.
        uniforms: float32 `(batch,)`.

    Returns:
        int32 `(batch,)`.
    """
    # What has no probability is never found, however the sums are rounded.
    cumulative = ops.where(probs > 0, ops.cumsum(probs, axis=-1), 0.0)
    target = uniforms * ops.max(cumulative, axis=-1)
    return ops.argmax(cumulative > ops.expand_dims(target, -1), axis=-1)


def keep_most_probable(scores: Tensor, top_k: Any, top_p: Any) -> Tensor:
    """The probabilities of the ids that may be drawn, 0 elsewhere.

    Args:
        scores: `(batch, vocabulary)`, logarithms of probabilities, those of the highest one of each row taken off.
        top_k, top_p: as in `sample_ids`.

    Returns:
        As `scores`; the highest of a row is 1.
    """
    size = scores.shape[-1]
    width = (top_k or size) if _is_number(top_k) else ops.where(top_k > 0, ops.minimum(top_k, size), size)
    # TensorFlow alone sorts out as many as a tensor says.
    exact = _is_number(width) or keras.backend.backend() == "tensorflow"
    best = ops.top_k(scores, width if exact else size)[0]
    kept = ops.ones_like(best, "bool") if exact else ops.arange(0, size, dtype="int32") < width
    if not (_is_number(top_p) and top_p >= 1):
        probs = ops.where(kept, ops.exp(best), 0.0)
        cumulative = ops.cumsum(probs, axis=-1)
        reached = cumulative - probs >= top_p * cumulative[:, -1:]
        kept = ops.logical_and(kept, ops.logical_or(ops.logical_not(reached), top_p >= 1))
    lowest = ops.min(ops.where(kept, best, 0.0), axis=-1, keepdims=True)
    return ops.where(scores >= lowest, ops.exp(scores), 0.0)


def _check_top_k(top_k: Any, size: int) -> None:
    if _is_number(top_k) and top_k > size:
        raise ValueError(
            f"`top_k` must not be above the size of the vocabulary, {size}. Received: top_k={top_k!r}. "
            "Pass 0 to draw from all ids."
        )


def penalties_of(banned_ids: Collection[int], size: int) -> np.ndarray | None:
    """What is added to log-probabilities: minus infinity at ids that are never drawn, else 0."""
    if not banned_ids:
        return None
    penalties = np.zeros(size, "float32")
    penalties[[token_id for token_id in banned_ids if 0 <= token_id < size]] = -np.inf
    if np.isinf(penalties).all():
        raise ValueError(
            f"`banned_ids` must leave an id to draw. Received: all {size} ids of the vocabulary. Ban fewer."
        )
    return penalties


def check_sampling(max_length: Any, temperature: Any, top_k: Any, top_p: Any, seed: Any) -> None:
    """Raise unless those arguments that are Python numbers are in range."""
    for value, check in (
        (max_length, lambda: check_positive_integer("max_length", max_length)),
        (top_k, lambda: check_non_negative_integer("top_k", top_k)),
        (top_p, lambda: check_share("top_p", top_p)),
        (seed, lambda: check_non_negative_integer("seed", seed)),
    ):
        if not ops.is_tensor(value):
            check()
    if not ops.is_tensor(seed) and seed > MAX_SEED:
        raise ValueError(f"`seed` must be at most {MAX_SEED}. Received: seed={seed!r}. Pass a smaller one.")
    if not ops.is_tensor(temperature):
        try:
            check_positive_number("temperature", temperature)
        except ValueError as error:
            raise ValueError(f"{error} For the most probable ids set top_k=1.") from None


def _is_number(value: Any) -> bool:
    return isinstance(value, numbers.Real)
