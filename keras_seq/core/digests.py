"""SHA-256 of files, folders and arrays."""

import hashlib
import os
from collections.abc import Mapping
from pathlib import Path

import numpy as np


def digest_of(path: str | os.PathLike) -> str:
    """The SHA-256 of a file's content, read in pieces; of a folder that of its files and their names.

    Where a folder or file stands, and when it was written, does not matter.

    Example:

    >>> import pathlib, tempfile
    >>> path = pathlib.Path(tempfile.mkdtemp()) / "a"
    >>> _ = path.write_bytes(b"abc")
    >>> digest_of(path)[:16]
    'ba7816bf8f01cfea'
    """
    path = Path(path)
    if path.is_dir():
        names = sorted(file.relative_to(path).as_posix() for file in path.rglob("*") if file.is_file())
        lines = [f"{digest_of(path / name)} {name}\n".encode("utf-8", "surrogateescape") for name in names]
        return hashlib.sha256(b"".join(lines)).hexdigest()
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def digest_of_arrays(arrays: Mapping[str, np.ndarray]) -> str:
    """The SHA-256 of arrays with their names, types and shapes, whatever their order."""
    found = hashlib.sha256()
    for name, array in sorted(arrays.items()):
        found.update(f"{name}\0{array.dtype.str}\0{array.shape}\0".encode())
        found.update(np.ascontiguousarray(array).tobytes())
    return found.hexdigest()
