"""Generation: drawing one id after another from a model that gives the log-probabilities of the next."""

from __future__ import annotations

from collections.abc import Callable, Collection
from typing import Any

import keras
import numpy as np
from keras import ops

from keras_seq.core.checks import check_non_negative_integer, check_positive_integer, check_share
from keras_seq.ops.random_numbers import uniform_numbers
from keras_seq.ops.row_options import check_each, check_temperature, known_or_tensor, longest_of

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
    sample: Any = None,
    stop_id: int | None = None,
    banned_ids: Collection[int] = (),
    first_log_probs: Tensor | None = None,
) -> tuple[Tensor, Tensor]:
    """Draw ids one after another, each from what the model expects after those before it.

    One loop, without a step in Python once a graph is traced: call it inside a compiled function (`tf.function`,
    `jax.jit`, an exported signature), where the numbers may be tensors.

    Each option is one number for all rows, or `(batch,)`, one a row: a row obeys its own, as if it were alone.

    A row takes one random number per step, a function of its seed, its sample and the step: the same seed gives the
    same ids in every process and on both backends (but where rounding decides, about once in a million draws), and a
    row does not depend on the others. The number is looked up in the cumulative distribution.

    First the temperature acts, then `top_k`, then `top_p` on what is left. Ids of the probability of the last one that
    is kept are kept as well.

    Args:
        step: `step(token_ids, states) -> (log_probs, states)`: token_ids int32 `(batch,)`, log_probs of the next id
            `(batch, vocabulary)`. It is traced as the body of a loop: states keep shapes and dtypes.
        start_ids: int `(batch,)`, what the first step reads; `None` with `first_log_probs`.
        states: before the first step, any nested structure of tensors `(batch, ...)`.
        max_length: the most ids to draw. On JAX no tensor: the greatest is a shape.
        temperature: the log-probabilities are divided by it; below 1 the likely becomes likelier.
        top_k: how many of the most probable ids may be drawn; 0: all. 1 takes the most probable, whatever the seed.
        top_p: the least share of the probability that the ids which may be drawn have together; 1: all.
        seed: integer of at least 0.
        sample: which of the draws of its seed a row takes, integers of at least 0, `(batch,)`; `None`: its place.
        stop_id: the id after which a row ends, or `None`. The loop stops once all rows have ended.
        banned_ids: ids that are never drawn.
        first_log_probs: `(batch, vocabulary)` of the first id, where a model has read the prefix as a whole: the states
            are then those after the prefix.

    Returns:
        The ids, int32 `(batch, max_length)`, as many as the greatest `max_length`, with the stop id and 0 after it or
        after the last one of a row that ends sooner; and for each row the sum of the
        log-probabilities of its ids, float32 `(batch,)`, as the model gave them: before temperature, top_k and top_p.

    Raises:
        TypeError: if an option has a wrong type.
        ValueError: if an option is out of range, or nothing is left to draw. Tensors are not checked.

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
    check_sampling(max_length, temperature, top_k, top_p, seed, sample)
    _check_start(start_ids, first_log_probs)
    first = ops.convert_to_tensor(start_ids if first_log_probs is None else first_log_probs)
    num_rows = ops.shape(first)[0]
    rows = ops.arange(0, num_rows, dtype="int32")
    max_length, longest = known_or_tensor(max_length, "int32"), longest_of(max_length)
    top_k = known_or_tensor(top_k, "int32")
    # The most probable id: nothing else has a chance, and a number of 0 takes the first of equally probable ids.
    uniforms = ops.where(top_k == 1, 0.0, uniform_numbers(seed, rows if sample is None else sample, longest))
    probabilities = _probabilities(temperature, top_k, known_or_tensor(top_p, "float32"), banned_ids)

    def draw(time: Tensor, log_probs: Tensor, log_prob: Tensor, ended: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        log_probs = ops.cast(log_probs, "float32")
        token_ids = choose(probabilities(log_probs), uniforms[time])
        of_ids = ops.take(ops.reshape(log_probs, (-1,)), rows * log_probs.shape[-1] + token_ids)
        token_ids = ops.where(ended, 0, token_ids)
        log_prob = log_prob + ops.where(ended, 0.0, of_ids)
        ended = ops.logical_or(ended, time + 1 >= max_length)
        if stop_id is not None:
            ended = ops.logical_or(ended, ops.equal(token_ids, stop_id))
        return token_ids, log_prob, ended

    time = ops.convert_to_tensor(0, "int32")
    drawn = ops.zeros((longest, num_rows), "int32")
    so_far: Any = ops.zeros((num_rows,), "float32"), ops.zeros((num_rows,), "bool")
    if first_log_probs is None:
        token_ids = ops.cast(first, "int32")
    else:
        token_ids, *so_far = draw(time, first, *so_far)
        drawn = ops.concatenate([ops.expand_dims(token_ids, 0), drawn[1:]])
        time = time + 1
    # Without rows there is no place to write to.
    steps = ops.where(num_rows > 0, longest, 0)

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


def _probabilities(temperature: Any, top_k: Any, top_p: Any, banned_ids: Collection[int]) -> Callable[[Tensor], Tensor]:
    """The function from the log-probabilities of a model to the probabilities by which ids are drawn."""
    inverse = ops.minimum(1.0 / ops.reshape(ops.cast(temperature, "float32"), (-1, 1)), NO_CHANCE)
    inverse = ops.where(ops.reshape(top_k == 1, (-1, 1)), NO_CHANCE, inverse)
    filters = (top_k > 1) | (top_p < 1)
    some_filter = ops.any(filters) if ops.is_tensor(filters) else bool(np.any(filters))

    def probabilities(log_probs: Tensor) -> Tensor:
        size = log_probs.shape[-1]
        _check_top_k(top_k, size)
        penalties = penalties_of(banned_ids, size)
        scores = log_probs if penalties is None else log_probs + penalties
        scores = (scores - ops.max(scores, axis=-1, keepdims=True)) * inverse
        # Sorting takes longer than all else here.
        return ops.cond(some_filter, lambda: keep_most_probable(scores, top_k, top_p), lambda: ops.exp(scores))

    return probabilities


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
        top_k, top_p: as in `sample_ids`, arrays or tensors.

    Returns:
        As `scores`; the highest of a row is 1.
    """
    size = scores.shape[-1]
    is_known = not ops.is_tensor(top_k)
    library = np if is_known else ops
    top_k, top_p = library.reshape(top_k, (-1, 1)), ops.reshape(top_p, (-1, 1))
    counts = library.where(top_k > 0, library.minimum(top_k, size), size)
    # TensorFlow alone sorts out as many as a tensor says.
    width = longest_of(counts) if is_known or keras.backend.backend() == "tensorflow" else size
    best = ops.top_k(scores, width)[0]
    kept = ops.arange(0, width, dtype="int32") < counts
    probs = ops.where(kept, ops.exp(best), 0.0)
    cumulative = ops.cumsum(probs, axis=-1)
    reached = cumulative - probs >= top_p * cumulative[:, -1:]
    kept = ops.logical_and(kept, ops.logical_or(ops.logical_not(reached), top_p >= 1))
    lowest = ops.min(ops.where(kept, best, 0.0), axis=-1, keepdims=True, initial=0.0)
    return ops.where(scores >= lowest, ops.exp(scores), 0.0)


