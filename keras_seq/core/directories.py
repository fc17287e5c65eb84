"""Folders that change wholly or not at all."""

import contextlib
import os
import re
import shutil
import sys
from collections.abc import Iterator
from pathlib import Path

from keras_seq.core.errors import InputError
from keras_seq.core.files import (
    is_leftover,
    keep_permissions,
    locked,
    remove,
    remove_leftovers,
    sync_file,
    sync_folder,
    temporary_folder,
)
from keras_seq.core.locks import LOCK_FILE

# In the names of folders, so that no other's are taken for ours.
_MARK = "keras-seq"
# In a folder that is changed entry by entry: what is still to take its place.
_NEXT = f".{_MARK}-next"


@contextlib.contextmanager
def changed_directory(path: str | os.PathLike) -> Iterator[Path]:
    """Give an empty folder; what is written there joins what is in `path`, all of it at one moment.

    Where the block ends without an error, what it wrote takes its place in `path`, beside what `path` held besides. On
    Linux `path` leads, for that moment, to a second folder that holds both (as hard links, where there are some): a
    kill at any moment leaves the old folder or the new one. In the end `path` is the same folder as before, so that
    what is open in it, or mounted from it into a container, sees the change. Where the system cannot exchange folders,
    there are two renames: a kill between them leaves no folder at `path`, but both whole beside it. What cannot be
    renamed either (a mount point, a folder of a lower layer of an overlay, one whose parent may not be written) is
    changed entry by entry. After a kill in these two, `restore_directory` completes the change.

    Hold a lock at `lock_path_of`: two of these at once on one folder would lose what one of them wrote. What a kill has
    left is removed.

    Args:
        path: The folder; it is made when missing, and its parents with it. A link is followed.

    Returns:
        A context manager that gives the folder to write into, on the same disk.

    Raises:
        InputError: if `path` is a file.

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
    is_fixed = _is_fixed(place)
    temporary = place / place.name if is_fixed else place
    remove_leftovers(temporary.parent, temporary.name)
    with temporary_folder(temporary) as folder:
        yield folder
        for parent, _, names in os.walk(folder):
            for name in names:
                sync_file(os.path.join(parent, name))
            sync_folder(parent)
        if not place.exists():
            os.rename(folder, place)
        elif is_fixed or not _switched(folder, place):
            os.rename(folder, place / _NEXT)
            _take_next(place)
    sync_folder(place.parent)


def lock_path_of(path: str | os.PathLike) -> Path:
    """Where to lock a folder while it is changed, which may not exist: beside it, or in it where that must be."""
    place = Path(os.path.realpath(path))
    return place / LOCK_FILE if _is_fixed(place) else place.with_name(f".{place.name}.lock")


def restore_directory(path: str | os.PathLike) -> None:
    """Complete what a kill in `changed_directory` has left half done, where the system could not do it in one step.

    Does nothing where there is no such thing. Call it before the folder is looked for.
    """
    place = Path(path)
    with contextlib.suppress(OSError):
        if not os.path.lexists(place):
            for folder in (_beside(place, "next"), _beside(place, "last")):
                if folder.is_dir():
                    os.rename(folder, place)
                    break
        elif (place / _NEXT).is_dir():
            with locked(place / _NEXT) as is_free:
                # Else who writes it is alive.
                if is_free:
                    _take_next(place)


def restore_directories(folder: str | os.PathLike) -> None:
    """As `restore_directory`, for all folders in a folder."""
    for entry in Path(folder).iterdir():
        match = re.fullmatch(rf"\.(.+)\.{_MARK}-next", entry.name)
        restore_directory(entry.with_name(match[1]) if match else entry)


def _beside(place: Path, word: str) -> Path:
    return place.parent / f".{place.name}.{_MARK}-{word}"


def _is_fixed(place: Path) -> bool:
    """Whether a folder cannot be renamed, or nothing can be written beside it."""
    return place.is_dir() and (os.path.ismount(place) or not os.access(place.parent, os.W_OK | os.X_OK))


def _switched(folder: Path, place: Path) -> bool:
    """Let what is in a folder take its place in another one, all at once; `False` where the system cannot."""
    new = os.listdir(folder)
    old = [entry.name for entry in place.iterdir() if not is_leftover(entry)]
    linked = [name for name in old if name not in new]
    for name in linked:
        _link(place / name, folder / name)
    keep_permissions(place, folder)
    sync_folder(folder)
    before: Path | None = folder
    if _exchange(folder, place):
        # The change is made, whatever comes. `folder` is the old one, which gets the new content and goes back.
        with contextlib.suppress(OSError):
            (folder / _NEXT).mkdir()
            for name in new:
                _link(place / name, folder / _NEXT / name)
            _take_next(folder)
            _exchange(folder, place)
    else:
        before = _renamed(folder, place)
    if before is None:
        for name in linked:
            remove(folder / name)
        return False
    # What came while all this was done.
    for entry in before.iterdir():
        is_new = entry.name not in (*old, _NEXT) and not is_leftover(entry)
        if is_new and not os.path.lexists(place / entry.name):
            os.replace(entry, place / entry.name)
    shutil.rmtree(before, ignore_errors=True)
    return True


def _renamed(folder: Path, place: Path) -> Path | None:
    """Let a folder take the place of another one; gives where that one is now, or `None` where it must stay."""
    following, last = _beside(place, "next"), _beside(place, "last")
    for rest in (following, last):
        shutil.rmtree(rest, ignore_errors=True)
    os.rename(folder, following)
    try:
        os.rename(place, last)
    except OSError:
        # A folder of a lower layer of an overlay, for instance.
        os.rename(following, folder)
        return None
    # A reader that has found the gap has done it by now.
    with contextlib.suppress(FileNotFoundError):
        os.rename(following, place)
    return last


def _take_next(place: Path) -> None:
    """Move what is in the folder `_NEXT` to its place, one entry after the other."""
    following = place / _NEXT
    # Numbers, which servers look for, come last.
    for entry in sorted(following.iterdir(), reverse=True):
        target = place / entry.name
        if os.path.isdir(target) or (os.path.lexists(target) and entry.is_dir()):
            remove(target)
        os.replace(entry, target)
    following.rmdir()
    sync_folder(place)


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
