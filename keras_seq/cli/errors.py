"""What the user sees when a command fails: one line on stderr and an exit code, no traceback."""

import errno
import os
import sys
import traceback
from pathlib import Path
from typing import Any

import typer
from typer.core import TyperGroup

from keras_seq.core.errors import InputError

TRACEBACK_VARIABLE = "KERAS_SEQ_TRACEBACK"
EXIT_FAILURE, EXIT_INPUT, EXIT_INTERRUPTED = 1, 2, 130

_PACKAGE = Path(__file__).resolve().parent.parent
# Failures of the file system that are for the user to mend, and how.
_REMEDIES = {
    errno.EACCES: "check the permissions, or name another place",
    errno.EPERM: "check the permissions, or name another place",
    errno.EROFS: "name a place that can be written",
    errno.ENOENT: "check the name",
    errno.ENOTDIR: "check the name: a part of it is a file",
    errno.EISDIR: "name a file in it",
    errno.EEXIST: "name another place",
    errno.ENAMETOOLONG: "name a shorter path",
    errno.ENOSPC: "make room, or name a place on another disk",
    errno.EDQUOT: "make room, or name a place on another disk",
    errno.EINVAL: "name an ordinary file",
    errno.ENODEV: "name an ordinary file",
    errno.ENXIO: "name an ordinary file",
}


class CommandGroup(TyperGroup):
    """The group of all commands; it turns what they raise into one line and an exit code.

    - `InputError`, an argument check of this package, a file that cannot be read or written: exit code 2.
    - Ctrl-C: 130.
    - Anything else: 1, with the way to the traceback.
    """

    def invoke(self, ctx: Any) -> Any:
        """Run the command that the arguments name."""
        try:
            return super().invoke(ctx)
        except KeyboardInterrupt:
            raise _failed("interrupted", EXIT_INTERRUPTED) from None
        except BrokenPipeError:
            # The reader has seen enough, as `| head` does. Python would complain again when it closes stdout.
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
            raise typer.Exit(EXIT_FAILURE) from None
        except Exception as error:
            if hasattr(error, "exit_code") or isinstance(error, typer.Abort):
                raise  # typer's own: usage errors and exits
            if os.environ.get(TRACEBACK_VARIABLE, "") not in ("", "0"):
                traceback.print_exc()
            line = _line_of_input_error(error)
            if line is not None:
                raise _failed(line, EXIT_INPUT) from error
            name = type(error).__name__
            text = _folded(str(error), 500)
            raise _failed(
                f"{name}{': ' if text else ''}{text} (not foreseen; run again with {TRACEBACK_VARIABLE}=1 for the "
                "traceback)",
                EXIT_FAILURE,
            ) from error


def _failed(message: str, exit_code: int) -> typer.Exit:
    sys.stdout.flush()
    print(f"keras-seq: {message}", file=sys.stderr)
    return typer.Exit(exit_code)


def _line_of_input_error(error: Exception) -> str | None:
    """The line to show when the user's input is to blame, else `None`."""
    if isinstance(error, InputError):
        return _folded(str(error))
    if isinstance(error, ValueError | TypeError) and "Received:" in str(error) and _is_raised_here(error):
        return _folded(str(error))
    if isinstance(error, OSError) and error.errno in _REMEDIES and error.filename is not None:
        return _folded(f"{os.fsdecode(error.filename)}: {error.strerror}; {_REMEDIES[error.errno]}")
    if isinstance(error, OSError) and error.errno in (errno.ENOSPC, errno.EDQUOT):
        return _folded(f"{error.strerror}; {_REMEDIES[error.errno]}")
    return None


def _is_raised_here(error: Exception) -> bool:
    """Whether the innermost frame is of this package: a check of ours, not one of Keras."""
    last = traceback.extract_tb(error.__traceback__)[-1]
    return Path(last.filename).resolve().is_relative_to(_PACKAGE)


def _folded(text: str, limit: int | None = None) -> str:
    line = " ".join(text.split())
    return line if limit is None or len(line) <= limit else f"{line[: limit - 3]}..."
