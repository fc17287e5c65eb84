"""Texts with labels: read, tokenized and kept small, and their labels as targets."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np

from keras_seq.data import LabelledText
from keras_seq.tasks.text_task import calls, chunks
from keras_seq.tasks.token_store import TokenStore
from keras_seq.text import Tokenizer
from keras_seq.text.code_points import whole_characters

# What is read of a file before it is tokenized.
TEXTS_PER_CHUNK = 4096
# What is tokenized at once, padding included.
CHARACTERS_PER_CALL = 1 << 18


class LabelledTexts(Sequence[dict[str, np.ndarray]]):
    """Tokenized texts and their labels.

    Args:
        examples: labelled texts; read once.
        tokenizer: splits text.
        max_tokens: of a longer text the rest is not kept.
    """

    def __init__(self, examples: Iterable[LabelledText], tokenizer: Tokenizer, max_tokens: int) -> None:
        self.store = TokenStore()
        self.examples: list[LabelledText] = []
        for chunk in chunks(examples, TEXTS_PER_CHUNK):
            for tokens in tokenized(tokenizer, [example.text for example in chunk], max_tokens):
                self.store.add(tokens)
            # The text itself is kept as tokens.
            self.examples += [example._replace(text="") for example in chunk]

    def __len__(self) -> int:
        return len(self.examples)

    def __getitem__(self, index: Any) -> Any:
        return self.store.rows(self.store.place(index))

    def places(self, rows: np.ndarray) -> np.ndarray:
        """The places of texts in the store: their rows."""
        return rows


class LabelIds:
    """Labels as targets of a loss.

    Args:
        names: the labels in the order of the model's outputs.
        is_multi_label: whether a text can have several, or none.
    """

    def __init__(self, names: Sequence[str], is_multi_label: bool) -> None:
        self.names = tuple(names)
        self.is_multi_label = is_multi_label
        self._ids = {name: index for index, name in enumerate(names)}

    def targets(self, examples: Sequence[LabelledText]) -> np.ndarray:
        """Class ids int32 `(texts,)`, or where a text can have several labels float32 `(texts, labels)` of 0 and 1."""
        if not self.is_multi_label:
            return np.array([self._ids[example.labels[0]] for example in examples], np.int32)
        rows = np.zeros((len(examples), len(self.names)), np.float32)
        for row, example in zip(rows, examples, strict=True):
            row[[self._ids[label] for label in example.labels]] = 1.0
        return rows

    def empty(self, rows: int) -> np.ndarray:
        """Targets of rows that are padding."""
        return np.full((rows, len(self.names)), -1, np.float32) if self.is_multi_label else np.full(rows, -1, np.int32)


def tokenized(tokenizer: Tokenizer, texts: Sequence[str], max_tokens: int) -> list[list[str]]:
    """The tokens of each text, at most `max_tokens`."""
    found: list[list[str]] = [[] for _ in texts]
    for rows in calls([len(text) for text in texts], CHARACTERS_PER_CALL):
        tokens, _, _ = tokenizer.tokenize([whole_characters(texts[row]).encode() for row in rows])
        for row, values in zip(rows, tokens[:, :max_tokens].numpy(), strict=True):
            found[row] = [token.decode() for token in values if token]
    return found
