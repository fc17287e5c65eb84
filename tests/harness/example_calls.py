"""What `keras-seq export` prints as examples, run as a user would: in a folder with the files that they name."""

import contextlib
import io
import shlex
import warnings

from absl import flags
from command_line import run_command
from tensorflow.python.tools import saved_model_cli


def printed_calls(output: str) -> list[str]:
    """The commands below `Call it:`."""
    return [line.strip() for line in output.partition("Call it:\n")[2].splitlines()]


def run_printed(command: str) -> str:
    """Run a command that was printed, in this process, and return what it says on stdout."""
    program, *arguments = shlex.split(command)
    if program == "keras-seq":
        result = run_command(*arguments)
        assert result.code == 0, (command, result.lines)
        return result.output
    assert program == "saved_model_cli", command
    for name in ("inputs", "input_exprs", "input_examples"):
        # The command before may have given them.
        flags.FLAGS[name].unparse()
    flags.FLAGS([program, *arguments])
    written = io.StringIO()
    with contextlib.redirect_stdout(written), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        saved_model_cli.run()
    return written.getvalue()
