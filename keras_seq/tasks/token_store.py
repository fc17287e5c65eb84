"""Tokens of many texts, kept small: the features of each distinct token stand in a table."""

from __future__ import annotations

from array import array
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

import numpy as np

from keras_seq.data import Batch, make_arrays
from keras_seq.data.batching import EMPTY_ROW
from keras_seq.text import TokenEncoder


class TokenStore:
    """Texts as numbers of distinct tokens, four bytes each; `encode` gives the tokens their features.

    Args:
        texts: tokens of each text; read once. More are added with `add`.
    """

    def __init__(self, texts: Iterable[Iterable[str]] = ()) -> None:
        self._numbers: dict[str, int] = {}
        self._appended, self._bounds = array("i"), array("q", [0])
        for tokens in texts:
            self.add(tokens)

    def add(self, tokens: Iterable[str]) -> None:
        """Append one text."""
        numbers = self._numbers
        self._appended.extend(numbers.setdefault(token, len(numbers)) for token in tokens)
        self._bounds.append(len(self._appended))

    def encode(self, encoder: TokenEncoder, features: Sequence[str] | None = None) -> None:
        """Compute the features of each distinct token, once; no text can be added after that.

        Args:
            encoder: turns tokens into ids.
            features: names of features, or `None` for all.
        """
        self.distinct = list(self._numbers)
        self.numbers = np.frombuffer(self._appended, np.int32)
        self.ends = np.frombuffer(self._bounds, np.int64)
        encoded = encoder.encode([[token] for token in self.distinct] or [[""]], features)
        self.features = {name: values.numpy()[:, 0] for name, values in encoded.items()}

    def __len__(self) -> int:
        return len(self._bounds) - 1

    @property
    def lengths(self) -> np.ndarray:
        """Tokens of each text."""
        return np.diff(np.frombuffer(self._bounds, np.int64))

    def place(self, index: int) -> slice:
        """Where the tokens of a text stand among those of all."""
        return slice(int(self._bounds[index]), int(self._bounds[index + 1]))

    def rows(self, places: Any) -> dict[str, np.ndarray]:
        """The features of the tokens at some places."""
        numbers = self.numbers[places]
        return {name: table[numbers] for name, table in self.features.items()}

    def tokens(self, index: int) -> list[str]:
        """The tokens of one text."""
        return [self.distinct[number] for number in self.numbers[self.place(index)]]

    def texts(self, indices: Iterable[int] | None = None) -> Iterator[list[str]]:
        """The tokens of texts; what a vocabulary is built from, before anything is encoded."""
        distinct = list(self._numbers)
        for index in range(len(self)) if indices is None else indices:
            yield [distinct[number] for number in self._appended[self.place(index)]]


def padded_rows(
    store: TokenStore, places: Sequence[int] | np.ndarray, inputs: Sequence[str], *, size: int, steps: int = 0
) -> dict[str, np.ndarray]:
    """The features of some texts as the inputs of a model.

    Args:
        store: the texts, encoded.
        places: which of them.
        inputs: names of features.
        size: number of rows; those after the texts are padding.
        steps: number of steps; 0: those of the longest text.

    Returns:
        Name -> array `(size, steps, ...)`; of subwords the last axis ends where all texts have none.
    """
    examples = [store.rows(store.place(int(place))) for place in places]
    numbers = np.arange(size)
    rows = np.where(numbers < len(examples), numbers, EMPTY_ROW)
    steps = steps or max([1, *(len(next(iter(example.values()))) for example in examples)])
    arrays = make_arrays(examples, Batch(rows, steps), dict.fromkeys(inputs, 0))
    if "subword_ids" in arrays:
        used = np.flatnonzero(arrays["subword_ids"].any(axis=(0, 1)))
        arrays["subword_ids"] = arrays["subword_ids"][:, :, : used[-1] + 1 if len(used) else 1]
    return arrays
