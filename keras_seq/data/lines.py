"""Lines of a text file, one by one: plain or gzip, UTF-8, with errors that name the line."""

import codecs
import contextlib
import gzip
import math
import os
import re
import zlib
from collections.abc import Iterator
from typing import IO, cast

from keras_seq.core.errors import DataError

# No real line is near: a longer one means a file of another kind, and must not fill the memory.
MAX_LINE_BYTES = 1_000_000
PIECE_BYTES = 1 << 20
_NUMBER = re.compile(r"[+-]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]{1,3})?")


def read_lines(path: str | os.PathLike, file_format: str) -> Iterator[tuple[int, str]]:
    """Number and text of each line, without its end; memory does not grow with the file.

    Plain or gzip (told by content, not by name), UTF-8 with or without BOM, LF or CRLF.

    Args:
        path: The file.
        file_format: What a file of this kind looks like: the remedy when it is empty or has an endless line.

    Returns:
        An iterator over `(number, text)`, numbers from 1.

    Raises:
        DataError: When the file is missing, a folder, empty, not UTF-8, damaged gzip, or has a line of more than
            1,000,000 bytes.

    Example:

    >>> import tempfile, pathlib
    >>> path = pathlib.Path(tempfile.mkdtemp()) / "a.txt"
    >>> _ = path.write_bytes(b"um\\r\\ndois")
    >>> list(read_lines(path, "any text"))
    [(1, 'um'), (2, 'dois')]
    """
    with _opened(path) as file:
        yield from _decode(path, file, file_format)


def read_pieces(path: str | os.PathLike, file_format: str) -> Iterator[str]:
    """The text of a whole file in pieces of about a million characters, cut anywhere; no line is too long.

    Read as by `read_lines`; CRLF becomes LF.

    Args:
        path: The file.
        file_format: The remedy when the file is empty.

    Returns:
        An iterator over strings, none of them empty.

    Raises:
        DataError: When the file is missing, a folder, empty, not UTF-8, or damaged gzip.

    Example:

    >>> import tempfile, pathlib
    >>> path = pathlib.Path(tempfile.mkdtemp()) / "a.txt"
    >>> _ = path.write_bytes(b"um\\r\\ndois")
    >>> list(read_pieces(path, "any text"))
    ['um\\ndois']
    """
    decoder = codecs.getincrementaldecoder("utf-8-sig")()
    read, held, empty = 0, "", True
    with _opened(path) as file:
        while True:
            block = file.read(PIECE_BYTES)
            try:
                text = held + decoder.decode(block, final=not block)
            except UnicodeDecodeError as error:
                reason = f"not UTF-8 (byte 0x{error.object[error.start]:02x} near byte {read + error.start + 1:,})"
                raise DataError(path, None, reason, "convert the file to UTF-8") from None
            read += len(block)
            # The line feed of a cut CRLF comes with the next piece.
            held = "\r" if block and text.endswith("\r") else ""
            text = text.removesuffix("\r") if held else text
            if text:
                empty = False
                yield text.replace("\r\n", "\n")
            if not block:
                break
    if empty:
        raise DataError(path, None, "empty file", file_format)


@contextlib.contextmanager
def _opened(path: str | os.PathLike) -> Iterator[IO[bytes]]:
    """A file, plain or gzip, whose errors while it is read are told in one line."""
    try:
        with open(path, "rb") as raw:
            is_gzip = raw.read(2) == b"\x1f\x8b"
            raw.seek(0)
            with cast(IO[bytes], gzip.open(raw) if is_gzip else raw) as file:
                yield file
    except FileNotFoundError:
        raise DataError(path, None, "no such file", "check the name, or fetch the data first") from None
    except IsADirectoryError:
        raise DataError(path, None, "is a folder", "name a file in it") from None
    except (EOFError, zlib.error, gzip.BadGzipFile) as error:
        raise DataError(path, None, f"damaged gzip file ({error})", "fetch or compress it again") from error
    except OSError as error:
        raise DataError(path, None, f"cannot be read ({error.strerror or error})", "check the file") from error


def shorten(text: str) -> str:
    """What an error message quotes of a line."""
    return repr(text if len(text) <= 40 else text[:37] + "...")


def finite_number(path: str | os.PathLike, line: int, column: str, cell: str) -> float:
    """The number in a cell: digits, at most one point, an exponent at most.

    Args:
        path: The file, for messages.
        line: The number of the line.
        column: What the column is called.
        cell: What stands there; blanks around it do not matter.

    Raises:
        DataError: When it is no such number, or too large for 64 bits.
    """
    digits = cell.strip()
    value = float(digits) if len(digits) <= 40 and _NUMBER.fullmatch(digits) else math.inf
    if not math.isfinite(value):
        remedy = f"write a number such as 3.5, with a point; or check which column is the {column}"
        raise DataError(path, line, f"{column} {shorten(cell)} is no finite number", remedy)
    return value


def _decode(path: str | os.PathLike, file: IO[bytes], file_format: str) -> Iterator[tuple[int, str]]:
    number = 0
    while line := file.readline(MAX_LINE_BYTES + 1):
        number += 1
        if len(line) > MAX_LINE_BYTES:
            raise DataError(path, number, f"line of more than {MAX_LINE_BYTES:,} bytes", file_format)
        if number == 1:
            line = line.removeprefix(b"\xef\xbb\xbf")
        try:
            text = line.decode("utf-8")
        except UnicodeDecodeError as error:
            reason = f"not UTF-8 (byte 0x{line[error.start]:02x} at position {error.start + 1})"
            raise DataError(path, number, reason, "convert the file to UTF-8") from None
        yield number, text.rstrip("\r\n")
    if not number:
        raise DataError(path, None, "empty file", file_format)
