"""Records with named fields: Parquet files."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterator
from typing import Any

from keras_seq.core.errors import DataError, InputError
from keras_seq.core.extras import extra_module
from keras_seq.core.lines import shorten

PARQUET = b"PAR1"
_ROWS = 1024


def parquet_names(path: str | os.PathLike) -> list[str]:
    """What the columns of a Parquet file are called.

    Raises:
        DataError: if pyarrow is not installed, or the file is damaged.
    """
    return list(_parquet(path).schema_arrow.names)


def parquet_records(path: str | os.PathLike) -> Iterator[tuple[int, dict[str, Any]]]:
    """Number, from 1, and content of each row of a Parquet file; memory does not grow with the file.

    Numbers of classes are replaced by the names that the package `datasets` has written into the file.

    Raises:
        DataError: as `parquet_names`; or a number is that of no class.
    """
    file = _parquet(path)
    named = _named_classes(file.schema_arrow.metadata or {})
    number = 0
    batches = file.iter_batches(batch_size=_ROWS)
    while (batch := _told(path, lambda: next(batches, None))) is not None:
        for record in _told(path, batch.to_pylist):
            number += 1
            for column, names in named.items():
                if column in record:
                    record[column] = _name_of(path, number, record[column], names)
            yield number, record


def cell(path: str | os.PathLike, number: int, column: str, value: Any) -> str:
    """What stands in a field, as text: texts as they are, numbers as they are written, `true` as 1.

    Raises:
        DataError: if it is missing, or of another kind.
    """
    if isinstance(value, list) and len(value) == 1:
        (value,) = value
    if isinstance(value, str):
        return value
    if isinstance(value, bool):
        return str(int(value))
    if isinstance(value, (int, float)):
        return repr(value)
    reason = f"the field {shorten(column)} holds {'nothing' if value is None else shorten(str(value))}"
    raise DataError(path, number, reason, "give each record one text, or one number, in it")


def _parquet(path: str | os.PathLike) -> Any:
    module = extra_module("pyarrow.parquet", f"{os.fspath(path)}: a Parquet file")
    return _told(path, lambda: module.ParquetFile(path))


def _told(path: str | os.PathLike, read: Callable[[], Any]) -> Any:
    """What pyarrow reads; whatever it raises is told in one line."""
    try:
        return read()
    except InputError:
        raise
    except Exception as error:
        reason = " ".join(str(error).split())[:200] or type(error).__name__
        raise DataError(path, None, f"damaged Parquet file ({reason})", "write or fetch it again") from error


def _named_classes(metadata: dict[bytes, bytes]) -> dict[str, list[str]]:
    """Column -> names of its classes, which `datasets` writes beside the schema."""
    try:
        features = json.loads(metadata.get(b"huggingface", b"{}"))["info"]["features"]
        kinds = {column: _class_names(feature) for column, feature in features.items()}
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
        return {}
    return {column: names for column, names in kinds.items() if names}


def _class_names(feature: Any) -> list[str]:
    if isinstance(feature, list):
        return _class_names(feature[0])
    if feature.get("_type") == "ClassLabel":
        return [str(name) for name in feature["names"]]
    return _class_names(feature["feature"]) if "feature" in feature else []


def _name_of(path: str | os.PathLike, number: int, value: Any, names: list[str]) -> Any:
    if isinstance(value, list):
        return [_name_of(path, number, one, names) for one in value]
    if type(value) is not int:
        return value
    if not 0 <= value < len(names):
        raise DataError(path, number, f"{value} is none of the {len(names)} classes", "leave such rows out")
    return names[value]
