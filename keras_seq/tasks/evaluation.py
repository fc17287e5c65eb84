"""What a recipe tests its model on."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from keras_seq.data import find_data


@dataclasses.dataclass(frozen=True)
class Evaluation:
    """What a trained model is scored on.

    Args:
        reference: the file: `name/file` of a registered data set, or a path.
        options: options of the task's `evaluate`.
        files: those of them that are references of files.
        split: what the file, or the part of it, is to the recipe: its test or its validation data.

    Example:
        >>> Evaluation("reviews/test.tsv", {"columns": ("label", "text")}).split
        'test'
    """

    reference: str
    options: Mapping[str, Any] = dataclasses.field(default_factory=dict)
    files: Mapping[str, str] = dataclasses.field(default_factory=dict)
    split: str = "test"

    def arguments(self, data_directory: str | Path | None = None) -> dict[str, Any]:
        """The arguments of `evaluate`, with paths in the place of references.

        Args:
            data_directory: where data sets lie; by default `KERAS_SEQ_DATA`, then the cache.

        Raises:
            InputError: if a file is not there.
        """
        files = {name: find_data(reference, data_directory) for name, reference in self.files.items()}
        return {"data": find_data(self.reference, data_directory), **self.options, **files}
