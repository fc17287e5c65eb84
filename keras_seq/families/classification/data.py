"""The training data of a classifier: labelled texts, as its recipe describes them, and batches of them."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from keras_seq.data import LabelledText
from keras_seq.data.labelled_text import LABELLED_TEXT
from keras_seq.families.classification.recipe import ClassifierRecipe
from keras_seq.tasks.labelled_batches import LabelledBatches
from keras_seq.tasks.labelled_texts import LabelIds

ClassifiedBatches = LabelledBatches[LabelIds]


def read_texts(path: str | Path, recipe: ClassifierRecipe) -> Iterator[LabelledText]:
    """Read labelled text as a recipe describes it.

    Raises:
        DataError: naming file and line, if the file is broken.
    """
    data = recipe.data
    return LABELLED_TEXT.examples(
        path, data.columns, label_separator=data.label_separator, normalize_labels=data.normalize_labels
    )