def _check_start(start_ids: Any, first_log_probs: Any) -> None:
    if start_ids is None and first_log_probs is None:
        raise ValueError(
            "`start_ids` must be given without `first_log_probs`. Received: start_ids=None. "
            "Pass what the first step reads, int (batch,)."
        )


def _check_top_k(top_k: Any, size: int) -> None:
    if not ops.is_tensor(top_k) and np.max(top_k, initial=0) > size:
        raise ValueError(
            f"`top_k` must not be above the size of the vocabulary, {size}. Received: top_k={top_k.tolist()!r}. "
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


def check_sampling(max_length: Any, temperature: Any, top_k: Any, top_p: Any, seed: Any, sample: Any = None) -> None:
    """Raise unless the options of `sample_ids` are in range. Tensors are not checked."""
    check_each("max_length", max_length, check_positive_integer)
    check_each("temperature", temperature, _check_temperature)
    check_each("top_k", top_k, check_non_negative_integer)
    check_each("top_p", top_p, check_share)
    check_each("seed", seed, lambda name, value: check_non_negative_integer(name, value, MAX_SEED))
    if sample is not None:
        check_each("sample", sample, lambda name, value: check_non_negative_integer(name, value, MAX_SEED))


def _check_temperature(name: str, value: Any) -> None:
    try:
        check_temperature(name, value)
    except ValueError as error:
        raise ValueError(f"{error} For the most probable ids set top_k=1.") from None
