"""`keras-seq export`."""

import shlex
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from keras_seq.cli.options import examples
from keras_seq.cli.printing import say
from keras_seq.cli.reading import check_input, read_lines
from keras_seq.cli.startup import start_frameworks
from keras_seq.core.errors import InputError

if TYPE_CHECKING:
    from keras_seq.tasks import ExampleCall

EPILOG = examples(
    "keras-seq export runs/ner_pt --to saved_models/ner_pt",
    "keras-seq export runs/ner_pt --to saved_models/ner_pt --version 2",
    "keras-seq export runs/similar_en --to saved_models/similar_en --index questions.txt",
)


def export(
    run: Annotated[Path, typer.Argument(metavar="RUN", help="A run directory that `keras-seq train` has written.")],
    target: Annotated[
        Path, typer.Option("--to", metavar="saved_models/NAME", help="The model's folder; versions stand below it.")
    ],
    version: Annotated[int, typer.Option("--version", metavar="N", min=1, help="The version to write.")] = 1,
    file_format: Annotated[
        Literal["savedmodel"], typer.Option("--format", help="What to write: TensorFlow's SavedModel.")
    ] = "savedmodel",
    index_file: Annotated[
        Path | None,
        typer.Option(
            "--index", metavar="F", help="Of a matcher: the texts that the signature `index` finds, one a line."
        ),
    ] = None,
) -> None:
    """Write a trained model as a SavedModel that takes raw text, with its card and golden outputs, and verify it."""
    check_target(target, version)
    check_input(None if index_file is None else str(index_file))
    start_frameworks()
    from keras_seq.cli.trained_models import files_beside
    from keras_seq.tasks import family_named, load
    from keras_seq.tasks.capabilities import Exports, Indexes, check_able
    from keras_seq.training import RunDirectory

    run_directory = RunDirectory(run)
    task: Any = load(run)
    check_able(task, Exports, run, "`keras-seq export`")
    if index_file is not None:
        check_able(task, Indexes, run, "--index")
        task = task.with_index(list(read_lines(str(index_file), task.max_characters)))
    folder = task.export(target, version=version, beside=files_beside(run_directory, task, target.resolve().name))
    show_exported(family_named(task.task).example_call, target, folder)


def show_exported(call: "ExampleCall", target: Path, folder: Path) -> None:
    """Print what was written, and how it is called.

    Args:
        call: How a model of its family is called.
        target: The model's folder.
        folder: That of the version.
    """
    from keras_seq.export import list_versions
    from keras_seq.export.verify import read_signatures

    files = [file for file in folder.rglob("*") if file.is_file()]
    megabytes = sum(file.stat().st_size for file in files) / 1e6
    say(f"Exported and verified in a fresh process: {folder} ({megabytes:.1f} MB)")
    entries = [entry for entry in target.iterdir() if not entry.name.isdecimal() and not entry.name.startswith(".")]
    beside = sorted(f"{entry.name}/" if entry.is_dir() else entry.name for entry in entries)
    newest = max(list_versions(target))
    say(f"Beside it{'' if folder.name == str(newest) else f', of version {newest}'}: {', '.join(beside)}")
    say(f"Signatures: {', '.join(written(*each) for each in read_signatures(folder).items())}")
    place = shlex.quote(str(folder))
    say("Call it:")
    say(f"  keras-seq predict {shlex.quote(str(target))} {call.predict}")
    say(f"  saved_model_cli run --dir {place} --tag_set serve --signature_def serving_default {call.saved_model_cli}")


def check_target(target: Path, version: int) -> None:
    """Raise at once when the version is there already, before seconds are spent on loading the model."""
    folder = target / str(version)
    for place in (target, folder):
        if place.exists() and not place.is_dir():
            raise InputError(f"{place}: is a file, a folder is needed; name another one with --to")
    if folder.is_dir() and any(folder.iterdir()):
        taken = [int(entry.name) for entry in target.iterdir() if entry.name.isdecimal()]
        raise InputError(f"{folder}: exists and is not empty; write --version {max(taken) + 1}, or remove it")


def written(name: str, inputs: Mapping[str, tuple[str, Sequence[int | None] | None]]) -> str:
    """A signature as one would write a function: `serving_default(text: string[batch])`.

    Args:
        name: Its name.
        inputs: Their names, types and shapes.
    """
    return f"{name}({', '.join(f'{key}: {dtype}[{_axes(shape or ())}]' for key, (dtype, shape) in inputs.items())})"


def _axes(shape: Sequence[int | None]) -> str:
    """The sizes of axes, and names of those that have none."""
    names = dict(enumerate(("batch", "steps")))
    return ", ".join(names.get(axis, "...") if size is None else str(size) for axis, size in enumerate(shape))
