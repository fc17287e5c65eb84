"""The manifest of an exported version: its files, and what stood beside it when it was exported."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from keras_seq.core.digests import digest_of
from keras_seq.core.manifests import MANIFEST_FILE, check_files, digests_of, other_file, read_manifest, write_manifest
from keras_seq.core.notices import notify

# TensorFlow's name for files that a SavedModel carries along and does not read.
_FOLDER = "assets.extra"
_VERSION, _BESIDE = "version", "beside"
# Text for people, which may be improved.
_FREE = "README.md"


def write_version_manifest(version_folder: Path, beside: Sequence[Path]) -> None:
    """Write which files belong to a version.

    Args:
        version_folder: A complete SavedModel.
        beside: The files and folders that belong to it and stand in the folder of the model.
    """
    files = [entry.name for entry in version_folder.iterdir() if entry.name != _FOLDER]
    names = sorted(path.name for path in beside if path.name != _FREE)
    folder = version_folder / _FOLDER
    folder.mkdir(exist_ok=True)
    of_model = digests_of(beside[0].parent, names) if beside else {}
    write_manifest(folder / MANIFEST_FILE, {_VERSION: digests_of(version_folder, sorted(files)), _BESIDE: of_model})


def check_version(version_folder: Path) -> None:
    """Raise unless the files of a version are those that were exported.

    A version without a manifest, of an older version of this package, passes; a file that is not there is not missed.
    Of the highest version, a file beside it that is another one is named in a line on stderr: it may be of a version
    that was taken back, and no answer comes from it.

    Raises:
        DataError: If a file is another one; the message names it.
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
