"""The manifest of an exported version: its files, and what stood beside it when it was exported."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from pathlib import Path

from keras_seq.core.digests import digest_of
from keras_seq.core.errors import InputError
from keras_seq.core.manifests import MANIFEST_FILE, check_files, digests_of, other_file, read_manifest, write_manifest
from keras_seq.core.notices import notify
from keras_seq.export.task_file import TASK_FILE, TaskFile

# TensorFlow's name for files that a SavedModel carries along and does not read.
_FOLDER = "assets.extra"
_VERSION, _BESIDE = "version", "beside"
_MARKER = f"assets/{TASK_FILE}"
# Text for people, which may be improved.
_FREE = "README.md"


def write_version_manifest(version_folder: Path, beside: Sequence[Path], task_file: TaskFile | None = None) -> None:
    """Write which files belong to a version, and after all others the one that says what it is.

    Args:
        version_folder: A complete SavedModel.
        beside: The files and folders that belong to it and stand in the folder of the model.
        task_file: What becomes `assets/task.json`: where it stands, nothing else is missing.
    """
    files = [entry.name for entry in version_folder.iterdir() if entry.name != _FOLDER]
    names = sorted(path.name for path in beside if path.name != _FREE)
    folder = version_folder / _FOLDER
    folder.mkdir(exist_ok=True)
    of_model = digests_of(beside[0].parent, names) if beside else {}
    of_version = digests_of(version_folder, sorted(files))
    if task_file is not None:
        of_version[_MARKER] = hashlib.sha256(task_file.content().encode()).hexdigest()
    write_manifest(folder / MANIFEST_FILE, {_VERSION: of_version, _BESIDE: of_model})
    if task_file is not None:
        task_file.write(version_folder / _MARKER)


def check_complete(version_folder: Path) -> None:
    """Raise if a version lacks its `assets/task.json`, the last file that an export or a copy writes.

    Raises:
        InputError: if its manifest names one, and it is not there.
    """
    table = read_manifest(version_folder / _FOLDER / MANIFEST_FILE).get(_VERSION, {})
    if _MARKER in table and not (version_folder / _MARKER).is_file():
        raise InputError(f"{version_folder}: lacks {_MARKER}, so it is not whole; copy it or export the model again")


def check_version(version_folder: Path) -> None:
    """Raise unless the files of a version are those that were exported.

    A version without a manifest, of an older version of this package, passes; a file that is not there is not missed.
    Of the highest version, a file beside it that is another one is named in a line on stderr: it may be of a version
    that was taken back, and no answer comes from it.

    Raises:
        DataError: if a file is another one; the message names it.
    """
    path = version_folder / _FOLDER / MANIFEST_FILE
    tables = read_manifest(path)
    check_files(version_folder, tables.get(_VERSION, {}), path)
    if _is_highest(version_folder):
        other = other_file(version_folder.resolve().parent, tables.get(_BESIDE, {}))
        if other is not None:
            notify(f"{other}: was not exported with version {version_folder.resolve().name}, which answers without it")


def is_of_version(file: Path, version_folder: Path) -> bool:
    """Whether a file beside a version belongs to it, not to a higher one; `True` where no manifest tells."""
    name = file.name
    table = read_manifest(version_folder / _FOLDER / MANIFEST_FILE).get(_BESIDE, {})
    return name not in table or digest_of(file) == table[name]


def _is_highest(version_folder: Path) -> bool:
    place = version_folder.resolve()
    if not place.name.isdecimal():
        return False
    return all(int(entry.name) <= int(place.name) for entry in place.parent.iterdir() if entry.name.isdecimal())
