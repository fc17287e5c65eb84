"""What `keras-seq export` prints as examples, run as a user would: in a folder with the files that they name."""

import contextlib
import io
import shlex
import warnings
from pathlib import Path

import numpy as np
from absl import flags
from command_line import run_command
from tensorflow.python.tools import saved_model_cli

from keras_seq.data import write_midi
from keras_seq.data.midi import NUM_NOTES
from keras_seq.export.verify import read_signatures


def write_example_files(folder: Path, version: Path) -> None:
    """Write all files that any family's example names.

    Args:
        folder: where.
        version: the folder of the exported model, which tells the size of images.
    """
    (folder / "pairs.tsv").write_text("the red house\tone red house\nthe red house\tone blue tree\n")
    _, size = read_signatures(version)["serving_default"].get("a", ("", None))
    if size:
        images = np.random.default_rng(0).random((3, *size[1:])).astype("float32")
        np.savez(folder / "pairs.npz", a=images, b=images[::-1])
    notes = np.zeros((1, 4, NUM_NOTES), "float32")
    notes[0, :, 40] = 1
    write_midi(folder / "tune.mid", notes[0] > 0)
    np.savez(folder / "tune.npz", notes=notes, lengths=np.array([4], "int32"))


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
