"""Settings of a model that stand among the assets of its SavedModel."""

from __future__ import annotations

import dataclasses
import json
import os
from pathlib import Path
from typing import Any, Self

from keras_seq.core.errors import DataError
from keras_seq.core.files import atomic_write


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
        try:
            return cls(**json.loads(Path(path).read_text(encoding="utf-8")))
        except OSError as error:
            raise DataError(path, None, f"cannot be read ({error.strerror})", "name a trained model's folder") from None
        except (ValueError, TypeError) as error:
            raise DataError(path, None, f"damaged ({error})", "export the model again") from None
