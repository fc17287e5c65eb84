"""Readers that end in one line whatever has happened to a file: of bytes, text, JSON, TOML and arrays."""

from __future__ import annotations

import contextlib
import errno
import io
import json
import os
import re
import stat
import time
import tomllib
import warnings
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

from keras_seq.core.errors import DataError, InputError

if TYPE_CHECKING:
    import numpy as np

# How long a FIFO is waited for until somebody opens its other end.
WAIT_SECONDS = 3.0
# No settings of ours are near: a deeper nest is a damaged file, and would end Python's recursion.
MOST_LEVELS = 32
# No recipe of ours is near: a larger file is of another kind, and takes minutes.
MOST_TOML = 250_000
_TOO_DEEP = f"nested more than {MOST_LEVELS} deep"
# The time that a key takes grows with the square of its dots.
_KEY = r"""(?:[\w-]++|"[^"\n]*+"|'[^'\n]*+')"""
_LONG_KEY = re.compile(rf"(?:^|[\[{{,])[ \t]*+{_KEY}(?:[ \t]*+\.[ \t]*+{_KEY}){{{MOST_LEVELS}}}", re.MULTILINE)


class _WatchedFile(io.FileIO):
    """A file that remembers whether its last reading came to an end, or to nothing yet."""

    has_writer = False

    def readinto(self, buffer: Any) -> Any:
        count = super().readinto(buffer)
        # 0 is the end: nobody writes. `None`: somebody may, but has not yet.
        self.has_writer = count != 0
        return count


def open_input(path: str | os.PathLike) -> IO[bytes]:
    """Open a file for reading; a FIFO, such as `<(...)` of a shell, need not have a writer yet.

    Args:
        path: The file.

    Returns:
        The open file; it may not be able to go back.

    Raises:
        OSError: if it cannot be opened, or nobody writes into a FIFO within 3 seconds.
        ValueError: if the name holds a zero byte.
    """
    if not stat.S_ISFIFO(os.stat(path).st_mode):
        return open(path, "rb")
    own = re.fullmatch(r"/dev/fd/(\d+)|/proc/self/fd/(\d+)|/dev/(stdin)", os.fspath(path))
    if own is not None:
        return os.fdopen(os.dup(int(own[1] or own[2] or 0)), "rb")
    raw = _WatchedFile(os.open(path, os.O_RDONLY | getattr(os, "O_NONBLOCK", 0)), "rb")
    file = io.BufferedReader(raw)
    end = time.monotonic() + WAIT_SECONDS
    while not file.peek(1) and not raw.has_writer:
        if time.monotonic() > end:
            file.close()
            raise OSError(errno.ETIMEDOUT, "is a FIFO into which nobody writes", os.fspath(path))
        time.sleep(0.02)
    os.set_blocking(raw.fileno(), True)
    return file


def check_ordinary(path: str | os.PathLike) -> None:
    """Raise if what is there can be read only once, such as a pipe, and is to be read more often.

    Raises:
        DataError: if it is neither an ordinary file nor a folder.
    """
    if os.path.exists(path) and not os.path.isfile(path) and not os.path.isdir(path):
        raise DataError(path, None, "is no ordinary file, and has to be read twice", "write its content into a file")


def expanded(path: str | os.PathLike) -> Path:
    """A path whose `~` or `~user` is the home folder.

    Raises:
        InputError: if there is no such user, or no home folder.
    """
    try:
        return Path(path).expanduser()
    except RuntimeError as error:
        raise InputError(f"{os.fspath(path)}: no such home folder ({error}); write the path out") from error


def read_bytes(path: str | os.PathLike, remedy: str, most: int | None = None) -> bytes:
    """Read a whole file.

    Args:
        path: The file.
        remedy: What the message advises.
        most: The most bytes it may have; `None`: an ordinary file of any size.

    Raises:
        DataError: if the file cannot be read, has more bytes, or is no ordinary file while `most` is `None`.
    """
    try:
        if most is None and os.path.exists(path) and not os.path.isfile(path):
            reason = "is a folder" if os.path.isdir(path) else "is no ordinary file"
            raise DataError(path, None, f"cannot be read ({reason})", remedy)
        with open_input(path) as file:
            content = file.read() if most is None else file.read(most + 1)
    except (OSError, ValueError) as error:
        if isinstance(error, DataError):
            raise
        raise DataError(path, None, f"cannot be read ({getattr(error, 'strerror', None) or error})", remedy) from error
    if most is not None and len(content) > most:
        raise DataError(path, None, f"has more than {most:,} bytes", remedy)
    return content


def read_text_file(path: str | os.PathLike, remedy: str) -> str:
    """Read UTF-8 text of an ordinary file.

    Args:
        path: The file.
        remedy: What the message advises.

    Raises:
        DataError: if the file cannot be read, or is not UTF-8.
    """
    content = read_bytes(path, remedy)
    try:
        return content.decode("utf-8")
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        raise DataError(path, line, f"not UTF-8 (byte {error.start})", remedy) from None


