"""Interpolated Kneser-Ney smoothing: the classical n-gram language model, over ids."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Self

import numpy as np

from keras_seq.core.checks import check_positive_integer
from keras_seq.ops.ngrams import UNSEEN, count_ngrams, discounts, find_ngrams, shifted, with_history

ARRAYS = ("keys", "probabilities", "backoffs")


class KneserNey:
    """An n-gram model with modified interpolated Kneser-Ney smoothing.

    The baseline of every neural language model: no training loop, and probabilities that sum to one. With `h` the last
    `n - 1` ids and `h'` the same without the first of them:

    ```
    p(w | h) = (c(h w) - D(c(h w))) / c(h .) + g(h) p(w | h')        g(h) = sum over w of D(c(h w)) / c(h .)
    ```

    `c` counts the n-grams of the full order; of a shorter n-gram it counts the different ids that were seen before it.
    The shortest, single ids, rest on a uniform distribution over all ids that may be predicted, the unknown id among
    them: none of these has probability 0. After a context that was never seen `p(w | h) = p(w | h')`.

    The discount `D` depends on the count (1, 2, 3 or more) and is estimated for each order from the numbers of n-grams
    that have counts 1 to 4. Where one of these is zero, or a discount falls outside 0 to its count, as happens with few
    distinct ids, the order has a single discount `n1 / (n1 + 2 n2)`; where this cannot be estimated either, 0.5.

    Every sequence begins after `start_id`, `order - 1` times: the begin mark of a line; in a running text that is one
    long sequence, a line break.

    Args:
        order: the longest n-grams: 1 counts single ids, 5 sees four ids before the one that it predicts.
        num_ids: how many ids there are, from 0.
        start_id: what stands before a sequence.
        excluded_ids: ids that are never predicted, and have probability 0: padding and the begin mark.

    Raises:
        TypeError: if `order` or `num_ids` is no integer.
        ValueError: if `order` or `num_ids` is below 1, or a marked id is not below `num_ids`, or no id is left.

    Example:
        >>> model = KneserNey(2, 6).fit([[4, 5, 4, 5, 3], [4, 4, 3]])
        >>> model.distribution([4]).round(3).tolist()
        [0.0, 0.016, 0.0, 0.245, 0.307, 0.432]
        >>> model.log_probs([[4, 5]]).round(3).tolist()
        [-0.138, -0.839]

    Reference: Chen and Goodman, "An empirical study of smoothing techniques for language modeling", Computer Speech and
    Language 13 (1999), section 3.
    """

    def __init__(self, order: int, num_ids: int, *, start_id: int = 2, excluded_ids: Sequence[int] = (0, 2)) -> None:
        check_positive_integer("order", order)
        check_positive_integer("num_ids", num_ids)
        self.order = order
        self.num_ids = num_ids
        self.start_id = start_id
        self.excluded_ids = tuple(excluded_ids)
        for name, ids in (("start_id", [start_id]), ("excluded_ids", self.excluded_ids)):
            if not all(0 <= token_id < num_ids for token_id in ids):
                raise ValueError(
                    f"`{name}` must be below `num_ids`, {num_ids}. Received: {name}={getattr(self, name)!r}. "
                    "Count the marks among the ids."
                )
        allowed = np.ones(num_ids)
        allowed[list(self.excluded_ids)] = 0
        if not allowed.any():
            raise ValueError(
                f"`excluded_ids` must leave an id. Received: excluded_ids={self.excluded_ids!r} of {num_ids}. "
                "Give `num_ids` the size of the vocabulary."
            )
        self._uniform = allowed / allowed.sum()
        self.discounts: list[tuple[float, float, float]] = []
        self._keys: list[np.ndarray] = []
        self._probabilities: list[np.ndarray] = []
        self._backoffs: list[np.ndarray] = []

    @property
    def num_ngrams(self) -> tuple[int, ...]:
        """How many n-grams of each length are kept, from 1 to `order`."""
        return tuple(len(table) for table in self._keys)

    @property
    def num_bytes(self) -> int:
        """The memory of the fitted model."""
        return sum(array.nbytes for array in self.arrays().values())

    def fit(self, sequences: Iterable[Any]) -> Self:
        """Count sequences.

        Args:
            sequences: arrays of ids: the lines of a corpus, each with its end mark; or one array, a whole text.

        Returns:
            The model itself.

        Raises:
            ValueError: if there is no id, or one that is excluded or out of range.
        """
        ids, places = with_history(sequences, [self.start_id] * (self.order - 1))
        self._check_ids(ids[places >= 0])
        if not (places >= 0).any():
            raise ValueError(
                "`sequences` must hold an id. Received: only empty sequences. Give a text that has symbols."
            )
        tables = count_ngrams(ids, places, self.order, self.num_ids)
        self.discounts, self._keys, self._probabilities, self._backoffs = [], [], [], []
        num_contexts = 1
        for length, table in enumerate(tables, start=1):
            counts = table.counts
            if length < self.order:
                longer = tables[length]
                counts = np.bincount(longer.suffixes[longer.counts > 0], minlength=len(table.keys))
            of_counts = discounts(counts)
            taken = np.array([0.0, *of_counts])[np.minimum(counts, 3)]
            contexts = table.keys // self.num_ids
            totals = np.bincount(contexts, counts, num_contexts)
            backoffs = np.ones(num_contexts)
            np.divide(np.bincount(contexts, taken, num_contexts), totals, out=backoffs, where=totals > 0)
            shorter = self._probabilities[-1][table.suffixes] if length > 1 else self._uniform[table.keys]
            share = np.divide(counts - taken, totals[contexts], out=np.zeros(len(counts)), where=counts > 0)
            self.discounts.append(of_counts)
            self._keys.append(table.keys)
            self._probabilities.append(share + backoffs[contexts] * shorter)
            self._backoffs.append(backoffs)
            num_contexts = len(table.keys)
        return self

    def log_probs(self, sequences: Iterable[Any], history: Sequence[int] | None = None) -> np.ndarray:
        """The natural logarithm of the probability of every id, given those before it.

        Args:
            sequences: arrays of ids.
            history: what stands before each of them; by default `start_id`. A long text can so be scored in pieces.

        Returns:
            float64 `(ids,)`: those of the first sequence, then those of the second, and so on.

        Raises:
            RuntimeError: if the model is not fitted.
            ValueError: if an id is excluded or out of range.
        """
        self._check_fitted()
        before = self._context([self.start_id] * (self.order - 1) if history is None else history)
        ids, places = with_history(sequences, before)
        self._check_ids(ids[places >= 0])
        begins = places == -len(before)
        found = find_ngrams(ids, begins, self._keys, self.num_ids)
        probabilities = self._uniform[ids]
        contexts = np.zeros(len(ids), "int64")
        for numbers, own, backoffs in zip(found, self._probabilities, self._backoffs, strict=True):
            # An n-gram that was seen has its probability, another what its context leaves to shorter ones.
            left = np.where(contexts == UNSEEN, 1.0, backoffs[contexts])
            probabilities = np.where(numbers == UNSEEN, left * probabilities, own[numbers])
            contexts = shifted(numbers, begins)
        return np.log(probabilities[places >= 0])

    def distribution(self, context: Sequence[int]) -> np.ndarray:
        """The probabilities of the next id.

        Args:
            context: the ids before it; of more than `order - 1` the last ones count, with fewer a lower order answers.

        Returns:
            float64 `(num_ids,)`; they sum to 1.

        Raises:
            RuntimeError: if the model is not fitted.
            ValueError: if an id is out of range.
        """
        self._check_fitted()
        ids = self._context(context)
        begins = np.arange(len(ids)) == 0
        numbers = [
            0,
            *(int(found[-1]) for found in find_ngrams(ids, begins, self._keys[:-1], self.num_ids) if len(ids)),
        ]
        probabilities = self._uniform
        for number, keys, own, backoffs in zip(numbers, self._keys, self._probabilities, self._backoffs, strict=False):
            if number == UNSEEN:
                break
            probabilities = probabilities * backoffs[number]
            first, end = np.searchsorted(keys, (number * self.num_ids, (number + 1) * self.num_ids))
            probabilities[keys[first:end] - number * self.num_ids] = own[first:end]
        return probabilities

    def arrays(self) -> dict[str, np.ndarray]:
        """What a fitted model is made of, by name; `load_arrays` reads it."""
        tables = (self._keys, self._probabilities, self._backoffs)
        named = {
            f"{name}_{length}": array
            for name, arrays in zip(ARRAYS, tables, strict=True)
            for length, array in enumerate(arrays, start=1)
        }
        return {**named, "discounts": np.array(self.discounts)}

    def load_arrays(self, arrays: Mapping[str, np.ndarray]) -> Self:
        """Take what `arrays` of a model with the same arguments gave, instead of fitting.

        Returns:
            The model itself.

        Raises:
            ValueError: if an array is missing, or of another size than its neighbours ask for.
        """
        read = [[np.asarray(arrays.get(f"{name}_{length + 1}", ())) for length in range(self.order)] for name in ARRAYS]
        keys, probabilities, backoffs = read
        contexts = [1, *(len(table) for table in keys)]
        for length in range(self.order):
            if not len(keys[length]) == len(probabilities[length]) > 0 or len(backoffs[length]) != contexts[length]:
                raise ValueError(
                    f"`arrays` must be those of a model of order {self.order}. Received: keys_{length + 1} of "
                    f"{len(keys[length])}, probabilities of {len(probabilities[length])}, backoffs of "
                    f"{len(backoffs[length])}. Fit the model again."
                )
        self._keys, self._probabilities, self._backoffs = keys, probabilities, backoffs
        self.discounts = [(one, two, more) for one, two, more in np.asarray(arrays.get("discounts", ())).tolist()]
        return self

    def _context(self, context: Sequence[int]) -> np.ndarray:
        ids = np.asarray(context, "int64").reshape(-1)
        self._check_range(ids)
        return ids[max(len(ids) - self.order + 1, 0) :]

    def _check_fitted(self) -> None:
        if not self._keys:
            raise RuntimeError("`fit` must come before the model is asked. Received: no counts. Call `fit(sequences)`.")

    def _check_range(self, ids: np.ndarray) -> None:
        wrong = ids[(ids < 0) | (ids >= self.num_ids)]
        if len(wrong):
            raise ValueError(
                f"`ids` must be from 0 to {self.num_ids - 1}. Received: {int(wrong[0])}. "
                "Use the encoder that the model was made for."
            )

    def _check_ids(self, ids: np.ndarray) -> None:
        self._check_range(ids)
        wrong = ids[self._uniform[ids] == 0]
        if len(wrong):
            raise ValueError(
                f"`sequences` must not hold the excluded ids {self.excluded_ids}. Received: {int(wrong[0])}. "
                "Leave out padding and begin marks."
            )
