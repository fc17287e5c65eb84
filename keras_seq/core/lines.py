"""Lines of a text file, one by one: plain or gzip, UTF-8, with errors that name the line."""

import codecs
import contextlib
import functools
import gzip
import io
import itertools
import math
import os
import re
import zlib
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import IO, cast

from keras_seq.core.errors import DataError
from keras_seq.core.reading import open_input

# No real line is near: a longer one means a file of another kind, and must not fill the memory.
MAX_LINE_BYTES = 1_000_000
PIECE_BYTES = 1 << 20
BYTE_ORDER_MARK = "\ufeff"
_MARK = BYTE_ORDER_MARK.encode()
# The mark of UTF-32 begins with that of UTF-16.
_WIDE = {
    codecs.BOM_UTF32_LE: "UTF-32",
    codecs.BOM_UTF32_BE: "UTF-32",
    codecs.BOM_UTF16_LE: "UTF-16",
    codecs.BOM_UTF16_BE: "UTF-16",
}
_TO_UTF_8 = "convert the file to UTF-8, as with iconv -f WINDOWS-1252 -t UTF-8 if it comes from Windows"
_NUMBER = re.compile(r"[+-]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]{1,3})?")


@dataclass
class LineFacts:
    """What reading the lines of a file has shown of its bytes; it is complete when all lines are read.

    Attributes:
        encoding: `"UTF-8"`, or `"UTF-8 with BOM"`.
        compression: `"gzip"`, or empty.
        line_ends: `"LF"`, `"CRLF"`, `"CR"` and how many lines end so.
        marks: Numbers of later lines that begin with a byte order mark, which is no part of the text.
        lines: How many lines there are.
    """

    encoding: str = "UTF-8"
    compression: str = ""
    line_ends: dict[str, int] = field(default_factory=dict)
    marks: list[int] = field(default_factory=list)
    lines: int = 0


def read_lines(
    path: str | os.PathLike, file_format: str, facts: LineFacts | None = None, errors: str = "strict"
) -> Iterator[tuple[int, str]]:
    """Number and text of each line, without its end; memory does not grow with the file.

    Plain or gzip (told by content, not by name), UTF-8 with or without byte order mark. Lines end with LF or CRLF; in a
    file without any LF (in its first million bytes), with CR. A byte order mark at the start of a later line, where
    files were joined, is no part of the text.

    Args:
        path: The file.
        file_format: What a file of this kind looks like: the remedy when it is empty or has an endless line.
        facts: Where encoding and line ends are noted.
        errors: What becomes of bytes that are no UTF-8: `"strict"` or `"replace"`.

    Returns:
        An iterator over `(number, text)`, numbers from 1.

    Raises:
        DataError: if the file is missing, a folder, empty, not UTF-8, damaged gzip, mixes CR with other line ends, or
            has a line of more than 1,000,000 bytes.

    Example:

    >>> import tempfile, pathlib
    >>> path = pathlib.Path(tempfile.mkdtemp()) / "a.txt"
    >>> _ = path.write_bytes(b"um\\r\\ndois")
    >>> list(read_lines(path, "any text"))
    [(1, 'um'), (2, 'dois')]
    """
    with opened(path, facts) as file:
        yield from lines_of(file, path, file_format, facts, errors)


def lines_of(
    file: IO[bytes],
    path: str | os.PathLike,
    file_format: str,
    facts: LineFacts | None = None,
    errors: str = "strict",
    max_bytes: int = MAX_LINE_BYTES,
) -> Iterator[tuple[int, str]]:
    """As `read_lines`, of a file that is open, whose name for messages is `path`.

    Args:
        file: Open for reading bytes; nothing of it is read twice.
        path, file_format, facts, errors: As of `read_lines`.
        max_bytes: The most bytes of a line.

    Raises:
        DataError: if `read_lines` would raise one.
    """
    first = file.readline(max_bytes + 1)
    if not first:
        raise DataError(path, None, "empty file", file_format)
    if wide := wide_encoding(first):
        raise DataError(path, 1, *wide)
    has_mark = first.startswith(_MARK)
    if facts is not None and has_mark:
        facts.encoding = "UTF-8 with BOM"
    first = first.removeprefix(_MARK)
    lines: Iterator[bytes]
    if b"\r" in first and not first.endswith(b"\n"):
        lines = _ended_by_cr(file, first, path, max_bytes)
    else:
        lines = itertools.chain([first], iter(functools.partial(file.readline, max_bytes + 1), b""))
    for number, line in enumerate(lines, start=1):
        if len(line) > max_bytes:
            raise DataError(path, number, f"line of more than {max_bytes:,} bytes", file_format)
        try:
            text = line.decode("utf-8", errors)
        except UnicodeDecodeError as error:
            reason = f"not UTF-8 (byte 0x{line[error.start]:02x} at position {error.start + 1})"
            raise DataError(path, number, reason, _TO_UTF_8) from None
        if facts is not None:
            if end := "CRLF" if line.endswith(b"\r\n") else {10: "LF", 13: "CR"}.get(line[-1] if line else 0):
                facts.line_ends[end] = facts.line_ends.get(end, 0) + 1
            facts.lines = number
        text = text.rstrip("\r\n")
        if text[:1] == BYTE_ORDER_MARK:
            text = text.lstrip(BYTE_ORDER_MARK)
            if facts is not None:
                facts.marks.append(number)
        yield number, text


