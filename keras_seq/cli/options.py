"""Options that several commands share."""

import inspect
from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any

import typer

from keras_seq.core.errors import InputError

RunOrModel = Annotated[
    str,
    typer.Argument(
        metavar="RUN_OR_MODEL", help="A run directory, a SavedModel's folder, or the name of a trained model."
    ),
]
DataDirectory = Annotated[
    Path | None,
    typer.Option(
        "--data-dir", metavar="D", help="Where data sets lie. By default KERAS_SEQ_DATA, then ~/.cache/keras_seq/data."
    ),
]
Strict = Annotated[
    bool, typer.Option("--strict", help="Of a folder: a broken file stops it; else it is told and passed over.")
]
Quiet = Annotated[bool, typer.Option("--quiet", help="Show no progress.")]


def check_option(function: Callable[..., Any], name: str, reason: str) -> None:
    """Raise unless a function takes an argument of this name: `InputError` with the reason."""
    if name not in inspect.signature(function).parameters:
        raise InputError(f"{reason}; leave it out")


def examples(*commands: str) -> str:
    """The end of a help text: one example a line."""
    return "\n\n".join(["Examples:", *commands])
