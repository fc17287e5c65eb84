"""Writes that happen wholly or not at all."""

import contextlib
import os
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import IO, Any

from keras_seq.core.errors import InputError


@contextlib.contextmanager
def atomic_write(path: str | os.PathLike, mode: str = "wb") -> Iterator[IO[Any]]:
    """Open a temporary file that takes the place of `path` when the block ends without an error.

    Readers see the old file or the new one, never half of one: the new content is flushed and synced to the disk
    before the rename. When the block raises, or the disk is full, the old file stays as it was and the temporary
    file is removed.

    Args:
        path: The file to write. Its folder must exist.
        mode: `"wb"` for bytes, `"w"` for text (UTF-8, `\\n` line ends).

    Returns:
        A context manager that gives the open file.

    Raises:
        ValueError: When `mode` is neither `"wb"` nor `"w"`.
        InputError: When the folder does not exist or `path` is a folder.

    Example:

    >>> import tempfile, pathlib
    >>> path = pathlib.Path(tempfile.mkdtemp()) / "scores.txt"
    >>> with atomic_write(path, "w") as file:
    ...     _ = file.write("0.9")
    >>> path.read_text()
    '0.9'
    """
    if mode not in ("wb", "w"):
        raise ValueError(
            f"`mode` must be 'wb' or 'w'. Received: mode={mode!r}. Whole files only: no append, no update."
        )
    path = Path(path)
    if not path.parent.is_dir():
        raise InputError(f"{path}: the folder {path.parent} does not exist; create it first")
    if path.is_dir():
        raise InputError(f"{path}: is a folder, a file is to be written; name a file in it")
    descriptor, temporary = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.", suffix=".tmp")
    encoding, newline = (None, None) if mode == "wb" else ("utf-8", "\n")
    try:
        with os.fdopen(descriptor, mode, encoding=encoding, newline=newline) as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        # mkstemp makes files that only the owner may read: give the usual permissions, or those of the old file.
        os.chmod(temporary, path.stat().st_mode & 0o777 if path.exists() else 0o666 & ~_umask())
        os.replace(temporary, path)
    except BaseException:
        with contextlib.suppress(OSError):
            os.unlink(temporary)
        raise
    _sync_folder(path.parent)


@contextlib.contextmanager
def atomic_directory(path: str | os.PathLike) -> Iterator[Path]:
    """Give a temporary folder that becomes `path` when the block ends without an error.

    Args:
        path: The folder to make. Missing parents are created. An existing empty folder is replaced.

    Returns:
        A context manager that gives the temporary folder, a sibling of `path` on the same disk.

    Raises:
        InputError: When `path` exists and is a file or holds something.

    Example:

    >>> import tempfile, pathlib
    >>> target = pathlib.Path(tempfile.mkdtemp()) / "model"
    >>> with atomic_directory(target) as folder:
    ...     _ = (folder / "card.json").write_text("{}")
    >>> [file.name for file in target.iterdir()]
    ['card.json']
    """
    path = Path(path)
    _check_free(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = Path(tempfile.mkdtemp(dir=path.parent, prefix=f".{path.name}.", suffix=".tmp"))
    try:
        os.chmod(temporary, 0o777 & ~_umask())
        yield temporary
        for folder, _, names in os.walk(temporary):
            for name in names:
                _sync_file(os.path.join(folder, name))
        # The block may have taken long: look again, so that nothing written meanwhile is lost.
        _check_free(path)
        os.replace(temporary, path)
    except BaseException:
        shutil.rmtree(temporary, ignore_errors=True)
        raise
    _sync_folder(path.parent)


def _check_free(path):
    if path.is_dir():
        if any(path.iterdir()):
            raise InputError(f"{path}: exists and is not empty; remove it or name another folder")
    elif path.exists() or path.is_symlink():
        raise InputError(f"{path}: exists and is a file; remove it or name another folder")


def _umask():
    mask = os.umask(0)
    os.umask(mask)
    return mask


def _sync_file(path):
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _sync_folder(path):
    # Some file systems refuse to sync a folder: the rename itself has happened all the same.
    with contextlib.suppress(OSError):
        _sync_file(path)
