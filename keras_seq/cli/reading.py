"""Texts that a command reads: lines of a file, or of stdin."""

import io
import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import IO, cast

from keras_seq.core.errors import DataError
from keras_seq.core.lines import lines_of, opened, plain, told

FORMAT = "write one text a line"


def read_lines(path: str, max_characters: int, check: Callable[[str, bytes], None] | None = None) -> Iterator[str]:
    """Read the texts of a file, one a line, with bounded memory.

    Args:
        path: A file, plain or gzip (told by content), UTF-8 with or without BOM; `-` is stdin.
        max_characters: A file with a longer line is of another kind.
        check: Called with the name of the file and its first bytes, before the first line; may raise.

    Raises:
        DataError: if a line is not UTF-8 text or too long, or the gzip file is damaged; with the line.
    """
    name = "stdin" if path == "-" else path
    with _stdin() if path == "-" else opened(path) as file:
        if check is not None:
            check(name, cast(io.BufferedReader, file).peek(1))
        for number, text in lines_of(file, name, FORMAT, max_bytes=4 * max_characters + 4):
            if "\0" in text:
                raise DataError(name, number, "holds a zero byte: not a text file", f"{FORMAT}, as UTF-8")
            if len(text) > max_characters:
                raise DataError(name, number, f"line of more than {max_characters:,} characters", FORMAT)
            yield text


def check_input(path: str | None) -> None:
    """Raise at once when the file cannot be read, before seconds are spent on loading a model."""
    if path is None or path == "-":
        return
    if os.path.isdir(path):
        raise DataError(path, None, "is a folder", "name a file in it")
    if not os.path.exists(path):
        raise DataError(path, None, "no such file", "check the name")
    if os.path.isfile(path):
        # Whoever writes into a FIFO would take this for all that is read of it.
        with open(path, "rb"):
            pass


@contextmanager
def _stdin() -> Iterator[IO[bytes]]:
    buffered = io.BufferedReader(cast(io.RawIOBase, sys.stdin.buffer))
    try:
        with told("stdin"), plain(buffered) as file:
            yield file
    finally:
        buffered.detach()
