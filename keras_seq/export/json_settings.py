"""Settings of a model that are kept as JSON."""

from __future__ import annotations

import dataclasses
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any, ClassVar, Self

from keras_seq.core.errors import DataError
from keras_seq.core.reading import read_json_object

# As many as an int32 of the graph counts.
MOST_TOKENS = 2**31 - 1
REMEDY = "put the original back, or train or export the model again"


@dataclasses.dataclass(frozen=True)
class JSONSettings:
    """Base of the settings of a family: a frozen dataclass whose fields JSON can hold, checked in `__post_init__`."""

    legacy_files: ClassVar[tuple[str, ...]] = ()
    """What version 0.1.0 wrote in the place of `task.json`, and by which a SavedModel of this family is told."""

    def to_dict(self) -> dict[str, Any]:
        """The fields and their values."""
        return dataclasses.asdict(self)

    @classmethod
    def from_dict(cls, values: Mapping[str, Any], source: str | os.PathLike) -> Self:
        """What `to_dict` gave. Unknown keys are passed over: a later version may have written them.

        Args:
            values: field -> value; lists become tuples.
            source: the file that they stand in.

        Raises:
            DataError: if a value is missing or wrong.
        """
        fields = dataclasses.fields(cls)
        known = {field.name: _frozen(values[field.name]) for field in fields if field.name in values}
        for field in fields:
            if field.name not in known and field.default is dataclasses.MISSING:
                raise DataError(source, None, f"damaged (lacks `{field.name}`)", REMEDY)
        try:
            return cls(**known)
        except (ValueError, TypeError) as error:
            raise DataError(source, None, f"damaged ({error})", REMEDY) from None

    @classmethod
    def is_legacy(cls, folder: Path) -> bool:
        """Whether a folder holds the files that version 0.1.0 wrote for this family."""
        return bool(cls.legacy_files) and all((folder / name).is_file() for name in cls.legacy_files)

    @classmethod
    def from_legacy(cls, folder: Path) -> Self:
        """The settings that stand in `legacy_files`; here one file, which holds nothing else.

        Raises:
            DataError: if a file is missing or damaged.
        """
        (name,) = cls.legacy_files
        return cls.from_dict(read_json_object(folder / name, REMEDY), folder / name)


def _frozen(value: Any) -> Any:
    return tuple(map(_frozen, value)) if isinstance(value, list) else value
