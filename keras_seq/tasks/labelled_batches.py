"""Batches of labelled texts: for the training loop, and for what is read once."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, Generic, Protocol, TypeVar

import keras
import numpy as np

from keras_seq.data import Batch, BucketedBatches, LabelledText
from keras_seq.data.batching import EMPTY_ROW
from keras_seq.tasks.labelled_texts import LabelledTexts
from keras_seq.tasks.text_task import TOKENS_PER_CALL
from keras_seq.tasks.token_store import padded_rows

# How texts are batched that are not trained on.
READ_ONCE: dict[str, Any] = {"batch_size": 256, "tokens_per_batch": TOKENS_PER_CALL * 4, "shuffle": False}


class Targets(Protocol):
    """What makes targets of a loss from labelled texts, such as `keras_seq.tasks.labelled_texts.LabelIds`."""

    def targets(self, examples: Sequence[LabelledText]) -> np.ndarray:
        """A row of targets for each text."""

    def empty(self, rows: int) -> np.ndarray:
        """Targets of rows that are padding."""


SomeTargets = TypeVar("SomeTargets", bound=Targets)


class LabelledBatches(Generic[SomeTargets]):
    """Batches of encoded texts for `keras_seq.training.fit`; the order is a pure function of the seed and the epoch.

    Args:
        texts: the texts, whose store is encoded.
        indices: which of them.
        labels: gives the targets.
        inputs: the names of the model's inputs.
        order: options of `keras_seq.data.BucketedBatches`.
    """

    def __init__(
        self,
        texts: LabelledTexts,
        indices: np.ndarray,
        labels: SomeTargets,
        inputs: Sequence[str],
        **order: Any,
    ) -> None:
        self.texts = texts
        self.indices = indices
        self.all_targets = labels.targets(texts.examples)
        self.labels = labels
        self.inputs = tuple(inputs)
        self.order = BucketedBatches(texts.store.lengths[indices], **order)

    def __len__(self) -> int:
        return len(self.order)

    @property
    def targets(self) -> np.ndarray:
        """The targets of the texts of these batches."""
        return self.all_targets[self.indices]

    def epoch(self, epoch: int, skip: int = 0) -> Iterator[tuple[dict[str, np.ndarray], np.ndarray]]:
        """The `(inputs, targets)` of one epoch without its first `skip` batches."""
        for batch in self.order.epoch(epoch)[skip:]:
            yield self.arrays(batch)

    def arrays(self, batch: Batch) -> tuple[dict[str, np.ndarray], np.ndarray]:
        """Inputs and targets of one batch, padded."""
        chosen = self.indices[batch.indices[batch.indices != EMPTY_ROW]]
        arrays = padded_rows(self.texts.store, chosen, self.inputs, size=len(batch.indices), steps=batch.steps)
        targets = self.labels.empty(len(batch.indices))
        targets[: len(chosen)] = self.all_targets[chosen]
        return arrays, targets

    def predicted(self, predictor: keras.Model) -> np.ndarray:
        """What a compiled model gives for each text, `(texts, outputs)`, in the order of `indices`."""
        found = np.zeros((len(self.indices), predictor.output_shape[-1]), np.float32)
        for batch in self.order.epoch(0):
            inputs, _ = self.arrays(batch)
            chosen = batch.indices[batch.indices != EMPTY_ROW]
            found[chosen] = np.asarray(predictor.predict_on_batch(inputs))[: len(chosen)]
        return found
