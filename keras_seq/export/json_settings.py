"""Settings of a model that stand among the assets of its SavedModel."""

from __future__ import annotations

import dataclasses
import json
import os
from typing import Any, Self

from keras_seq.core.errors import DataError
from keras_seq.core.files import atomic_write
from keras_seq.core.reading import read_json_object

# As many as an int32 of the graph counts.
MOST_TOKENS = 2**31 - 1


class JSONSettings:
    """Base of dataclasses that are kept as JSON."""

    def save(self, path: str | os.PathLike) -> None:
        """Write the settings as JSON."""
        values: Any = self
        with atomic_write(path, "w") as file:
            file.write(json.dumps(dataclasses.asdict(values), indent=2, ensure_ascii=False) + "\n")

    @classmethod
    def load(cls, path: str | os.PathLike) -> Self:
        """Read what `save` wrote.

        Raises:
            DataError: if the file is missing or damaged.
        """
        remedy = "export the model again"
        values = read_json_object(path, remedy)
        try:
            return cls(**values)
        except (ValueError, TypeError) as error:
            raise DataError(path, None, f"damaged ({error})", remedy) from None
