"""`keras-seq predict`."""

from __future__ import annotations

import dataclasses
import functools
import gzip
import os
import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import IO, TYPE_CHECKING, Annotated, Any, cast

import typer

from keras_seq.cli.options import Quiet, RunOrModel, check_option, examples
from keras_seq.cli.printing import Advance, json_line, output, progress
from keras_seq.cli.reading import check_input, read_lines
from keras_seq.cli.showing import highlighted
from keras_seq.cli.startup import start_frameworks
from keras_seq.core.errors import InputError
from keras_seq.core.files import atomic_write, check_output
from keras_seq.core.notices import visible
from keras_seq.core.reading import check_ordinary

if TYPE_CHECKING:
    from keras_seq.tasks.capabilities import Examples
    from keras_seq.tasks.results import Result

EPILOG = examples(
    'keras-seq predict ner_pt "O juiz Paulo Souza decidiu em Brasília."',
    "keras-seq predict ner_pt --input texts.txt.gz --output found.jsonl --json",
    "cat texts.txt | keras-seq predict ner_pt --input - --json",
    "keras-seq predict ner_pt --input test.conll --output predicted.conll",
    'keras-seq predict sentiment_pt --explain "não gostei do filme"',
    "keras-seq predict similar_en --pairs pairs.tsv --json",
    'keras-seq predict saved_models/pairs --nearest 3 "how do i change my pin"',
    "keras-seq predict oneshot_omniglot --pairs pairs.npz",
)
# Memory does not grow with the input: this many examples are held at a time, or texts of so many characters.
CHUNK, CHARACTERS_PER_CHUNK = 512, 1_000_000
# How sure a reader must be of a file that is to hold texts, one a line.
SURE = 0.6

InputFile = Annotated[
    str | None,
    typer.Option(
        "--input",
        metavar="F",
        help="One text a line (gzip is fine), - for stdin; or records, or a table, of which the text is read; of some "
        "models a file of another form, such as *.conll.",
    ),
]
OutputFile = Annotated[
    Path | None,
    typer.Option(
        "--output",
        metavar="F",
        help="Write there, not to stdout; a file appears whole or not at all, a device or FIFO is written into.",
    ),
]
PairsFile = Annotated[
    str | None,
    typer.Option(
        "--pairs",
        metavar="F",
        help="Of a matcher: two texts a line, a tab between them; or Quora's CSV; of images an NPZ file (a, b).",
    ),
]


def predict(
    run_or_model: RunOrModel,
    texts: Annotated[list[str] | None, typer.Argument(metavar="TEXT", help="Texts to read.")] = None,
    input_file: InputFile = None,
    output_file: OutputFile = None,
    as_json: Annotated[
        bool, typer.Option("--json", help="One JSON object a line: text, and what was found in it.")
    ] = False,
    explain: Annotated[
        bool, typer.Option("--explain", help="Of a classifier: also how much each token counts.")
    ] = False,
    pairs_file: PairsFile = None,
    nearest: Annotated[
        int | None,
        typer.Option("--nearest", metavar="K", min=1, help="Of a matcher with an index: so many texts for each."),
    ] = None,
    invert: Annotated[
        bool, typer.Option("--invert", help="Of pairs of images: exchange bright and dark, as for ink on white paper.")
    ] = False,
    quiet: Quiet = False,
) -> None:
    """Say what a model finds in texts, in a file of sentences, or of pairs that it compares."""
    if [bool(texts), input_file is not None, pairs_file is not None].count(True) != 1:
        raise InputError("predict takes texts, --input or --pairs, one of them; see `keras-seq predict --help`")
    if pairs_file is not None and nearest is not None:
        raise InputError("--pairs compares texts, --nearest looks them up in an index; leave one of them out")
    if invert and pairs_file is None:
        raise InputError("--invert is of images, which --pairs names; leave it out")
    check_input(pairs_file or input_file)
    if pairs_file is not None:
        check_ordinary(pairs_file)
    if output_file is not None:
        check_output(output_file, [name for name in (input_file, pairs_file) if name is not None])
    start_frameworks()
    from keras_seq.tasks import load
    from keras_seq.tasks.capabilities import Matches, check_able

    task: Any = load(run_or_model)
    if pairs_file is not None:
        check_able(task, Matches, run_or_model, "--pairs")
        if invert:
            check_option(task.pairs_of, "invert", f"--invert is of images; {run_or_model} reads none")
        found = task.pairs_of(pairs_file, **({"invert": True} if invert else {}))
    else:
        found = _file_of_its_own_form(task, run_or_model, input_file, output_file)
    if found is None:
        found = _texts(task, run_or_model, texts, input_file, explain, nearest)
    elif explain or nearest is not None:
        option = "--explain" if explain else "--nearest"
        raise InputError(f"{option} takes texts, not {pairs_file or input_file}; leave it out")
    with progress(found.unit, quiet=quiet or bool(texts)) as advance:
        write_results(found, output_file, as_json, advance)


def _file_of_its_own_form(task: Any, source: str, input_file: str | None, output_file: Path | None) -> Examples | None:
    """What is in a file that is no text, one a line; `None` where it is. The name of the output tells the form too."""
    from keras_seq.tasks.capabilities import Predicts, check_able, families_that, reads, with_article

    if input_file is None:
        return None
    names = [input_file, *([] if output_file is None else [str(output_file)])]
    if own := [name for name in names if reads(task, name)]:
        if input_file == "-":
            raise InputError(f"{own[0]}: is not written from stdin; name a file of this form with --input")
        return task.examples_of(input_file)
    check_able(task, Predicts, source, "--input")
    for name in names:
        if others := families_that(functools.partial(reads, name=name)):
            raise InputError(
                f"{source}: is {with_article(task.task)}, which reads plain text; {name} is for {', '.join(others)}, "
                "give one text a line with --input"
            )
    # What is no ordinary file, such as a pipe, can be read once.
    return _by_content(task, input_file) if os.path.isfile(input_file) else None


