"""`keras-seq data list`, `fetch`, `show` and `convert`."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated

import typer

from keras_seq.cli.errors import CommandGroup
from keras_seq.cli.options import DataDirectory, Quiet, Strict, check_option, examples
from keras_seq.cli.printing import output, progress, say, table
from keras_seq.cli.startup import start_frameworks
from keras_seq.core.notices import notify

COLUMNS = ["name", "task", "text language", "content", "licence", "folder"]

Columns = Annotated[
    str | None,
    typer.Option(
        "--columns", metavar="ROLES", help="What its columns are: label,text in their order, or text=3,label=stars."
    ),
]

app = typer.Typer(
    cls=CommandGroup,
    no_args_is_help=True,
    help="List the data sets that recipes use, download them once; show what is in a file.",
)


@app.command("list", epilog=examples("keras-seq data list"))
def list_data(data_dir: DataDirectory = None) -> None:
    """List the registered data sets and where they lie."""
    start_frameworks()
    from keras_seq.core.errors import InputError
    from keras_seq.data import find_data, list_datasets
    from keras_seq.data.registry import named_directories

    for folder in named_directories(data_dir):
        if not folder.is_dir():
            notify(f"{folder}: no such folder, which --data-dir or KERAS_SEQ_DATA names; correct the name")
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


@app.command(
    "show",
    epilog=examples(
        "keras-seq data show train.conll",
        "keras-seq data show reviews.tsv --columns text=3,label=1 --json",
        "keras-seq data show pairs.tsv --columns ignored,score,a,b --reader pairs",
    ),
)
def show_data(
    file: Annotated[Path, typer.Argument(metavar="F", help="A file of any kind that models are trained on.")],
    reader: Annotated[
        str | None, typer.Option("--reader", metavar="NAME", help="How to read it. By default by what the file holds.")
    ] = None,
    columns: Columns = None,
    strict: Strict = False,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object.")] = False,
) -> None:
    """Show what a reader understands of a file: encoding, columns, scheme, counts, and what is odd."""
    start_frameworks()
    from keras_seq.data.readers import reader_named, reader_of

    with _told(columns):
        roles = _roles(columns)
        chosen = reader_of(file, roles or ()) if reader is None else reader_named(reader)
        if strict:
            check_option(chosen.sniff, "strict", f"--strict is of folders of files; {file} is read as {chosen.name}")
        found = chosen.sniff(file, roles, **({"strict": True} if strict else {}))
    say(json.dumps(found.as_dict(), ensure_ascii=False) if as_json else found.full())


@app.command(
    "convert",
    epilog=examples(
        "keras-seq data convert annotations.jsonl train.conll",
        "keras-seq data convert reviews.csv train.tsv",
        "keras-seq data convert words.conllu train.conll",
    ),
)
def convert_data(
    source: Annotated[Path, typer.Argument(metavar="FROM", help="A file that `keras-seq data show` understands.")],
    target: Annotated[Path, typer.Argument(metavar="TO", help="CoNLL, or text with tabs, by what is in the file.")],
    columns: Columns = None,
) -> None:
    """Write a file in the plain form of its kind: token and BIO tag; label or score, and one or two texts."""
    start_frameworks()
    from keras_seq.core.errors import DataError
    from keras_seq.core.files import atomic_write, check_output
    from keras_seq.data import write_conll
    from keras_seq.data.readers import reader_of
    from keras_seq.tasks.conversion import converted

    check_output(target, [source])
    with _told(columns):
        roles = _roles(columns)
        reader = reader_of(source, roles or ())
        found = converted(reader, source, roles)
    if found is None:
        raise DataError(source, None, f"is of the kind {reader.name!r}, which has no other form", "use it as it is")
    if found.is_tagged:
        write_conll(target, found.rows)
    else:
        with atomic_write(target, "w") as file:
            file.writelines("\t".join(cells) + "\n" for cells in found.rows)
    say(f"{source} is written to {target}, {found.form}")


@contextmanager
def _told(columns: str | None) -> Iterator[None]:
    """Tell of roles that make no sense in one line."""
    from keras_seq.core.errors import InputError

    try:
        yield
    except ValueError as error:
        if isinstance(error, InputError):
            raise
        raise InputError(f"--columns {columns}: {error}") from None


def _roles(text: str | None) -> tuple[str, ...] | dict[str, int | str] | None:
    """Roles as they are typed, if they are: in the order of the columns, or each with its column."""
    if text is None:
        return None
    parts = [part.strip() for part in text.split(",")]
    if not all("=" in part for part in parts):
        return tuple(parts)
    named = dict(part.split("=", 1) for part in parts)
    if len(named) < len(parts):
        raise ValueError("a role stands twice; give each one column")
    return {role: int(column) if column.isdecimal() else column for role, column in named.items()}
