"""Batches in which no two examples are of one group: what a loss that takes its negatives from the batch needs."""

import unicodedata
from collections.abc import Sequence

import numpy as np

from keras_seq.core.checks import check_boolean, check_non_negative_integer, check_positive_integer
from keras_seq.data.batching import EMPTY_ROW, Batch, complete_boundaries

# The mean batch has at least this share of the rows of the fullest one that the groups allow.
LEAST_SHARE = 0.5


class DistinctBatches:
    """Sorts examples into batches of similar length with no two examples of one group in any.

    A loss that takes every other pair of the batch for a negative is wrong about pairs that are the same: they must not
    meet. Groups are classes, or what `groups_of_pairs` gives.

    All batches have as many rows as the fullest, and none has more than one empty row. Their number is the same in all
    epochs: as many as the size of a batch asks for, or the largest group. Every example is in every epoch once. The
    exception are groups so large that most batches would have little but them: then fewer batches are made, and of the
    groups that have more members than fit, each epoch draws others.

    The order is a pure function of `(seed, epoch)`, as that of `BucketedBatches`.

    Args:
        lengths: Number of steps of each example; 0 counts as 1.
        groups: The group of each example, any integers.
        batch_size: The most rows in a batch.
        bucket_boundaries: The numbers of steps that a batch may have, as for `BucketedBatches`. A short example may
            stand in a longer batch, where its own has one of its group.
        seed: Decides all orders.
        shuffle: Whether examples and batches come in a random order. If not, batches of short examples come
            first.

    Raises:
        ValueError, TypeError: if an argument is of the wrong kind, or there is not one group for each length.

    Example:

    >>> batches = DistinctBatches([3, 4, 5, 20], [7, 7, 8, 9], batch_size=2, shuffle=False)
    >>> [(batch.indices.tolist(), batch.steps) for batch in batches.epoch(0)]
    [([1, 2], 8), ([3, 0], 24)]
    """

    def __init__(
        self,
        lengths: Sequence[int] | np.ndarray,
        groups: Sequence[int] | np.ndarray,
        *,
        batch_size: int,
        bucket_boundaries: Sequence[int] | None = None,
        seed: int = 0,
        shuffle: bool = True,
    ):
        check_positive_integer("batch_size", batch_size)
        check_non_negative_integer("seed", seed)
        check_boolean("shuffle", shuffle)
        self.lengths = np.maximum(np.asarray(lengths, dtype="int64").reshape(-1), 1)
        self.groups = _checked_groups(groups, len(self.lengths))
        self.batch_size = batch_size
        self.bucket_boundaries = bucket_boundaries
        self.seed = seed
        self.shuffle = shuffle
        self._boundaries = complete_boundaries(bucket_boundaries, int(self.lengths.max(initial=1)))
        self._bucket_of = np.searchsorted(self._boundaries, self.lengths)
        _, self._group_of, sizes = np.unique(self.groups, return_inverse=True, return_counts=True)
        self._num_batches = _num_batches(sizes, batch_size)
        self._num_drawn = int(np.minimum(sizes, self._num_batches).sum())

    def __len__(self) -> int:
        """Number of batches in an epoch, the same in all."""
        return self._num_batches

    def epoch(self, epoch: int) -> list[Batch]:
        """The batches of one epoch, in order.

        Args:
            epoch: From 0.

        Returns:
            A list of `Batch`.
        """
        check_non_negative_integer("epoch", epoch)
        generator = np.random.default_rng([self.seed, epoch])
        order = np.arange(len(self.lengths))
        if self.shuffle or self._num_drawn < len(order):
            order = generator.permutation(order)
        order = self._drawn(order)
        if not self.shuffle:
            order.sort()
        # Long ones first: those that come last may have to go into any batch, and a short one fits into a long batch.
        order = order[np.argsort(-self._bucket_of[order], kind="stable")]
        batches = self._fill(order)[::-1]
        return [batches[index] for index in generator.permutation(len(batches))] if self.shuffle else batches

    def _drawn(self, order: np.ndarray) -> np.ndarray:
        """Of each group as many as all batches together can hold, the first of the order."""
        if self._num_drawn == len(order):
            return order
        by_group = np.argsort(self._group_of[order], kind="stable")
        groups = self._group_of[order][by_group]
        rank = np.arange(len(order)) - np.searchsorted(groups, groups)
        return order[np.sort(by_group[rank < self._num_batches])]

    def _fill(self, order: np.ndarray) -> list[Batch]:
        if not len(order):
            return []
        members = self._deal(order)
        rows = max(map(len, members))
        batches = []
        for chosen in members:
            indices = np.full(rows, EMPTY_ROW, dtype="int64")
            indices[: len(chosen)] = chosen
            batches.append(Batch(indices, int(self._boundaries[self._bucket_of[chosen].max()])))
        return batches

    def _deal(self, order: np.ndarray) -> list[list[int]]:
        """Each example, in order, into the first batch that has room and none of its group."""
        count = self._num_batches
        room = np.full(count, len(order) // count)
        room[: len(order) % count] += 1
        free = room.tolist()
        members: list[list[int]] = [[] for _ in range(count)]
        # Batch -> the first one from there on that has room; `count` is none. Paths are halved as they are walked.
        onward = list(range(count + 1))
        # Group -> the first batch that may take one of it. Batches before have one or are full.
        begin_of = [0] * len(self.lengths)
        left: list[int] = []
        for example, group in zip(order.tolist(), self._group_of[order].tolist(), strict=True):
            place = begin_of[group]
            while onward[place] != place:
                onward[place] = place = onward[onward[place]]
            if place == count:
                left.append(example)
                continue
            members[place].append(example)
            begin_of[group] = place + 1
            free[place] -= 1
            if not free[place]:
                onward[place] = place + 1
        if left:
            self._place(left, members, free)
        return members

    def _place(self, left: list[int], members: list[list[int]], free: list[int]) -> None:
        """Find room for what is left, in short batches if possible; where there is none, by one move to another batch.

        There always is such a move. Let `full` have no room and none of the group, and `other` have room and one of it.
        If other had one of every group of full too, it would have more rows than full; but it has at most as many.
        """
        group_of = self._group_of.tolist()
        held = [{group_of[example] for example in chosen} for chosen in members]
        places = range(len(members) - 1, -1, -1)
        for example in left:
            group = group_of[example]
            fitting = [place for place in places if group not in held[place]]
            place = next((place for place in fitting if free[place]), None)
            if place is None:
                place = fitting[0]
                other = next(place for place in places if free[place])
                row, moved = next(
                    (row, moved) for row, moved in enumerate(members[place]) if group_of[moved] not in held[other]
                )
                members[other].append(moved)
                held[place].remove(group_of[moved])
                held[other].add(group_of[moved])
                free[other] -= 1
                members[place][row] = example
            else:
                members[place].append(example)
                free[place] -= 1
            held[place].add(group)


def groups_of_pairs(a_texts: Sequence[str], b_texts: Sequence[str]) -> np.ndarray:
    """Groups of pairs that have a text in common, directly or by way of other pairs.

    Of pairs that mean the same all texts of a group do. Case, the number of blanks and the form of Unicode make no
    difference.

    Args:
        a_texts: The first text of each pair.
        b_texts: The second one.

    Returns:
        The group of each pair, int64 `(pairs,)`, numbers from 0 in the order in which groups come.

    Raises:
        ValueError: if there are more texts on one side.

    Example:

    >>> groups_of_pairs(["Who?", "Where?", "And  who?", "Why?"], ["And who?", "When?", "WHO?", "What for?"]).tolist()
    [0, 1, 0, 2]
    """
    from scipy.sparse import coo_array
    from scipy.sparse.csgraph import connected_components

    if len(a_texts) != len(b_texts):
        raise ValueError(
            "`a_texts` and `b_texts` must have one text for each pair. "
            f"Received: len(a_texts)={len(a_texts)}, len(b_texts)={len(b_texts)}. Give both sides of the same pairs."
        )
    place_of: dict[str, int] = {}
    a, b = (
        np.array([place_of.setdefault(_alike(text), len(place_of)) for text in side], "int64")
        for side in (a_texts, b_texts)
    )
    links = coo_array((np.ones(len(a), "int8"), (a, b)), shape=(len(place_of), len(place_of)))
    _, components = connected_components(links, directed=False)
    _, first, groups = np.unique(components[a], return_index=True, return_inverse=True)
    return np.argsort(np.argsort(first))[groups]


def _num_batches(sizes: np.ndarray, batch_size: int) -> int:
    """How many batches: for all examples, or, where the largest group asks for too many, for fewer of its members."""
    if not len(sizes):
        return 0
    largest_batch = min(batch_size, len(sizes))

    def is_full_enough(count: int) -> bool:
        return np.minimum(sizes, count).sum() >= LEAST_SHARE * largest_batch * count

    low, high = 1, max(-(-int(sizes.sum()) // batch_size), int(sizes.max()))
    if is_full_enough(high):
        return high
    # More batches hold more members of large groups, but are emptier: the last number that is full enough.
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (middle, high) if is_full_enough(middle) else (low, middle)
    return low


def _checked_groups(groups, count):
    groups = np.asarray(groups)
    if groups.shape != (count,) or (count and not np.issubdtype(groups.dtype, np.integer)):
        raise ValueError(
            f"`groups` must hold an integer for each of the {count} lengths. Received: groups of shape {groups.shape} "
            f"and dtype {groups.dtype}. Number the groups, for instance with `numpy.unique(..., return_inverse=True)`."
        )
    return groups


def _alike(text: str) -> str:
    """What texts have in common that differ only by case, blanks or the form of Unicode."""
    return unicodedata.normalize("NFC", " ".join(unicodedata.normalize("NFC", text).split()).casefold())
