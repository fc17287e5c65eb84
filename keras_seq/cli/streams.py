"""The standard streams of a command, whatever they lead to."""

import codecs
import contextlib
import errno
import io
import os
import sys
from typing import Any

_ESCAPING = "keras_seq.escape"


class _ClosedStream(io.TextIOBase):
    """In the place of a stdout that was closed before the command began: nothing is lost without a word."""

    def write(self, text: str) -> int:
        raise OSError(errno.EBADF, "stdout is closed")


def prepare_streams() -> None:
    """Let all that is written to stdout and stderr arrive, or fail; never be dropped or end in a `UnicodeError`.

    A descriptor that is closed is opened on the null device: else the next file that is opened would take its place
    and get what is printed. What the encoding of a stream lacks is written as `\\u00e1`, which JSON reads as that
    character.
    """
    for number in range(3):
        try:
            os.fstat(number)
        except OSError:
            # The lowest free descriptor is taken: this one.
            os.open(os.devnull, os.O_RDWR)
    if sys.stdin is None:
        sys.stdin = os.fdopen(0, encoding="utf-8", closefd=False)
    if sys.stdout is None:
        sys.stdout = _ClosedStream()
    if sys.stderr is None:
        sys.stderr = os.fdopen(2, "w", encoding="utf-8", closefd=False)
    codecs.register_error(_ESCAPING, _escaped)
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors=_ESCAPING)


def flush_stdout() -> None:
    """Write out what is held back.

    Raises:
        OSError: if it cannot be written; it is then given up, so that Python does not try again when it ends.
    """
    try:
        sys.stdout.flush()
    except OSError:
        abandon_stdout()
        raise


def abandon_stdout() -> None:
    """Let nothing more be written to stdout, and what is held back be dropped."""
    with contextlib.suppress(OSError, ValueError, io.UnsupportedOperation):
        number = sys.stdout.fileno()
        null = os.open(os.devnull, os.O_WRONLY)
        os.dup2(null, number)
        os.close(null)
        sys.stdout.flush()


def _escaped(error: UnicodeError) -> tuple[str, int]:
    if not isinstance(error, UnicodeEncodeError):
        raise error
    # As UTF-16, for JSON has no other escapes.
    units: Any = error.object[error.start : error.end].encode("utf-16-be", "surrogatepass")
    pairs = zip(units[::2], units[1::2], strict=True)
    return "".join(f"\\u{high:02x}{low:02x}" for high, low in pairs), error.end
