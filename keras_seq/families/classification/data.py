"""The training data of a classifier: batches of texts as ids, with their labels."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from keras_seq.data import Batch, BucketedBatches, LabelledText, read_labelled_text
from keras_seq.data.batching import EMPTY_ROW
from keras_seq.families.classification.recipe import ClassifierRecipe
from keras_seq.tasks.labelled_texts import LabelIds, LabelledTexts
from keras_seq.tasks.token_store import padded_rows


class ClassifiedBatches:
    """Batches of encoded texts for `keras_seq.training.fit`; the order is a pure function of the seed and the epoch.

    Args:
        texts: the texts, whose store is encoded.
        indices: which of them.
        label_ids: gives the targets.
        inputs: the names of the model's inputs.
        order: options of `keras_seq.data.BucketedBatches`.
    """

    def __init__(
        self,
        texts: LabelledTexts,
        indices: np.ndarray,
        label_ids: LabelIds,
        inputs: Sequence[str],
        **order: Any,
    ) -> None:
        self.texts = texts
        self.indices = indices
        self.all_targets = label_ids.targets(texts.examples)
        self.label_ids = label_ids
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
        targets = self.label_ids.empty(len(batch.indices))
        targets[: len(chosen)] = self.all_targets[chosen]
        return arrays, targets


def read_texts(path: str | Path, recipe: ClassifierRecipe) -> Iterator[LabelledText]:
    """Read labelled text as a recipe describes it.

    Raises:
        DataError: naming file and line, if the file is broken.
    """
    data = recipe.data
    return read_labelled_text(path, columns=data.columns, label_separator=data.label_separator)