def _by_content(task: Any, path: str) -> Examples | None:
    """What a file holds that is no text, whatever its name is; `None` where it holds texts."""
    from keras_seq.data.readers import surest_reader
    from keras_seq.tasks.capabilities import KnowsFiles, has

    reader, is_sure = surest_reader(path)
    if has(task, KnowsFiles) and task.holds(path, reader.name if is_sure >= SURE else ""):
        return task.examples_of(path)
    return None


def _lines(path: str, max_characters: int) -> Iterator[str]:
    """The texts of a file: one a line, or those of its records or rows, whose labels are left out."""
    from keras_seq.data.plain_texts import plain_texts
    from keras_seq.data.readers import Head

    # What is no ordinary file, such as a pipe, can be read once.
    if not os.path.isfile(path):
        return read_lines(path, max_characters, _check_lines)
    if (found := plain_texts(path)) is not None:
        return _checked_lengths(path, found, max_characters)
    _check_lines(path, Head.of(path).content)
    return read_lines(path, max_characters)


def _check_lines(name: str, content: bytes) -> None:
    """Raise if a file begins as one of another kind than texts, one a line."""
    from keras_seq.data.readers import Head, surest_reader_of

    head = Head(Path(name), content)
    reader, is_sure = surest_reader_of(head)
    if head.names or (reader.name != "lines" and is_sure >= SURE):
        kind = f"of the kind {reader.name!r}" if is_sure >= SURE else "of records"
        remedy = "score it with `keras-seq evaluate --data`" if os.path.isfile(name) else "write it into a file first"
        raise InputError(
            f"{name}: looks like a file {kind}, whose labels would be read as text; give texts alone, one a line, or "
            f"{remedy}"
        )


def _checked_lengths(path: str, texts: Iterable[str], max_characters: int) -> Iterator[str]:
    for number, text in enumerate(texts, start=1):
        if len(text) > max_characters:
            raise InputError(f"{path}: text {number:,} has more than {max_characters:,} characters; part it")
        yield text


def _texts(
    task: Any, source: str, texts: Sequence[str] | None, input_file: str | None, explain: bool, nearest: int | None
) -> Examples:
    """The texts that are given, or one a line, and how they are answered."""
    from keras_seq.tasks.capabilities import Examples, Explains, Finds, Predicts, check_able

    for capability, option, is_asked in (
        (Explains, "--explain", explain),
        (Finds, "--nearest", nearest is not None),
        (Predicts, "a TEXT, or --input," if texts else "--input", True),
    ):
        if is_asked:
            check_able(task, capability, source, option)
    lines = iter(texts) if texts else _lines(str(input_file), task.max_characters)
    answer = task.predict if nearest is None else functools.partial(_found, task, nearest)
    found = Examples("texts", lines, answer)
    return dataclasses.replace(found, answer=functools.partial(_explained, task, answer)) if explain else found


def _found(task: Any, k: int, texts: list[str]) -> Sequence[Result]:
    return task.find(texts, k)


def _explained(task: Any, answer: Callable[[list[str]], Sequence[Result]], texts: list[str]) -> list[Result]:
    return [one.joined(other) for one, other in zip(answer(texts), task.explain(texts), strict=True)]


def write_results(found: Examples, output_file: Path | None, as_json: bool, advance: Advance) -> None:
    """Answer examples, many at a time, and write one line for each."""
    with ExitStack() as stack:
        file: IO[Any] | None = None if output_file is None else stack.enter_context(atomic_write(output_file))
        if file is not None and str(output_file).endswith(".gz"):
            file = stack.enter_context(cast(IO[Any], gzip.GzipFile(filename="", mode="wb", fileobj=file, mtime=0)))
        write = _writer(file, as_json)
        separator = "" if as_json else found.separator
        between = ""
        for chunk in _chunks(found.rows):
            for result in found.answer(chunk):
                write(result, between)
                between = separator
            if file is None:
                sys.stdout.flush()
            advance(len(chunk))


def _chunks(rows: Iterable[Any]) -> Iterator[list[Any]]:
    """Examples that are held at a time; a long text is held alone, or with what came before it."""
    chunk: list[Any] = []
    characters = 0
    for row in rows:
        chunk.append(row)
        characters += len(row) if isinstance(row, str) else 0
        if len(chunk) == CHUNK or characters > CHARACTERS_PER_CHUNK:
            yield chunk
            chunk, characters = [], 0
    if chunk:
        yield chunk


def _writer(file: IO[bytes] | None, as_json: bool) -> Callable[[Result, str], object]:
    """Writes a result, after what stands between it and the one before."""

    def rendered(result: Result, between: str) -> str:
        line = json_line(result.as_dict()) if as_json else result.line()
        # Lone surrogates, which come from bytes of the command line that are no text, have no UTF-8.
        return f"{between}{line}\n".encode(errors="backslashreplace").decode()

    def to_stdout(result: Result, between: str) -> None:
        # Most likely somebody looks at it. A file gets the texts as they are.
        sys.stdout.write(visible(rendered(result, between)))

    def to_terminal(result: Result, between: str) -> None:
        output().print(highlighted(result, between), soft_wrap=True)

    if file is not None:
        write = file.write
        return lambda result, between: write(rendered(result, between).encode())
    return to_stdout if as_json or not sys.stdout.isatty() else to_terminal
