"""Writes that happen wholly or not at all."""

import contextlib
import errno
import os
import re
import secrets
import shutil
import socket
import stat
import sys
import time
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import IO, Any

from keras_seq.core.errors import InputError
from keras_seq.core.locks import is_at, try_lock
from keras_seq.core.reading import WAIT_SECONDS

# How many links lead to a file at most, as Linux counts.
_MOST_LINKS = 40
_TEMPORARY = ".tmp"
# Of this version and of those before it.
_LEFTOVER = re.compile(r"\..*\.[a-z0-9_]{8}\.tmp", re.DOTALL)


@contextlib.contextmanager
def atomic_write(path: str | os.PathLike, mode: str = "wb") -> Iterator[IO[Any]]:
    """Open a temporary file that takes the place of `path` when the block ends without an error.

    Readers see the old file or the new one, never half of one: the new content is flushed and synced to the disk
    before the rename. When the block raises, or the disk is full, the old file stays as it was and the temporary
    file is removed. A link is followed: it stays, and the file that it leads to is replaced. The permissions of a file
    that is replaced stay.

    What is no ordinary file (a device, a FIFO, a socket, an open descriptor such as `/dev/stdout`) is written into as
    the content comes, and never replaced.

    Args:
        path: The file to write. Its folder must exist.
        mode: `"wb"` for bytes, `"w"` for text (UTF-8, `\\n` line ends).

    Returns:
        A context manager that gives the open file.

    Raises:
        ValueError: if `mode` is neither `"wb"` nor `"w"`.
        InputError: if the folder does not exist or cannot be written, `path` is a folder, or links lead in a circle.

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
    encoding, newline = (None, None) if mode == "wb" else ("utf-8", "\n")
    place = _destination(Path(path))
    if isinstance(place, int) or _is_special(place):
        with os.fdopen(_open_special(Path(path), place), mode, encoding=encoding, newline=newline) as file:
            yield file
        return
    descriptor, temporary = _temporary_file(Path(path), place)
    try:
        with os.fdopen(descriptor, mode, encoding=encoding, newline=newline) as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
            keep_permissions(place, temporary)
            if os.name != "nt":
                # While it is open, and so locked: nobody takes it for what a kill has left.
                os.replace(temporary, place)
        if os.name == "nt":
            os.replace(temporary, place)
    except BaseException:
        with contextlib.suppress(OSError):
            os.unlink(temporary)
        raise
    sync_folder(place.parent)


def check_output(path: str | os.PathLike, inputs: Iterable[str | os.PathLike] = ()) -> None:
    """Raise at once when `atomic_write` could not write a file, before time is spent on its content.

    Args:
        path: The file that is to be written.
        inputs: The files that its content comes from; `"-"` is stdin. None of them may be the same file, under
            whatever name.

    Raises:
        InputError: if it cannot be written, or would take the place of an input.
    """
    path = Path(path)
    place = _destination(path)
    try:
        if isinstance(place, int):
            _check_open(place)
        # A number stands for what is open, too.
        found = os.stat(place) if isinstance(place, int) or place.exists() else None
    except OSError as error:
        raise _not_written(path, error) from error
    if isinstance(place, Path):
        if found is not None and not os.access(place, os.W_OK):
            raise InputError(f"{path}: cannot be written (Permission denied); name another place")
        if not _is_special(place) and not os.access(place.parent, os.W_OK | os.X_OK):
            raise InputError(f"{path}: the folder {place.parent} cannot be written; name another place")
    if found is None or not stat.S_ISREG(found.st_mode):
        return
    for source in inputs:
        with contextlib.suppress(OSError):
            if os.path.samestat(found, os.stat(0 if os.fspath(source) == "-" else source)):
                raise InputError(f"{path}: is the input ({source}), which would be lost; name another file")


@contextlib.contextmanager
def atomic_file(path: str | os.PathLike) -> Iterator[Path]:
    """As `atomic_write`, for writers that want a path: give one of the same name, in a temporary folder.

    Args:
        path: The file that is to be replaced. Its folder must exist.

    Returns:
        A context manager that gives the path to write.

    Raises:
        InputError: if `atomic_write` would raise it.
    """
    place = _destination(Path(path))
    if isinstance(place, int) or _is_special(place):
        raise InputError(f"{path}: is no ordinary file; name one")
    with temporary_folder(place) as folder:
        yield folder / place.name
        sync_file(folder / place.name)
        keep_permissions(place, folder / place.name)
        os.replace(folder / place.name, place)
    sync_folder(place.parent)


def remove_leftovers(folder: str | os.PathLike, name: str = "") -> None:
    """Remove the temporary files and folders that a kill has left; those of a live writer stay.

    Args:
        folder: Where to look.
        name: Only what was to become the file or folder of this name.
    """
    for entry in Path(folder).iterdir():
        if is_leftover(entry) and entry.name.startswith(f".{name[:_NAME_PART]}." if name else "."):
            with contextlib.suppress(OSError), locked(entry) as is_free:
                if is_free:
                    remove(entry)


# Of a name, what the name of its temporary file begins with: that one must not be too long.
_NAME_PART = 40


def _destination(path: Path) -> Path | int:
    """Where links lead to: the file to write, or the number of an open file of this process."""
    place = path
    for _ in range(_MOST_LINKS):
        if place.is_dir():
            raise InputError(f"{path}: is a folder, a file is to be written; name a file in it")
        if not place.parent.is_dir():
            raise InputError(f"{path}: the folder {place.parent} does not exist; create it first")
        place = Path(os.path.realpath(place.parent)) / place.name
        owner, number = _descriptor(place)
        if number is not None and owner in ("fd", os.path.basename(os.path.realpath("/proc/self"))):
            return number
        # The descriptors of another process look like links, and lead nowhere.
        if number is not None or not place.is_symlink():
            return place
        place = place.parent / os.readlink(place)
    raise InputError(f"{path}: links lead in a circle; name a file")


def _descriptor(place: Path) -> tuple[str, int | None]:
    match = re.fullmatch(r"/proc/(\d+)(?:/task/\d+)?/fd/(\d+)|/dev/(fd)/(\d+)", os.fspath(place))
    return ("", None) if match is None else (match[1] or match[3], int(match[2] or match[4]))


def _is_special(place: Path) -> bool:
    if _descriptor(place)[1] is not None:
        return True
    return os.path.exists(place) and not stat.S_ISREG(os.stat(place).st_mode)


def _open_special(path: Path, place: Path | int) -> int:
    try:
        if isinstance(place, int):
            for stream in (sys.stdout, sys.stderr):
                if stream is not None:
                    stream.flush()
            _check_open(place)
            return os.dup(place)
        if stat.S_ISSOCK(os.stat(place).st_mode):
            with socket.socket(socket.AF_UNIX) as connection:
                connection.connect(os.fspath(place))
                return connection.detach()
        # Without O_CREAT: a device that is gone by now does not become a file.
        flags = os.O_WRONLY | getattr(os, "O_NOCTTY", 0)
        return _open_fifo(place, flags) if stat.S_ISFIFO(os.stat(place).st_mode) else os.open(place, flags)
    except OSError as error:
        raise _not_written(path, error) from error


def _open_fifo(place: Path, flags: int) -> int:
    """Open a FIFO, whose reader may come a little later."""
    end = time.monotonic() + WAIT_SECONDS
    while True:
        try:
            descriptor = os.open(place, flags | os.O_NONBLOCK)
            break
        except OSError as error:
            if error.errno != errno.ENXIO:
                raise
            if time.monotonic() > end:
                raise OSError(errno.ETIMEDOUT, "is a FIFO from which nobody reads") from None
        time.sleep(0.02)
    os.set_blocking(descriptor, True)
    return descriptor


def _check_open(number: int) -> None:
    """Raise an `OSError` unless something is open for writing."""
    os.write(number, b"")


def _not_written(path: Path, error: OSError) -> InputError:
    return InputError(f"{path}: cannot be written ({error.strerror or error}); name another place")


def _temporary_name(place: Path) -> Path:
    return place.parent / f".{place.name[:_NAME_PART]}.{secrets.token_hex(4)}{_TEMPORARY}"


def _temporary_file(path: Path, place: Path) -> tuple[int, Path]:
    """A new file beside another one, open and locked."""
    flags = os.O_RDWR | os.O_CREAT | os.O_EXCL | getattr(os, "O_BINARY", 0)
    while True:
        temporary = _temporary_name(place)
        try:
            # What replaces a file that only its owner may read is never open to others.
            descriptor = os.open(temporary, flags, 0o600 if place.exists() else 0o666)
        except PermissionError as error:
            raise _no_right(path, place, error) from error
        if os.name == "nt" or (try_lock(descriptor) and os.fstat(descriptor).st_nlink):
            return descriptor, temporary
        # Taken for a leftover between the two calls.
        os.close(descriptor)


def _no_right(path: Path, place: Path, error: OSError) -> InputError:
    return InputError(f"{path}: the folder {place.parent} cannot be written ({error.strerror}); name another place")


@contextlib.contextmanager
def temporary_folder(place: Path) -> Iterator[Path]:
    """A new folder beside a file or folder, locked; it is removed at the end.

    Raises:
        InputError: if the folder that holds them cannot be written.
    """
    folder = _temporary_name(place)
    try:
        os.mkdir(folder)
    except PermissionError as error:
        raise _no_right(place, place, error) from error
    try:
        with _opened(folder) as descriptor:
            try_lock(descriptor)
            yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


@contextlib.contextmanager
def _opened(place: Path) -> Iterator[int]:
    if os.name == "nt" and place.is_dir():
        yield -1  # Windows opens no folders; it removes none in which a file is open either
        return
    descriptor = os.open(place, os.O_RDONLY if place.is_dir() else os.O_RDWR)
    try:
        yield descriptor
    finally:
        os.close(descriptor)


@contextlib.contextmanager
def locked(place: Path) -> Iterator[bool]:
    """Lock a temporary file or folder while the block runs; gives `False` where whoever writes it is alive.

    Raises:
        OSError: if it is gone, or cannot be opened.
    """
    with _opened(place) as descriptor:
        yield try_lock(descriptor) and (os.name == "nt" or is_at(descriptor, place))


def is_leftover(entry: Path) -> bool:
    """Whether a kill has left a file or folder, or a live writer has not finished it: nobody else's business."""
    return _LEFTOVER.fullmatch(entry.name) is not None


def keep_permissions(place: Path, temporary: Path) -> None:
    """Let what takes the place of a file or folder have its owner and its permissions."""
    if not place.exists():
        return
    old, new = place.stat(), temporary.stat()
    if hasattr(os, "chown") and (old.st_uid, old.st_gid) != (new.st_uid, new.st_gid):
        # Only the superuser may give files away.
        with contextlib.suppress(OSError):
            os.chown(temporary, old.st_uid, old.st_gid)
    os.chmod(temporary, stat.S_IMODE(old.st_mode))


def remove(entry: Path) -> None:
    """Remove a file, a link, or a folder with all that is in it."""
    if entry.is_dir() and not entry.is_symlink():
        shutil.rmtree(entry, ignore_errors=True)
    else:
        os.unlink(entry)


def sync_file(path: str | os.PathLike) -> None:
    """Let the content of a file reach the disk."""
    descriptor = os.open(path, os.O_RDWR if os.name == "nt" else os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def sync_folder(path: str | os.PathLike) -> None:
    """Let renames in a folder reach the disk."""
    # Some file systems refuse to sync a folder: the rename itself has happened all the same.
    with contextlib.suppress(OSError):
        sync_file(path)
