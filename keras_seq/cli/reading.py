"""Texts that a command reads: lines of a file, or of stdin."""

import gzip
import os
import sys
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from keras_seq.core.errors import DataError


def read_lines(path: str, max_characters: int) -> Iterator[str]:
    """Read the texts of a file, one a line, with bounded memory.

    Args:
        path: A file, plain or gzip (told by content), UTF-8 with or without BOM; `-` is stdin.
        max_characters: A file with a longer line is of another kind.

    Raises:
        DataError: When a line is not UTF-8 text or too long, or the gzip file is damaged; with the line.
    """
    number = 0
    try:
        with _opened(path) as file:
            while line := file.readline(4 * max_characters + 4):
                number += 1
                yield _decoded(path, number, line, max_characters)
    except (EOFError, zlib.error, gzip.BadGzipFile) as error:
        raise DataError(path, number + 1, f"damaged gzip file ({error})", "fetch or compress it again") from error
    if not number:
        raise DataError("stdin" if path == "-" else path, None, "empty file", "write one text a line")


def check_input(path: str | None) -> None:
    """Raise at once when the file cannot be read, before seconds are spent on loading a model."""
    if path is None or path == "-":
        return
    if os.path.isdir(path):
        raise DataError(path, None, "is a folder", "name a file in it")
    if not os.path.exists(path):
        raise DataError(path, None, "no such file", "check the name")
    with open(path, "rb"):
        pass


@contextmanager
def _opened(path: str) -> Iterator[Any]:
    if path == "-":
        yield sys.stdin.buffer
        return
    with open(path, "rb") as raw:
        is_gzip = raw.read(2) == b"\x1f\x8b"
        raw.seek(0)
        if is_gzip:
            with gzip.open(raw) as file:
                yield file
        else:
            yield raw


def _decoded(path: str, number: int, line: bytes, max_characters: int) -> str:
    name = "stdin" if path == "-" else path
    too_long = DataError(name, number, f"line of more than {max_characters:,} characters", "write one text a line")
    if len(line) > 4 * max_characters:
        raise too_long
    try:
        text = line.decode("utf-8-sig" if number == 1 else "utf-8").rstrip("\r\n")
    except UnicodeDecodeError as error:
        reason = f"not UTF-8 (byte 0x{line[error.start]:02x} at position {error.start + 1})"
        raise DataError(name, number, reason, "convert the file to UTF-8") from None
    if "\0" in text:
        raise DataError(name, number, "holds a zero byte: not a text file", "write one text a line, as UTF-8")
    if len(text) > max_characters:
        raise too_long
    return text
