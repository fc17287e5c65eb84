"""Readers of this package's own files, which whatever has happened to a file end in one line."""

import json
import os
import warnings
from pathlib import Path
from typing import Any

import numpy as np

from keras_seq.core.errors import DataError


def read_text_file(path: str | os.PathLike, remedy: str) -> str:
    """Read UTF-8 text.

    Args:
        path: The file.
        remedy: What the message advises.

    Raises:
        DataError: if the file cannot be read, or is not UTF-8.
    """
    try:
        content = Path(path).read_bytes()
    except OSError as error:
        raise DataError(path, None, f"cannot be read ({error.strerror})", remedy) from None
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
    text = read_text_file(path, remedy)
    try:
        values = json.loads(text)
    except (ValueError, RecursionError) as error:
        reason = "nested too deeply" if isinstance(error, RecursionError) else str(error)
        raise DataError(path, None, f"damaged (is not JSON: {reason})", remedy) from None
    if not isinstance(values, dict):
        raise DataError(path, None, f"damaged (no JSON object but a {type(values).__name__})", remedy)
    return values


def read_arrays(path: str | os.PathLike) -> dict[str, np.ndarray]:
    """Read all arrays of an NPZ file; nothing is unpickled.

    Args:
        path: The file.

    Raises:
        OSError: if the file cannot be read.
        ValueError: if it is damaged, or of another kind, or memory is too small (then a `MemoryError` is the cause);
            with the reason.
    """
    if Path(path).is_fifo():
        raise ValueError("is no file but a FIFO")  # opening it would wait for a writer
    # Opened here: NumPy leaves a broken file open.
    with open(path, "rb") as opened, warnings.catch_warnings():
        warnings.simplefilter("error")
        if opened.read(2) != b"PK":
            # NumPy would take it for pickled objects, and advise to unpickle them.
            raise ValueError("is no NPZ file" if os.fstat(opened.fileno()).st_size else "is empty")
        opened.seek(0)
        try:
            with np.load(opened, allow_pickle=False) as file:
                return {name: file[name] for name in file.files}
        except Exception as error:
            # A flipped byte makes zipfile, zlib and NumPy's parser raise some twenty different exceptions.
            reason = " ".join(str(error).split())[:120] or type(error).__name__
            raise ValueError(f"is no whole NPZ file ({reason})") from error
