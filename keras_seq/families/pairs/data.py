"""The training data of a matcher: pairs of texts as ids, and batches of them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any

import keras
import numpy as np

from keras_seq.core.errors import InputError
from keras_seq.data import Batch, BucketedBatches, DistinctBatches, TextPair, groups_of_pairs
from keras_seq.data.batching import EMPTY_ROW
from keras_seq.tasks.labelled_texts import TEXTS_PER_CHUNK, LabelIds, LabelledTexts, tokenized
from keras_seq.tasks.text_task import TOKENS_PER_CALL, calls, chunks
from keras_seq.tasks.token_store import TokenStore, padded_rows
from keras_seq.text import Tokenizer

# Epoch -> the places of the texts of all pairs in their store, on each side.
Sides = Callable[[int], tuple[np.ndarray, np.ndarray]]


class PairedTexts:
    """Pairs of tokenized texts that a file names; a text that stands in many pairs is kept once.

    Args:
        pairs: read once.
        tokenizer: splits text.
        max_tokens: of a longer text the rest is not kept.
    """

    def __init__(self, pairs: Iterable[TextPair], tokenizer: Tokenizer, max_tokens: int) -> None:
        self.store = TokenStore()
        self.pairs: list[TextPair] = []
        place_of: dict[str, int] = {}
        places: list[tuple[int, int]] = []
        for chunk in chunks(pairs, TEXTS_PER_CHUNK):
            texts = dict.fromkeys(text for pair in chunk for text in (pair.a, pair.b))
            new = [text for text in texts if text not in place_of]
            for text, tokens in zip(new, tokenized(tokenizer, new, max_tokens), strict=True):
                place_of[text] = len(place_of)
                self.store.add(tokens)
            places += [(place_of[pair.a], place_of[pair.b]) for pair in chunk]
            # The texts themselves are kept as tokens.
            self.pairs += [pair._replace(a="", b="") for pair in chunk]
        self.a, self.b = np.array(places, np.int64).reshape(-1, 2).T
        self._texts = tuple(place_of)
        self.names: tuple[str, ...] = ()
        self.targets = np.zeros(0, np.float32)
        self.groups = np.zeros(0, np.int64)
        # As `groups`, of all pairs that have a text in common, duplicates or not.
        self.linked = np.zeros(0, np.int64)

    def set_targets(self, targets: np.ndarray, is_same: np.ndarray) -> None:
        """Give the pairs what is known of them; and let duplicates that have a text in common be of one group.

        Args:
            targets: float32 `(pairs,)`.
            is_same: bool `(pairs,)`, which are duplicates. Only these have a group; of others the texts differ.
        """
        self.targets = targets
        rows = np.flatnonzero(is_same)
        self.groups = np.full(len(self.pairs), -1, np.int64)
        self.groups[rows] = self._groups_of(rows)
        self.linked = self._groups_of(np.arange(len(self.pairs)))
        self._texts = ()

    def _groups_of(self, rows: np.ndarray) -> np.ndarray:
        first, second = ([self._texts[place] for place in side[rows]] for side in (self.a, self.b))
        return groups_of_pairs(first, second)

    def __len__(self) -> int:
        return len(self.pairs)

    def sides(self, seed: int) -> Sides:
        """The texts of all pairs, the same in all epochs."""
        return lambda epoch: (self.a, self.b)

    def part_at_end(self, share: float) -> tuple[np.ndarray, np.ndarray]:
        """The rows before the last `share` of all, and of the rest those that have no text in common with them."""
        first, last = np.split(np.arange(len(self)), [len(self) - round(share * len(self))])
        seen = self.places(first)
        new = last[~np.isin(self.a[last], seen) & ~np.isin(self.b[last], seen)]
        if not len(new):
            raise InputError(
                f"none of the last {len(last)} pairs, a share of {share:g}, has two texts that the others lack: raise "
                "data.held_out"
            )
        return first, new

    def places(self, rows: np.ndarray) -> np.ndarray:
        """The places of all texts of some pairs, in ascending order."""
        return np.unique(np.concatenate([self.a[rows], self.b[rows]]))


class ClassPairs:
    """Tokenized texts with a label each: two of one label make a pair.

    Args:
        texts: the texts and their labels.
        names: the labels.
    """

    def __init__(self, texts: LabelledTexts, names: Sequence[str]) -> None:
        self.store = texts.store
        self.names = tuple(names)
        self.groups = LabelIds(names, is_multi_label=False).targets(texts.examples)
        self.targets = self.groups

    def __len__(self) -> int:
        return len(self.groups)

    @property
    def labels(self) -> np.ndarray:
        """The label of each text."""
        return np.array(self.names)[self.groups]

    def sides(self, seed: int) -> Sides:
        """All texts, and for each another one of its label, drawn anew in each epoch; itself where it is alone."""
        by_class = np.argsort(self.groups, kind="stable")
        ends = np.cumsum(np.bincount(self.groups))[:-1]

        def sides_of(epoch: int) -> tuple[np.ndarray, np.ndarray]:
            generator = np.random.default_rng([seed, epoch])
            partners = np.empty(len(self), np.int64)
            for members in np.split(by_class, ends):
                shuffled = generator.permutation(members)
                partners[shuffled] = np.roll(shuffled, 1)
            return np.arange(len(self)), partners

        return sides_of

    def places(self, rows: np.ndarray) -> np.ndarray:
        """The places of texts: their rows."""
        return rows


def embedded_texts(predictor: keras.Model, store: TokenStore, places: np.ndarray, inputs: Sequence[str]) -> np.ndarray:
    """The vectors of texts.

    Args:
        predictor: gives the vectors of a batch.
        store: the texts, encoded.
        places: which of them.
        inputs: the names of the inputs of the predictor.

    Returns:
        float32 `(places, features)`.
    """
    vectors = np.zeros((len(places), predictor.output_shape[-1]), np.float32)
    for chosen in calls(store.lengths[places].tolist(), TOKENS_PER_CALL * 4):
        rows = padded_rows(store, places[chosen], inputs, size=len(chosen))
        vectors[chosen] = np.asarray(predictor.predict_on_batch(rows))
    return vectors


def drawn_pairs(labels: np.ndarray, count: int, seed: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """As many pairs of one label as of two, as nearly as the labels allow.

    Args:
        labels: of some texts.
        count: how many of each are drawn at the most.
        seed: decides.

    Returns:
        The rows of the first and of the second texts, and whether they are of one label.
    """
    generator = np.random.default_rng(seed)
    first, second = generator.integers(len(labels), size=(2, count))
    differ = labels[first] != labels[second]
    first, second = first[differ], second[differ]
    of_label: dict[str, np.ndarray] = {label: np.flatnonzero(labels == label) for label in np.unique(labels)}
    several = np.array([row for row in first if len(of_label[labels[row]]) > 1], np.int64)
    partners = [generator.choice(of_label[labels[row]][of_label[labels[row]] != row]) for row in several]
    return (
        np.concatenate([several, first]),
        np.concatenate([np.array(partners, np.int64), second]),
        np.repeat([True, False], [len(several), len(first)]),
    )


class PairBatches:
    """Batches of pairs for `keras_seq.training.fit`; the order is a pure function of the seed and the epoch.

    Args:
        store: the texts, encoded.
        sides: which texts the pairs are made of.
        indices: which pairs.
        targets: of all pairs: float scores or labels, or int ids.
        inputs: the names of the inputs of the tower.
        groups: ids of all pairs: in a batch no two are of one group. `None`: any pairs go together.
        order: options of `keras_seq.data.BucketedBatches`.
    """

    def __init__(
        self,
        store: TokenStore,
        sides: Sides,
        indices: np.ndarray,
        targets: np.ndarray,
        inputs: Sequence[str],
        groups: np.ndarray | None = None,
        **order: Any,
    ) -> None:
        self.store = store
        self.sides = sides
        self.indices = indices
        self.targets = targets
        self.inputs = tuple(inputs)
        lengths = store.lengths[sides(0)[0][indices]]
        if groups is None:
            self.order: Any = BucketedBatches(lengths, **order)
        else:
            self.order = DistinctBatches(lengths, groups[indices], **order)

    def __len__(self) -> int:
        return len(self.order)

    def epoch(self, epoch: int, skip: int = 0) -> Iterator[tuple[dict[str, np.ndarray], np.ndarray]]:
        """The `(inputs, targets)` of one epoch without its first `skip` batches."""
        sides = self.sides(epoch)
        for batch in self.order.epoch(epoch)[skip:]:
            yield self.arrays(batch, sides)

    def arrays(self, batch: Batch, sides: tuple[np.ndarray, np.ndarray]) -> tuple[dict[str, np.ndarray], np.ndarray]:
        """Inputs and targets of one batch; each side is padded by itself, rows without a pair have the target -1."""
        chosen = self.indices[batch.indices[batch.indices != EMPTY_ROW]]
        size = len(batch.indices)
        arrays: dict[str, np.ndarray] = {}
        for name, places in zip("ab", sides, strict=True):
            rows = padded_rows(self.store, places[chosen], self.inputs, size=size)
            arrays |= {f"{key}_{name}": values for key, values in rows.items()}
        targets = np.full(size, -1, self.targets.dtype)
        targets[: len(chosen)] = self.targets[chosen]
        return arrays, targets
