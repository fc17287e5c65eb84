"""Options that several commands share."""

from pathlib import Path
from typing import Annotated

import typer

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
Quiet = Annotated[bool, typer.Option("--quiet", help="Show no progress.")]


def examples(*commands: str) -> str:
    """The end of a help text: one example a line."""
    return "\n\n".join(["Examples:", *commands])
