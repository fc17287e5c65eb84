"""Manifests: which files belong together, told by their SHA-256."""

import json
import os
from collections.abc import Iterable, Mapping
from pathlib import Path

from keras_seq.core.digests import digest_of
from keras_seq.core.errors import DataError
from keras_seq.core.files import atomic_write
from keras_seq.core.reading import read_json_object

MANIFEST_FILE = "manifest.json"


def digests_of(folder: str | os.PathLike, names: Iterable[str]) -> dict[str, str]:
    """Path within a folder -> SHA-256, of files and of all that is in folders."""
    folder = Path(folder)
    found: dict[str, str] = {}
    for name in names:
        place = folder / name
        files = [file for file in sorted(place.rglob("*")) if file.is_file()] if place.is_dir() else [place]
        found |= {file.relative_to(folder).as_posix(): digest_of(file) for file in files}
    return found


def write_manifest(path: str | os.PathLike, tables: Mapping[str, Mapping[str, str]]) -> None:
    """Write a manifest.

    Args:
        path: The file.
        tables: Name of a table -> what `digests_of` gave.
    """
    with atomic_write(path, "w") as file:
        file.write(json.dumps(tables, indent=2, ensure_ascii=False) + "\n")


def read_manifest(path: str | os.PathLike) -> dict[str, dict[str, str]]:
    """What `write_manifest` wrote; no tables where there is no such file, as with models of older versions.

    Raises:
        DataError: if the file is damaged.
    """
    path = Path(path)
    if not os.path.lexists(path):
        return {}
    remedy = f"put the original back, or remove {path.name} to use the files as they are"
    tables = read_json_object(path, remedy)
    for table in tables.values():
        if not isinstance(table, dict) or not all(isinstance(digest, str) for digest in table.values()):
            raise DataError(path, None, "damaged (no tables of files)", remedy)
        if any(Path(name).is_absolute() or ".." in Path(name).parts for name in table):
            raise DataError(path, None, "damaged (names files elsewhere)", remedy)
    return tables


def other_file(folder: str | os.PathLike, table: Mapping[str, str]) -> Path | None:
    """The first file of a folder that is not that of a manifest; one that is not there is for others to miss.

    Raises:
        DataError: if a file cannot be read.
    """
    for name, digest in table.items():
        path = Path(folder) / name
        try:
            if os.path.lexists(path) and digest_of(path) != digest:
                return path
        except OSError as error:
            raise DataError(path, None, f"cannot be read ({error.strerror})", "check the permissions") from None
    return None


def check_files(folder: str | os.PathLike, table: Mapping[str, str], manifest: str | os.PathLike) -> None:
    """Raise unless the files of a folder are those of a manifest.

    Args:
        folder: Where the files stand.
        table: Of the manifest.
        manifest: Its path, for the message.

    Raises:
        DataError: if a file has another content than when the manifest was written.
    """
    path = other_file(folder, table)
    if path is not None:
        name = Path(manifest).name
        reason = f"is not the file that was written with the model ({manifest})"
        remedy = f"put the original back, train or export the model again, or remove {name} to use it as it is"
        raise DataError(path, None, reason, remedy)
