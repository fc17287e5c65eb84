"""What is shown of an evaluation of a classifier."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np

from keras_seq.families.classification.data import ClassifiedBatches
from keras_seq.families.classification.drawing_reliability import draw_reliability
from keras_seq.metrics import class_confusion

# Classes of a confusion matrix, texts, and tokens of a text.
SHOWN_CLASSES, SHOWN_TEXTS, SHOWN_TOKENS = 20, 8, 100


def confusion_of(batches: ClassifiedBatches, probabilities: np.ndarray) -> tuple[Sequence[str], np.ndarray] | None:
    """Names and counts of the confusion matrix, of the labels that are confused most; none where texts have several.

    Args:
        batches: the texts.
        probabilities: `(texts, labels)`.
    """
    if batches.labels.is_multi_label:
        return None
    return class_confusion(batches.targets, probabilities.argmax(axis=1), batches.labels.names, SHOWN_CLASSES)


def reliability_of(batches: ClassifiedBatches, probabilities: np.ndarray) -> dict[str, np.ndarray]:
    """The picture of confidence against accuracy; the arguments are those of `confusion_of`."""
    if batches.labels.is_multi_label:
        return {"reliability": draw_reliability(probabilities.ravel(), batches.targets.ravel() > 0)}
    right = probabilities.argmax(axis=1) == batches.targets
    return {"reliability": draw_reliability(probabilities.max(axis=1), right)}


def worst_of(batches: ClassifiedBatches, probabilities: np.ndarray) -> Iterator[tuple[str, str, str]]:
    """Text, true labels and what was found, the worst mistakes first; the arguments are those of `confusion_of`."""
    targets, names = batches.targets, batches.labels.names
    if batches.labels.is_multi_label:
        losses = np.abs(targets - probabilities).sum(axis=1)
    else:
        losses = 1 - probabilities[np.arange(len(targets)), targets]
    for index in np.argsort(-losses, kind="stable")[:SHOWN_TEXTS]:
        row = int(batches.indices[index])
        best = int(probabilities[index].argmax())
        text = " ".join(batches.texts.store.tokens(row)[:SHOWN_TOKENS])
        yield text, ", ".join(batches.texts.examples[row].labels), f"{names[best]} {probabilities[index, best]:.2f}"
