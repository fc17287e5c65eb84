"""Beam search: the most probable sequences of ids that a model gives, or nearly so."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

import keras
import numpy as np
from keras import ops

from keras_seq.core.checks import check_non_negative_number, check_positive_integer
from keras_seq.ops.decoding import States, Step, penalties_of

Tensor = Any


def beam_search(
    step: Step,
    start_ids: Tensor,
    states: States,
    *,
    beam_width: int,
    max_length: Any,
    stop_id: int | None = None,
    length_penalty: float = 0.0,
    banned_ids: Collection[int] = (),
) -> tuple[Tensor, Tensor]:
    """Search for the most probable sequences of ids.

    At each step every sequence of the beam is continued by every id, and the best `beam_width` of all that come out
    are kept. A sequence that has ended stays in the beam and competes by its score. One loop, without a step in Python
    once a graph is traced, as in `keras_seq.ops.decoding.sample_ids`. With a width of 1 it takes the most probable id
    at each step; as wide as there are sequences it finds the best of all.

    Args:
        step: `step(token_ids, states) -> (log_probs, states)`, as of `sample_ids`, on `batch * beam_width` rows.
        start_ids: int `(batch,)`, what the first step reads.
        states: before the first step, any nested structure of tensors `(batch, ...)`.
        beam_width: how many sequences are kept.
        max_length: the most ids of a sequence, a Python number or, on TensorFlow, a scalar tensor.
        stop_id: the id after which a sequence ends, or `None`. The loop stops once all of the beam have ended.
        length_penalty: 0 compares log-probabilities, which favours short sequences; with `a` above 0 they are divided
            by `((5 + length) / 6) ** a` first, the stop id counted.
        banned_ids: ids that are never taken.

    Returns:
        The ids, int32 `(batch, beam_width, max_length)`, the best sequence first, with the stop id and 0 after it; and
        the scores, float32 `(batch, beam_width)`: log-probabilities after the penalty; minus infinity where there are
        fewer sequences.

    Raises:
        TypeError: if an argument has a wrong type.
        ValueError: if an argument is out of range.

    Example:
        >>> import numpy as np
        >>> from keras import ops
        >>> from keras_seq.ops.beam_search import beam_search
        >>> after = np.log(np.array([[0.0001, 0.5, 0.4999], [0.3, 0.4, 0.3], [0.05, 0.05, 0.9]], "float32"))
        >>> step = lambda token_ids, states: (ops.take(after, token_ids, axis=0), states)
        >>> ids, scores = beam_search(step, [0], (), beam_width=2, max_length=2)
        >>> ids.numpy().tolist(), np.exp(scores).astype(float).round(2).tolist()
        ([[[2, 2], [1, 1]]], [[0.45, 0.2]])

    Reference:
        Graves, "Sequence Transduction with Recurrent Neural Networks", 2012; Wu et al., "Google's Neural Machine
        Translation System", 2016 (the penalty).
    """
    check_positive_integer("beam_width", beam_width)
    check_non_negative_number("length_penalty", length_penalty)
    if not ops.is_tensor(max_length):
        check_positive_integer("max_length", max_length)
    start_ids = ops.cast(ops.convert_to_tensor(start_ids), "int32")
    num_rows = ops.shape(start_ids)[0]
    rows = ops.expand_dims(ops.arange(0, num_rows, dtype="int32"), -1)

    # Without rows there is no place to write to.
    steps = ops.where(num_rows > 0, max_length, 0)

    def goes_on(time: Tensor, *beam: Any) -> Tensor:
        in_time, ended = time < steps, beam[4]
        return in_time if stop_id is None else ops.logical_and(in_time, ops.logical_not(ops.all(ended)))

    def body(time: Tensor, *beam: Any) -> tuple:
        token_ids, found, log_probs, lengths, ended, states = beam
        of_next, states = step(token_ids, states)
        of_next = ops.cast(of_next, "float32")
        size = of_next.shape[-1]
        penalties = penalties_of(banned_ids, size)
        if penalties is not None:
            of_next = of_next + penalties
        if stop_id is not None:
            # What has ended goes on as it is: with padding.
            padding = np.where(np.arange(size) == 0, 0.0, -np.inf).astype("float32")
            of_next = ops.where(ops.expand_dims(ended, -1), padding, of_next)
        sums = ops.expand_dims(log_probs, -1) + of_next
        lengths = lengths + ops.cast(ops.logical_not(ended), "int32")
        scores = penalized(sums, ops.expand_dims(lengths, -1), length_penalty)
        _, places = ops.top_k(ops.reshape(scores, (-1, beam_width * size)), beam_width)
        places = ops.reshape(rows * (beam_width * size) + ops.cast(places, "int32"), (-1,))
        parents, token_ids = places // size, places % size

        found = ops.take(found, parents, axis=1)
        found = ops.scatter_update(found, ops.reshape(time, (1, 1)), ops.expand_dims(token_ids, 0))
        log_probs = ops.take(ops.reshape(sums, (-1,)), places)
        lengths, ended = ops.take(lengths, parents), ops.take(ended, parents)
        if stop_id is not None:
            ended = ops.logical_or(ended, ops.equal(token_ids, stop_id))
        states = keras.tree.map_structure(lambda state: ops.take(state, parents, axis=0), states)
        return time + 1, token_ids, found, log_probs, lengths, ended, states

    # The sequences of a row stand below each other. They begin alike: all but one have no chance.
    in_beam = ops.tile(ops.arange(0, beam_width, dtype="int32"), (num_rows,))
    lengths = ops.zeros_like(in_beam)
    beam = (
        ops.repeat(start_ids, beam_width, axis=0),
        ops.zeros((max_length, num_rows * beam_width), "int32"),
        ops.where(in_beam > 0, float("-inf"), ops.cast(lengths, "float32")),
        lengths,
        ops.cast(lengths, "bool"),
        keras.tree.map_structure(lambda state: ops.repeat(state, beam_width, axis=0), states),
    )
    _, _, found, log_probs, lengths, _, _ = ops.while_loop(goes_on, body, (ops.convert_to_tensor(0, "int32"), *beam))
    ids = ops.reshape(ops.transpose(found), (num_rows, beam_width, max_length))
    return ids, ops.reshape(penalized(log_probs, lengths, length_penalty), (num_rows, beam_width))


def penalized(log_probs: Tensor, lengths: Tensor, length_penalty: float) -> Tensor:
    """Log-probabilities that can be compared between sequences of different lengths."""
    if not length_penalty:
        return log_probs
    return log_probs / ((5.0 + ops.cast(lengths, "float32")) / 6.0) ** length_penalty
