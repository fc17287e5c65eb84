"""The n-grams of id sequences: numbered, counted and found again, all at once."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

UNSEEN = -1
# Where the counts tell nothing about how much to take away from each.
DEFAULT_DISCOUNT = 0.5


@dataclass(frozen=True)
class NgramTable:
    """The distinct n-grams of one length.

    An n-gram has a number: its place in `keys`, which are sorted. Its key is made of the number of what it begins with
    (all but the last id) and of the last id, so that no two n-grams share one, and those of one context stand together.

    Args:
        keys: int64 `(ngrams,)`: `number of the context * num_ids + last id`.
        counts: int64 `(ngrams,)`: how often each was predicted; 0 where it only stands in the history of others.
        suffixes: int32 `(ngrams,)`: the number of what remains without the first id, among the n-grams that are one
            shorter.
    """

    keys: np.ndarray
    counts: np.ndarray
    suffixes: np.ndarray


def with_history(sequences: Iterable[Any], history: Any) -> tuple[np.ndarray, np.ndarray]:
    """All sequences in one array, each after the same history.

    Args:
        sequences: arrays of ids.
        history: the ids that stand before each of them.

    Returns:
        int64 `(ids,)`, and of the same shape the place of each id in its sequence: negative in the history.

    Example:
        >>> ids, places = with_history([[5, 6], [7]], history=[2, 2])
        >>> ids.tolist(), places.tolist()
        ([2, 2, 5, 6, 2, 2, 7], [-2, -1, 0, 1, -2, -1, 0])
    """
    before = np.asarray(history, "int64").reshape(-1)
    arrays = [np.asarray(sequence, "int64").reshape(-1) for sequence in sequences]
    lengths = np.array([len(array) for array in arrays], "int64") + len(before)
    if not arrays:
        return np.zeros(0, "int64"), np.zeros(0, "int64")
    ids = np.concatenate([part for array in arrays for part in (before, array)])
    begins = np.cumsum(lengths) - lengths
    return ids, np.arange(len(ids)) - np.repeat(begins, lengths) - len(before)


def count_ngrams(ids: np.ndarray, places: np.ndarray, order: int, num_ids: int) -> list[NgramTable]:
    """Number and count the n-grams of 1 to `order` ids.

    Args:
        ids: `(ids,)`, from 0 to `num_ids - 1`, as `with_history` gives them with a history of `order - 1` ids.
        places: `(ids,)`: the place of each id in its sequence, negative in the history.
        order: the longest n-grams.
        num_ids: how many ids there are.

    Returns:
        A table for each length. No n-gram reaches from one sequence into the next. Those that end in the history are
        there, for they are contexts, with a count of 0.
    """
    tables = []
    shorter = np.zeros(len(ids) + 1, "int64")
    for length in range(1, order + 1):
        # The history is `order - 1` long: here all `length` ids are of one sequence or its history.
        ends = np.flatnonzero(places >= length - order)
        contexts = shorter[ends] if length > 1 else 0
        keys, first, numbers = np.unique(contexts * num_ids + ids[ends], return_index=True, return_inverse=True)
        counts = np.bincount(numbers[places[ends] >= 0], minlength=len(keys))
        suffixes = shorter[ends[first] + 1] if length > 1 else np.zeros(len(keys))
        tables.append(NgramTable(keys, counts, suffixes.astype("int32")))
        # Moved by one: the context of an id ends where the id before it does.
        shorter = np.full(len(ids) + 1, UNSEEN)
        shorter[ends + 1] = numbers
    return tables


def find_ngrams(ids: np.ndarray, begins: np.ndarray, keys: Sequence[np.ndarray], num_ids: int) -> list[np.ndarray]:
    """The numbers of the n-grams that end at each id.

    Args:
        ids: `(ids,)`, those of all sequences.
        begins: bool `(ids,)`: whether an id is the first of a sequence, or of the history before it.
        keys: those of the table of each length, the shortest first.
        num_ids: how many ids there are.

    Returns:
        For each length int64 `(ids,)`: the number, -1 where the table has no such n-gram or it would begin too early.
    """
    found = []
    contexts = np.zeros(len(ids), "int64")
    for table in keys:
        wanted = np.where(contexts == UNSEEN, UNSEEN, contexts * num_ids + ids)
        numbers = np.searchsorted(table, wanted)
        known = numbers < len(table)
        known[known] = table[numbers[known]] == wanted[known]
        found.append(np.where(known, numbers, UNSEEN))
        contexts = shifted(found[-1], begins)
    return found


def shifted(numbers: np.ndarray, begins: np.ndarray) -> np.ndarray:
    """From n-grams that end at an id to those that end before it; none does before the first of a sequence."""
    return np.where(begins, UNSEEN, np.roll(numbers, 1))


def discounts(counts: np.ndarray) -> tuple[float, float, float]:
    """What is taken away from counts of 1, of 2, and of 3 or more.

    Args:
        counts: the counts of all n-grams of one order.

    Returns:
        Three numbers, the first above 0 and at most 1, the second at most 2, the third at most 3; three times the same
        where the counts do not tell more.

    Example:
        >>> one, two, more = discounts(np.array([1, 1, 1, 2, 2, 3, 4]))
        >>> round(one, 3), round(two, 3), round(more, 3)
        (0.429, 1.357, 1.286)
        >>> discounts(np.array([1, 1, 2, 7]))
        (0.5, 0.5, 0.5)

    Reference: Chen and Goodman (1999), equations 17 and 26.
    """
    n1, n2, n3, n4 = np.bincount(np.minimum(counts, 5), minlength=6)[1:5].tolist()
    if not n1 or not n2:
        return (DEFAULT_DISCOUNT,) * 3
    single = n1 / (n1 + 2 * n2)
    if not n3 or not n4:
        return (single,) * 3
    found = (1 - 2 * single * n2 / n1, 2 - 3 * single * n3 / n2, 3 - 4 * single * n4 / n3)
    fits = all(0 < discount <= count for count, discount in enumerate(found, start=1))
    return found if fits else (single,) * 3