def read_names(path: str | os.PathLike, remedy: str) -> list[str]:
    """The names in a `tags.txt` or `labels.txt` of version 0.1.0, one a line, in the order of their ids.

    Args:
        path: The file.
        remedy: What the message advises.

    Raises:
        DataError: if the file cannot be read, is not UTF-8, or a line is empty, repeated or cut.
    """
    text = read_text_file(path, remedy).replace("\r\n", "\n")
    if not text.endswith("\n"):
        raise DataError(path, None, "empty" if not text else "its last line is cut", remedy)
    names = text.split("\n")[:-1]
    seen: dict[str, int] = {}
    for number, name in enumerate(names, start=1):
        if not name:
            raise DataError(path, number, "an empty line", remedy)
        if name in seen:
            raise DataError(path, number, f"repeats line {seen[name]}", remedy)
        seen[name] = number
    return names


def read_json_object(path: str | os.PathLike, remedy: str) -> dict[str, Any]:
    """Read a JSON file that holds an object.

    Args:
        path: The file.
        remedy: What the message advises.

    Raises:
        DataError: if the file cannot be read, or holds something else.

    Example:

    >>> import pathlib, tempfile
    >>> path = pathlib.Path(tempfile.mkdtemp()) / "encoder.json"
    >>> _ = path.write_text('{"max_characters": 20}')
    >>> read_json_object(path, "train again")
    {'max_characters': 20}
    """
    try:
        values = parse_json(read_text_file(path, remedy))
    except ValueError as error:
        if isinstance(error, DataError):
            raise
        raise DataError(path, None, f"damaged (is not JSON: {error})", remedy) from error
    if not isinstance(values, dict):
        raise DataError(path, None, f"damaged (no JSON object but a {type(values).__name__})", remedy)
    return values


def parse_json(text: str | bytes) -> Any:
    """What JSON text holds.

    Raises:
        ValueError: if it is not JSON, nested more than 32 deep, or has an integer of thousands of digits.
    """
    return _parsed(json.loads, text)


def parse_toml(text: str) -> dict[str, Any]:
    """What TOML text holds.

    Raises:
        TOMLDecodeError: if it is not TOML; the message tells line and column.
        ValueError: if it is nested more than 32 deep, has an integer of more than 64 bits, or more than 250,000
            characters.

    Example:

    >>> parse_toml("seed = 1")
    {'seed': 1}
    """
    if len(text) > MOST_TOML:
        raise ValueError(f"more than {MOST_TOML:,} characters")
    if _LONG_KEY.search(text):
        raise ValueError(_TOO_DEEP)
    return _parsed(tomllib.loads, text)


def _parsed(loads: Callable[[Any], Any], text: str | bytes) -> Any:
    try:
        values = loads(text)
    except RecursionError:
        raise ValueError(_TOO_DEEP) from None
    except ValueError as error:
        # Python's own message advises to change a limit of the interpreter.
        if "integer string conversion" in str(error):
            raise ValueError("an integer of thousands of digits") from error
        raise
    _check_levels(values)
    return values


def _check_levels(values: Any) -> None:
    """Raise unless a nest is shallow, and its integers have 64 bits, as TOML promises."""
    level: list[Any] = [values]
    for _ in range(MOST_LEVELS):
        following: list[Any] = []
        for value in level:
            if isinstance(value, dict | list):
                inner: Iterable[Any] = value.values() if isinstance(value, dict) else value
                following.extend(inner)
            elif isinstance(value, int) and not -(1 << 63) <= value < 1 << 63:
                raise ValueError("an integer of more than 64 bits")
        level = following
        if not level:
            return
    raise ValueError(_TOO_DEEP)


def read_arrays(path: str | os.PathLike) -> dict[str, np.ndarray]:
    """Read all arrays of an NPZ file; nothing is unpickled.

    Args:
        path: The file.

    Raises:
        OSError: if the file cannot be read.
        ValueError: if it is damaged, or of another kind, or memory is too small (then a `MemoryError` is the cause);
            with the reason.
    """

    with _npz(path) as file:
        arrays = {name: file[name] for name in file.files}
        for name, array in arrays.items():
            # What is no array comes as its bytes.
            if isinstance(array, bytes):
                raise ValueError(f"{name} is no array")
        return arrays


def array_names(path: str | os.PathLike) -> list[str]:
    """The names of the arrays of an NPZ file, of which none is read.

    Raises:
        OSError, ValueError: if `read_arrays` would raise one.
    """
    with _npz(path) as file:
        return list(file.files)


@contextlib.contextmanager
def _npz(path: str | os.PathLike) -> Iterator[Any]:
    import numpy as np

    if os.path.exists(path) and not (os.path.isfile(path) or os.path.isdir(path)):
        raise ValueError("is no ordinary file")  # to open a FIFO would be to wait for a writer
    # Opened here: NumPy leaves a broken file open.
    with open(path, "rb") as opened, warnings.catch_warnings():
        warnings.simplefilter("error")
        magic = opened.read(2)
        if magic != b"PK":
            # NumPy would take it for pickled objects, and advise to unpickle them.
            kind = "is no NPZ file; it holds one array" if magic == b"\x93N" else "is no NPZ file"
            raise ValueError(kind if magic else "is empty")
        opened.seek(0)
        try:
            with np.load(opened, allow_pickle=False) as file:
                yield file
        except Exception as error:
            # A flipped byte makes zipfile, zlib and NumPy's parser raise some twenty different exceptions.
            reason = " ".join(str(error).split())[:120] or type(error).__name__
            raise ValueError(f"is no whole NPZ file ({reason})") from error
