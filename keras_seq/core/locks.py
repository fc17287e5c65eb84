"""Locks that the system releases when their process ends, however it ends."""

import contextlib
import errno
import os
import socket
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from keras_seq.core.errors import InputError

fcntl: Any
msvcrt: Any
try:
    import fcntl
except ImportError:  # Windows
    fcntl = None
    import msvcrt

LOCK_FILE = ".lock"
# Windows forbids to read what is locked: one byte is, far behind the text.
_LOCKED_BYTE = 1 << 30
_HELD = (errno.EWOULDBLOCK, errno.EAGAIN, errno.EACCES, errno.EDEADLK)


class InUseError(InputError):
    """Another process, or another thread of this one, works on the same files."""


@contextlib.contextmanager
def exclusive_lock(path: str | os.PathLike, what: str) -> Iterator[None]:
    """Hold a lock file while the block runs.

    The lock lies on the open file, not on its presence: a process that is killed gives it back. It holds between
    threads as between processes, on one machine, and on network file systems that know locks; on one that knows none
    nothing is locked. The file is removed at the end; one that a kill has left is taken over.

    Args:
        path: The file; its folder exists.
        what: What is done meanwhile, and to what, for the message: `"runs/a: is being trained"`.

    Raises:
        InUseError: if the lock is held; the message names the process that holds it.
        OSError: if the file cannot be made.

    Example:

    >>> import tempfile, pathlib
    >>> path = pathlib.Path(tempfile.mkdtemp()) / ".lock"
    >>> with exclusive_lock(path, "run: is being trained"):
    ...     path.exists()
    True
    >>> path.exists()
    False
    """
    descriptor = _locked(Path(path), what)
    try:
        os.ftruncate(descriptor, 0)
        os.write(descriptor, f"process {os.getpid()} on {socket.gethostname()}".encode())
        yield
    finally:
        # While the lock is held: who waits for this very file sees that it is gone, and makes a new one.
        with contextlib.suppress(OSError):
            os.unlink(path)
        os.close(descriptor)


def try_lock(descriptor: int) -> bool:
    """Lock an open file, or folder, until it is closed; `False` when another holds it.

    Where the file system knows no locks, nothing is locked and the answer is `True`.
    """
    try:
        if fcntl is not None:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        else:
            os.lseek(descriptor, _LOCKED_BYTE, os.SEEK_SET)
            try:
                msvcrt.locking(descriptor, msvcrt.LK_NBLCK, 1)
            finally:
                os.lseek(descriptor, 0, os.SEEK_SET)
    except OSError as error:
        return error.errno not in _HELD
    return True


def _locked(path: Path, what: str) -> int:
    while True:
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o666)
        if not try_lock(descriptor):
            with contextlib.closing(os.fdopen(descriptor, "rb", buffering=0)) as file:
                holder = file.read(200).decode(errors="replace") or "another process"
            raise InUseError(f"{what} by {holder}; wait until it has ended, or stop it")
        if is_at(descriptor, path):
            return descriptor
        # The one that held it has removed it between the two calls.
        os.close(descriptor)


def is_at(descriptor: int, path: Path) -> bool:
    """Whether an open file or folder is still the one of that name."""
    try:
        return os.path.samestat(os.fstat(descriptor), os.stat(path))
    except FileNotFoundError:
        return False