def read_pieces(path: str | os.PathLike, file_format: str) -> Iterator[str]:
    """The text of a whole file in pieces of about a million characters, cut anywhere; no line is too long.

    Read as by `read_lines`; CRLF becomes LF, and so does CR in a file whose first piece has CR and no LF.

    Args:
        path: The file.
        file_format: The remedy when the file is empty.

    Returns:
        An iterator over strings, none of them empty.

    Raises:
        DataError: if the file is missing, a folder, empty, not UTF-8, or damaged gzip.

    Example:

    >>> import tempfile, pathlib
    >>> path = pathlib.Path(tempfile.mkdtemp()) / "a.txt"
    >>> _ = path.write_bytes(b"um\\r\\ndois")
    >>> list(read_pieces(path, "any text"))
    ['um\\ndois']
    """
    decoder = codecs.getincrementaldecoder("utf-8-sig")()
    read, held, empty = 0, "", True
    line_end: str | None = None
    with opened(path) as file:
        while True:
            block = file.read(PIECE_BYTES)
            if not read and (wide := wide_encoding(block)):
                raise DataError(path, None, *wide)
            try:
                text = held + decoder.decode(block, final=not block)
            except UnicodeDecodeError as error:
                reason = f"not UTF-8 (byte 0x{error.object[error.start]:02x} near byte {read + error.start + 1:,})"
                raise DataError(path, None, reason, _TO_UTF_8) from None
            read += len(block)
            # The line feed of a cut CRLF comes with the next piece.
            held = "\r" if block and text.endswith("\r") else ""
            text = text.removesuffix("\r") if held else text
            if line_end is None and ("\r" in text or "\n" in text):
                line_end = "\r\n" if "\n" in text else "\r"
            if text:
                empty = False
                yield text.replace(line_end, "\n") if line_end else text
            if not block:
                break
    if empty:
        raise DataError(path, None, "empty file", file_format)


@contextlib.contextmanager
def opened(path: str | os.PathLike, facts: LineFacts | None = None) -> Iterator[IO[bytes]]:
    """A file, plain or gzip, whose errors while it is read are told in one line.

    Args:
        path: The file.
        facts: Where the compression is noted.

    Raises:
        DataError: if it is missing, a folder, damaged gzip, or cannot be read.
    """
    with told(path), open_input(path) as raw, plain(raw, facts) as file:
        yield file


@contextlib.contextmanager
def told(path: str | os.PathLike) -> Iterator[None]:
    """What fails while a file is opened and read is told in one line.

    Raises:
        DataError: if `opened` would raise one.
    """
    try:
        yield
    except FileNotFoundError:
        raise DataError(path, None, "no such file", "check the name, or fetch the data first") from None
    except IsADirectoryError:
        raise DataError(path, None, "is a folder", "name a file in it") from None
    except (EOFError, zlib.error, gzip.BadGzipFile) as error:
        raise DataError(path, None, f"damaged gzip file ({error})", "fetch or compress it again") from error
    except OSError as error:
        raise DataError(path, None, f"cannot be read ({error.strerror or error})", "check the file") from error


@contextlib.contextmanager
def plain(raw: IO[bytes], facts: LineFacts | None = None) -> Iterator[IO[bytes]]:
    """What an open file holds, decompressed where it is gzip; `raw` need not be able to go back."""
    is_gzip = cast(io.BufferedReader, raw).peek(2)[:2] == b"\x1f\x8b"
    if facts is not None and is_gzip:
        facts.compression = "gzip"
    if is_gzip:
        with gzip.open(raw) as file:
            yield cast(IO[bytes], file)
    else:
        yield raw


def wide_encoding(content: bytes) -> tuple[str, str] | None:
    """Reason and remedy for a file that begins with the byte order mark of UTF-16 or UTF-32; `None` of any other."""
    for mark, name in _WIDE.items():
        if content.startswith(mark):
            return f"not UTF-8 but {name}", f"convert the file to UTF-8, as with iconv -f {name} -t UTF-8"
    return None


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
        DataError: if it is no such number, or too large for 64 bits.
    """
    digits = cell.strip()
    value = float(digits) if len(digits) <= 40 and _NUMBER.fullmatch(digits) else math.inf
    if not math.isfinite(value):
        remedy = f"write a number such as 3.5, with a point; or check which column is the {column}"
        raise DataError(path, line, f"{column} {shorten(cell)} is no finite number", remedy)
    return value


def _ended_by_cr(file: IO[bytes], first: bytes, path: str | os.PathLike, max_bytes: int) -> Iterator[bytes]:
    """Lines that end with CR, each with its end; an LF anywhere is an error."""
    number, held = 0, first
    while held:
        block = file.read(PIECE_BYTES)
        *lines, held = (held + block).split(b"\r")
        is_last = not block or len(held) > max_bytes
        for line in [*(line + b"\r" for line in lines), *([held] if held and is_last else [])]:
            number += 1
            if b"\n" in line:
                raise DataError(path, number, "lines end with CR before, and with LF here", "write LF everywhere")
            yield line
        if is_last:
            return
