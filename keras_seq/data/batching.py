"""Batches of variable-length examples: few distinct shapes, an order that can be repeated and resumed."""

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np

from keras_seq.core.checks import check_boolean, check_non_negative_integer, check_positive_integer

EMPTY_ROW = -1


class Batch(NamedTuple):
    """Which examples make a batch (`EMPTY_ROW` = -1: none, the row is padding), and its number of steps."""

    indices: np.ndarray
    steps: int


class BucketedBatches:
    """Sorts examples into batches of similar length; a compiler sees only one shape a bucket.

    Each bucket has one number of steps and one number of rows. What does not fill a batch moves up to the next longer
    bucket; only a batch after which no longer bucket comes can have empty rows. Every example is in every epoch once.

    The order is a pure function of `(seed, epoch)`: it does not depend on what was drawn before, so a run that was
    killed goes on at `epoch(e)[n:]`.

    Args:
        lengths: Number of steps of each example; 0 counts as 1.
        batch_size: The most rows in a batch, or `None` for no such limit.
        tokens_per_batch: The most steps times rows (a batch has at least one row), or `None` for no such limit. At
            least one of the two limits is needed.
        bucket_boundaries: The numbers of steps, ascending; examples longer than the last get buckets of their own, up
            to the next power of two. By default 8, 16, 24, 32, 48, 64, 96, 128, 192, ...
        seed: Decides all orders.
        shuffle: Whether examples and batches come in a random order. If not, the order is that of buckets, short ones
            first, and of the examples within.

    Raises:
        ValueError, TypeError: if an argument is of the wrong kind, or no limit is given.

    Example:

    >>> batches = BucketedBatches([3, 9, 4, 20], batch_size=2, shuffle=False)
    >>> [(batch.indices.tolist(), batch.steps) for batch in batches.epoch(0)]
    [([0, 2], 8), ([1, 3], 24)]
    """

    def __init__(
        self,
        lengths: Sequence[int] | np.ndarray,
        *,
        batch_size: int | None = None,
        tokens_per_batch: int | None = None,
        bucket_boundaries: Sequence[int] | None = None,
        seed: int = 0,
        shuffle: bool = True,
    ):
        if batch_size is None and tokens_per_batch is None:
            raise ValueError(
                "`batch_size` or `tokens_per_batch` must be given. Received: batch_size=None, tokens_per_batch=None. "
                "Pass batch_size=32, for instance."
            )
        for name, value in (("batch_size", batch_size), ("tokens_per_batch", tokens_per_batch)):
            if value is not None:
                check_positive_integer(name, value)
        check_non_negative_integer("seed", seed)
        check_boolean("shuffle", shuffle)
        self.lengths = np.maximum(np.asarray(lengths, dtype="int64").reshape(-1), 1)
        self.batch_size = batch_size
        self.tokens_per_batch = tokens_per_batch
        self.bucket_boundaries = bucket_boundaries
        self.seed = seed
        self.shuffle = shuffle
        self._boundaries = complete_boundaries(bucket_boundaries, int(self.lengths.max(initial=1)))
        self._bucket_of = np.searchsorted(self._boundaries, self.lengths)
        self._num_batches = len(self._fill(np.arange(len(self.lengths))))

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
        if not self.shuffle:
            return self._fill(np.arange(len(self.lengths)))
        generator = np.random.default_rng([self.seed, epoch])
        batches = self._fill(generator.permutation(len(self.lengths)))
        return [batches[index] for index in generator.permutation(len(batches))]

    def _fill(self, order: np.ndarray) -> list[Batch]:
        buckets = self._bucket_of[order]
        batches = []
        left = np.empty(0, dtype="int64")
        for bucket in np.unique(buckets):
            steps = int(self._boundaries[bucket])
            rows = self._rows(steps)
            members = np.concatenate([left, order[buckets == bucket]])
            full = len(members) // rows * rows
            batches += [Batch(members[begin : begin + rows], steps) for begin in range(0, full, rows)]
            left = members[full:]
        if len(left):
            indices = np.full(rows, EMPTY_ROW, dtype="int64")
            indices[: len(left)] = left
            batches.append(Batch(indices, steps))
        return batches

    def _rows(self, steps: int) -> int:
        limits = [] if self.batch_size is None else [self.batch_size]
        if self.tokens_per_batch is not None:
            limits.append(max(1, self.tokens_per_batch // steps))
        return min(limits)


def make_arrays(
    examples: Sequence[Mapping[str, np.ndarray]], batch: Batch, padding: Mapping[str, Any]
) -> dict[str, np.ndarray]:
    """Pad the examples of a batch to one length.

    Args:
        examples: A dictionary of arrays for each example; axis 0 of every array is the steps, the other axes are the
            same in all examples.
        batch: Which examples, and how many steps.
        padding: The keys to take and the value each is padded with, on the right and in empty rows.

    Returns:
        A dictionary of arrays of shape `(rows, steps, ...)`, of the dtype of the examples.

    Raises:
        ValueError: if an example is longer than the batch.

    Example:

    >>> examples = [{"labels": np.array([1, 2])}, {"labels": np.array([3])}]
    >>> make_arrays(examples, Batch(np.array([1, 0, -1]), 3), {"labels": -1})["labels"].tolist()
    [[3, -1, -1], [1, 2, -1], [-1, -1, -1]]
    """
    arrays = {}
    for key, value in padding.items():
        first = np.asarray(examples[int(batch.indices.max())][key])
        array = np.full((len(batch.indices), batch.steps, *first.shape[1:]), value, dtype=first.dtype)
        for row, index in enumerate(batch.indices):
            if index == EMPTY_ROW:
                continue
            source = examples[int(index)][key]
            if len(source) > batch.steps:
                raise ValueError(
                    f"`examples` must be no longer than the batch, {batch.steps} steps. Received: {len(source)} steps "
                    f"in {key!r} of example {index}. Make the batches from the lengths of these examples."
                )
            array[row, : len(source)] = source
        arrays[key] = array
    return arrays


def complete_boundaries(given: Sequence[int] | None, longest: int) -> np.ndarray:
    """The numbers of steps that batches may have: those given, or the default ones, and more up to the longest."""
    boundaries = [8, 16, 24, 32] if given is None else [int(boundary) for boundary in given]
    if not boundaries or boundaries[0] < 1 or any(a >= b for a, b in zip(boundaries, boundaries[1:], strict=False)):
        raise ValueError(
            f"`bucket_boundaries` must be positive and ascending. Received: bucket_boundaries={given!r}. "
            "Pass [16, 32, 64], for instance."
        )
    while boundaries[-1] < longest:
        last = boundaries[-1]
        power = 1 << last.bit_length()
        # Halfway to the next power of two, then the power.
        boundaries.append(power * 3 // 4 if given is None and last < power * 3 // 4 else power)
    return np.array(boundaries, dtype="int64")
