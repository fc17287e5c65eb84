"""What the user sees when a command fails: one line on stderr and an exit code, no traceback."""

import contextlib
import errno
import os
import re
import sys
import traceback
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, TypeVar

import typer
from typer.core import TyperGroup

from keras_seq.cli.streams import abandon_stdout, flush_stdout, prepare_streams
from keras_seq.core.errors import InputError
from keras_seq.core.extras import line_of_missing
from keras_seq.core.notices import one_line

DEBUG, TRACEBACK_VARIABLE = "--debug", "KERAS_SEQ_TRACEBACK"
EXIT_FAILURE, EXIT_INPUT, EXIT_INTERRUPTED = 1, 2, 130

_PACKAGE = Path(__file__).resolve().parent.parent
# Failures of the system that are for the user to mend, and how.
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
    errno.EFBIG: "raise the limit of a file's size (ulimit -f), or write less",
    errno.EINVAL: "name an ordinary file",
    errno.ENODEV: "name an ordinary file",
    errno.ENXIO: "name an ordinary file",
    errno.EBADF: "open it, as with > /dev/null, or name a file with --output",
    errno.EMFILE: "raise the limit of open files (ulimit -n)",
    errno.ENFILE: "raise the limit of open files (ulimit -n)",
    errno.ENOMEM: "free memory, or take less at a time",
    errno.ETIMEDOUT: "start what writes into it, or name a file",
}
_LESS = "memory is too small; free some, or take smaller batches, shorter texts or a smaller model"

_T = TypeVar("_T")


class CommandGroup(TyperGroup):
    """The group of all commands; it turns what they raise into one line and an exit code.

    - `InputError`, an argument check of this package, whatever the system refuses (a file that cannot be read, a full
      disk, a closed stdout, too little memory): exit code 2.
    - Ctrl-C: 130.
    - Anything else: 1, with the way to the traceback.

    `--debug`, anywhere before a `--`, shows the traceback with all causes before the line.
    """

    def main(self, args: Sequence[str] | None = None, *rest: Any, **options: Any) -> Any:
        """Read the arguments, run what they name, and write out what it has printed."""
        prepare_streams()
        given = list(sys.argv[1:] if args is None else args)
        end = given.index("--") if "--" in given else len(given)
        # An option of the group must stand before the command.
        front = [DEBUG] if DEBUG in given[:end] else []
        given = [*front, *(each for each in given[:end] if each != DEBUG), *given[end:]]
        is_debugging = bool(front)

        def run() -> Any:
            try:
                return super(CommandGroup, self).main(given, *rest, **options)
            finally:
                flush_stdout()

        try:
            return _guarded(run, is_debugging)
        except typer.Exit as error:
            raise SystemExit(error.exit_code) from None

    def invoke(self, ctx: Any) -> Any:
        """Run the command that the arguments name."""
        return _guarded(lambda: super(CommandGroup, self).invoke(ctx), bool(ctx.find_root().params.get("debug")))


def _guarded(run: Callable[[], _T], is_debugging: bool) -> _T:
    """Call a function; what it raises becomes one line and an exit code."""
    try:
        return run()
    except KeyboardInterrupt:
        raise _failed("interrupted", EXIT_INTERRUPTED) from None
    except BrokenPipeError:
        # The reader has seen enough, as `| head` does. Python would complain again when it closes stdout.
        abandon_stdout()
        raise typer.Exit(EXIT_FAILURE) from None
    except Exception as error:
        if hasattr(error, "exit_code") or isinstance(error, typer.Abort):
            raise  # typer's own: usage errors and exits
        if is_debugging:
            _print_with_causes(error)
        line = _line_of_input_error(error)
        if line is not None:
            raise _failed(line, EXIT_INPUT) from error
        name = type(error).__name__
        text = _shortened(str(error), 500)
        raise _failed(
            f"{name}{': ' if text else ''}{text} (not foreseen; run again with {DEBUG} for the traceback)",
            EXIT_FAILURE,
        ) from error


def _failed(message: str, exit_code: int) -> typer.Exit:
    # What stdout says against it is a part of what has failed already, or the smaller matter.
    with contextlib.suppress(OSError):
        flush_stdout()
    print(f"keras-seq: {one_line(message)}", file=sys.stderr)
    return typer.Exit(exit_code)


def _print_with_causes(error: BaseException) -> None:
    cause: BaseException | None = error
    seen: set[int] = set()
    while cause is not None and id(cause) not in seen:
        seen.add(id(cause))
        # `raise ... from None` keeps a line short; who debugs wants to know all the same.
        cause.__suppress_context__ = False
        cause = cause.__cause__ or cause.__context__
    traceback.print_exception(error)


def _line_of_input_error(error: Exception) -> str | None:
    """The line to show when the user's input or the system is to blame, else `None`."""
    if isinstance(error, InputError):
        return str(error)
    if isinstance(error, ImportError):
        return line_of_missing(error)
    if isinstance(error, ValueError | TypeError) and "Received:" in str(error) and _is_raised_here(error):
        return str(error)
    if type(error).__name__ == "InvalidArgumentError":
        # A check in the graph of a model, which is of TensorFlow's kind: its message is ours.
        match = re.search(r"assertion failed: \[(.+?)\] \[\[", " ".join(str(error).split()))
        return f"{match[1]}; send other values" if match else None
    if isinstance(error, MemoryError) or type(error).__name__ == "ResourceExhaustedError":
        return f"{_shortened(str(error), 200) or 'out of memory'}: {_LESS}"
    if isinstance(error, OSError) and error.errno is not None:
        place = "" if error.filename is None else f"{os.fsdecode(error.filename)}: "
        remedy = _REMEDIES.get(error.errno, "check the disk or device, or name another place")
        return f"{place}{error.strerror}; {remedy}"
    return None


def _is_raised_here(error: Exception) -> bool:
    """Whether the innermost frame is of this package: a check of ours, not one of Keras."""
    last = traceback.extract_tb(error.__traceback__)[-1]
    return Path(last.filename).resolve().is_relative_to(_PACKAGE)


def _shortened(text: str, limit: int) -> str:
    line = one_line(text)
    return line if len(line) <= limit else f"{line[: limit - 3]}..."
