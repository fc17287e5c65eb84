"""`keras-seq data list` and `keras-seq data fetch`."""

from typing import Annotated

import typer

from keras_seq.cli.errors import CommandGroup
from keras_seq.cli.options import DataDirectory, Quiet, examples
from keras_seq.cli.printing import output, progress, say, table
from keras_seq.cli.startup import start_frameworks

COLUMNS = ["name", "task", "text language", "content", "licence", "folder"]

app = typer.Typer(
    cls=CommandGroup, no_args_is_help=True, help="List the data sets that recipes use, and download them once."
)


@app.command("list", epilog=examples("keras-seq data list"))
def list_data(data_dir: DataDirectory = None) -> None:
    """List the registered data sets and where they lie."""
    start_frameworks()
    from keras_seq.core.errors import InputError
    from keras_seq.data import find_data, list_datasets

    rows = []
    for dataset in list_datasets():
        try:
            found = [find_data(f"{dataset.directory}/{file}", data_dir) for file in dataset.files]
            place = str(found[0].parent)
        except InputError:
            place = None
        rows.append((dataset.name, dataset.task, dataset.language, dataset.description, dataset.licence, place))
    output().print(table(COLUMNS, rows))


@app.command("fetch", epilog=examples("keras-seq data fetch lener-br", "keras-seq data fetch wnut17 --data-dir data"))
def fetch_data(
    name: Annotated[str, typer.Argument(metavar="NAME", help="A name that `keras-seq data list` shows.")],
    data_dir: DataDirectory = None,
    force: Annotated[bool, typer.Option("--force", help="Download again what is there.")] = False,
    quiet: Quiet = False,
) -> None:
    """Download a data set, checked against its SHA-256; what is there already is left alone."""
    start_frameworks()
    from keras_seq.data import fetch, find_data, get_dataset

    dataset = get_dataset(name)
    with progress(f"fetching {name}, KiB", quiet=quiet) as advance:
        received: dict[str, int] = {}

        def on_bytes(file_name: str, so_far: int, total: int | None) -> None:
            advance(so_far // 1024 - received.get(file_name, 0))
            received[file_name] = so_far // 1024

        folder = fetch(name, data_dir, progress=on_bytes, force=force)
    say(f"{name} is in {folder}")
    for file_name in dataset.files:
        say(f"  {find_data(folder / file_name).name}")
    say(f"Licence: {dataset.licence}. Please cite: {dataset.citation}")
