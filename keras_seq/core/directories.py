"""Folders that change wholly or not at all."""

import contextlib
import os
import shutil
import sys
from collections.abc import Iterator
from pathlib import Path

from keras_seq.core.errors import InputError
from keras_seq.core.files import is_leftover, keep_permissions, sync_file, sync_folder, temporary_folder


@contextlib.contextmanager
def changed_directory(path: str | os.PathLike) -> Iterator[Path]:
    """Give an empty folder; what is written there joins what is in `path`, all of it at one moment.

    Where the block ends without an error, what it wrote and what `path` held besides (as hard links, where there are
    some) become `path`. On Linux the two folders change places in one step of the system, so that a kill at any moment
    leaves the old folder or the new one. Elsewhere there are two renames: a kill between them leaves no folder at
    `path`, but both whole beside it, and `restore_directory` puts the new one there.

    Hold a lock: two of these at once on one folder would lose what one of them wrote.

    Args:
        path: The folder; it is made when missing, and its parents with it. A link is followed.

    Returns:
        A context manager that gives the folder to write into, on the same disk.

    Raises:
        InputError: When `path` is a file.

    Example:

    >>> import tempfile, pathlib
    >>> target = pathlib.Path(tempfile.mkdtemp()) / "model"
    >>> for name in ("card.json", "README.md"):
    ...     with changed_directory(target) as folder:
    ...         _ = (folder / name).write_text("{}")
    >>> sorted(file.name for file in target.iterdir())
    ['README.md', 'card.json']
    """
    place = Path(os.path.realpath(path))
    if place.is_symlink() or (place.exists() and not place.is_dir()):
        raise InputError(f"{path}: exists and is a file; remove it or name another folder")
    place.parent.mkdir(parents=True, exist_ok=True)
    restore_directory(place)
    with temporary_folder(place) as folder:
        yield folder
        for parent, _, names in os.walk(folder):
            for name in names:
                sync_file(os.path.join(parent, name))
            sync_folder(parent)
        old = {entry.name for entry in place.iterdir() if not is_leftover(entry)} if place.exists() else set()
        for name in old:
            if not os.path.lexists(folder / name):
                _link(place / name, folder / name)
        if place.exists():
            keep_permissions(place, folder)
        sync_folder(folder)
        before = _switch(folder, place)
        if before is not None:
            # What came while the folder was filled.
            for entry in before.iterdir():
                if entry.name not in old and not is_leftover(entry) and not os.path.lexists(place / entry.name):
                    os.replace(entry, place / entry.name)
            shutil.rmtree(before, ignore_errors=True)
    sync_folder(place.parent)


def restore_directory(path: str | os.PathLike) -> None:
    """Put in place what a kill between the two renames of `changed_directory` has left beside a folder.

    Does nothing where the folder stands. Call it before the folder is looked for.
    """
    place = Path(path)
    new, old = _beside(place, "next"), _beside(place, "last")
    if not os.path.lexists(place):
        for folder in (new, old):
            if folder.is_dir():
                with contextlib.suppress(OSError):
                    os.rename(folder, place)
                break


def restore_directories(folder: str | os.PathLike) -> None:
    """As `restore_directory`, for all folders in a folder."""
    for entry in Path(folder).glob(".*.next"):
        restore_directory(entry.with_name(entry.name[1:].removesuffix(".next")))


def _switch(new: Path, place: Path) -> Path | None:
    """Let a whole folder take the place of another one; gives where that one is now."""
    following, last = _beside(place, "next"), _beside(place, "last")
    if not place.exists():
        os.rename(new, place)
        return None
    for folder in (following, last):
        shutil.rmtree(folder, ignore_errors=True)
    if _exchange(new, place):
        return new
    os.rename(new, following)
    try:
        os.rename(place, last)
    except OSError:
        # A mount point, or a folder of a lower layer: it stays as it was.
        os.rename(following, new)
        raise
    # A reader that has found the gap has done it by now.
    with contextlib.suppress(FileNotFoundError):
        os.rename(following, place)
    return last


def _exchange(one: Path, other: Path) -> bool:
    """Exchange two folders in one step; `False` where the system cannot."""
    if sys.platform != "linux":
        return False
    import ctypes

    at_working_directory, exchange = -100, 2
    try:
        rename = ctypes.CDLL(None, use_errno=True).renameat2
    except (OSError, AttributeError):
        return False
    return rename(at_working_directory, os.fsencode(one), at_working_directory, os.fsencode(other), exchange) == 0


def _beside(place: Path, word: str) -> Path:
    return place.parent / f".{place.name}.{word}"


def _link(source: Path, target: Path) -> None:
    if source.is_dir() and not source.is_symlink():
        shutil.copytree(source, target, symlinks=True, copy_function=_link_file)
    else:
        _link_file(source, target)


def _link_file(source: str | os.PathLike, target: str | os.PathLike) -> None:
    try:
        os.link(source, target, follow_symlinks=False)
    except (OSError, NotImplementedError):
        shutil.copy2(source, target, follow_symlinks=False)
