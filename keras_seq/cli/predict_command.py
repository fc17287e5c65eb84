"""`keras-seq predict`."""

import gzip
import itertools
import json
import os
import sys
import zlib
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import IO, Annotated, Any, cast

import typer

from keras_seq.cli.options import Quiet, RunOrModel, examples
from keras_seq.cli.printing import Advance, output, progress
from keras_seq.cli.showing import highlighted, line_of
from keras_seq.cli.startup import start_frameworks
from keras_seq.core.errors import DataError, InputError
from keras_seq.core.files import atomic_write, check_output

EPILOG = examples(
    'keras-seq predict ner_pt "O juiz Paulo Souza decidiu em Brasília."',
    "keras-seq predict ner_pt --input texts.txt.gz --output found.jsonl --json",
    "cat texts.txt | keras-seq predict ner_pt --input - --json",
    "keras-seq predict ner_pt --input test.conll --output predicted.conll",
    'keras-seq predict sentiment_pt --explain "não gostei do filme"',
    "keras-seq predict similar_en --pairs pairs.tsv --json",
    'keras-seq predict similar_en --nearest 3 "how do i change my pin"',
    "keras-seq predict oneshot_omniglot --pairs pairs.npz",
)
# Memory does not grow with the input: this many texts or sentences are held at a time.
CHUNK = 512
CONLL_SUFFIXES = (".conll", ".bio", ".iob", ".iob2", ".bioes")


def predict(
    run_or_model: RunOrModel,
    texts: Annotated[list[str] | None, typer.Argument(metavar="TEXT", help="Texts to read.")] = None,
    input_file: Annotated[
        str | None,
        typer.Option(
            "--input", metavar="F", help="One text a line (gzip is fine), - for stdin, or a CoNLL file (*.conll)."
        ),
    ] = None,
    output_file: Annotated[
        Path | None,
        typer.Option(
            "--output",
            metavar="F",
            help="Write there, not to stdout; a file appears whole or not at all, a device or FIFO is written into.",
        ),
    ] = None,
    as_json: Annotated[
        bool, typer.Option("--json", help="One JSON object a line: text, and what was found in it.")
    ] = False,
    explain: Annotated[
        bool, typer.Option("--explain", help="Of a classifier: also how much each token counts.")
    ] = False,
    pairs_file: Annotated[
        str | None,
        typer.Option(
            "--pairs",
            metavar="F",
            help="Of a matcher: two texts a line, a tab between them; or Quora's CSV; of images an NPZ file (a, b).",
        ),
    ] = None,
    nearest: Annotated[
        int | None,
        typer.Option("--nearest", metavar="K", min=1, help="Of a matcher with an index: so many texts for each."),
    ] = None,
    quiet: Quiet = False,
) -> None:
    """Find entities in texts, label texts, tag a CoNLL file (token, gold and predicted tag), or compare pairs."""
    if [bool(texts), input_file is not None, pairs_file is not None].count(True) != 1:
        raise InputError("predict takes texts, --input or --pairs, one of them; see `keras-seq predict --help`")
    if pairs_file is not None and nearest is not None:
        raise InputError("--pairs compares texts, --nearest looks them up in an index; leave one of them out")
    names = [str(name) for name in (input_file, output_file) if name is not None]
    is_conll = input_file is not None and any(name.removesuffix(".gz").endswith(CONLL_SUFFIXES) for name in names)
    if is_conll and as_json:
        raise InputError("--json takes texts, not a CoNLL file; leave --json out, or give plain text lines")
    if is_conll and input_file == "-":
        raise InputError(
            f"{output_file}: a CoNLL file is written from a CoNLL file, not from stdin; name one with --input, or let "
            "--output end in .txt"
        )
    check_input(pairs_file or input_file)
    if output_file is not None:
        check_output(output_file, [name for name in (input_file, pairs_file) if name is not None])
    start_frameworks()
    from keras_seq.tasks import load

    task: Any = load(run_or_model)
    if is_conll and not hasattr(task, "predict_tokens"):
        raise InputError(f"{run_or_model}: is a {task.task}, which reads plain text; give one text a line with --input")
    if explain and not hasattr(task, "explain"):
        raise InputError(f"{run_or_model}: is a {task.task}, --explain is for classifiers; leave it out")
    if pairs_file is not None and not hasattr(task, "match"):
        raise InputError(f"{run_or_model}: is a {task.task}; --pairs is for matchers")
    if nearest is not None and not hasattr(task, "find"):
        raise InputError(f"{run_or_model}: is a {task.task}; --nearest is for matchers of texts")
    is_of_images = hasattr(task, "match_file")
    if is_of_images and pairs_file is None:
        raise InputError(f"{run_or_model}: compares images, not texts; name an NPZ file with --pairs")
    unit = "sentences" if is_conll else "texts" if pairs_file is None else "pairs"
    with progress(unit, quiet=quiet or bool(texts)) as advance:
        if is_conll:
            predict_conll(task, str(input_file), output_file, advance)
        elif is_of_images:
            write_results(list, iter(task.match_file(pairs_file)), output_file, as_json, advance)
        elif pairs_file is not None:
            from keras_seq.data import read_unlabelled_pairs

            write_results(_matched(task), read_unlabelled_pairs(pairs_file), output_file, as_json, advance)
        else:
            lines = iter(texts) if texts else read_lines(str(input_file), task.max_characters)
            write_results(_predicted(task, explain, nearest), lines, output_file, as_json, advance)


def _predicted(task: Any, explain: bool, nearest: int | None) -> Callable[[list[Any]], list[dict[str, Any]]]:
    def predicted(texts: list[str]) -> list[dict[str, Any]]:
        results = task.predict(texts) if nearest is None else task.find(texts, nearest)
        if explain:
            results = [{**one, **other} for one, other in zip(results, task.explain(texts), strict=True)]
        return results

    return predicted


def _matched(task: Any) -> Callable[[list[Any]], list[dict[str, Any]]]:
    return lambda pairs: task.match([pair.a for pair in pairs], [pair.b for pair in pairs])


def write_results(
    answer: Callable[[list[Any]], list[dict[str, Any]]],
    examples: Iterator[Any],
    output_file: Path | None,
    as_json: bool,
    advance: Advance,
) -> None:
    """Answer examples, many at a time, and write one line for each."""
    with ExitStack() as stack:
        file: IO[Any] | None = None if output_file is None else stack.enter_context(atomic_write(output_file))
        if file is not None and str(output_file).endswith(".gz"):
            file = stack.enter_context(cast(IO[Any], gzip.GzipFile(filename="", mode="wb", fileobj=file, mtime=0)))
        write = _writer(file, as_json)
        while chunk := list(itertools.islice(examples, CHUNK)):
            for result in answer(chunk):
                write(result)
            if file is None:
                sys.stdout.flush()
            advance(len(chunk))


def predict_conll(task: Any, input_file: str, output_file: Path | None, advance: Advance) -> None:
    """Tag a CoNLL file and write three columns: token, gold, predicted."""
    from keras_seq.data import detect_scheme, read_conll, write_conll
    from keras_seq.families.tagging.task import MAX_LENGTH

    detect_scheme(input_file)
    sentences = read_conll(input_file, scheme="BIO", max_length=MAX_LENGTH)

    def rows() -> Iterator[list[tuple[str, str, str]]]:
        while chunk := list(itertools.islice(sentences, CHUNK)):
            predicted = task.predict_tokens([sentence.tokens for sentence in chunk])
            for sentence, tags in zip(chunk, predicted, strict=True):
                yield list(zip(sentence.tokens, sentence.tags, tags, strict=True))
            advance(len(chunk))

    if output_file is not None:
        write_conll(output_file, rows())
        return
    for index, sentence_rows in enumerate(rows()):
        lines = ["\t".join(row) for row in sentence_rows]
        sys.stdout.write("\n".join(["", *lines, ""] if index else [*lines, ""]))


def read_lines(path: str, max_characters: int) -> Iterator[str]:
    """Read the texts of a file, one a line, with bounded memory.

    Args:
        path: A file, plain or gzip (told by content), UTF-8 with or without BOM; `-` is stdin.
        max_characters: A file with a longer line is of another kind.

    Raises:
        DataError: When a line is not UTF-8 text or too long, or the gzip file is damaged; with the line.
    """
    number = 0
    try:
        with _opened(path) as file:
            while line := file.readline(4 * max_characters + 4):
                number += 1
                yield _decoded(path, number, line, max_characters)
    except (EOFError, zlib.error, gzip.BadGzipFile) as error:
        raise DataError(path, number + 1, f"damaged gzip file ({error})", "fetch or compress it again") from error
    if not number:
        raise DataError("stdin" if path == "-" else path, None, "empty file", "write one text a line")


def check_input(path: str | None) -> None:
    """Raise at once when the file cannot be read, before seconds are spent on loading a model."""
    if path is None or path == "-":
        return
    if os.path.isdir(path):
        raise DataError(path, None, "is a folder", "name a file in it")
    if not os.path.exists(path):
        raise DataError(path, None, "no such file", "check the name")
    with open(path, "rb"):
        pass


def _writer(file: IO[bytes] | None, as_json: bool) -> Callable[[Mapping[str, Any]], None]:
    def rendered(result: Mapping[str, Any]) -> str:
        return json.dumps(result, ensure_ascii=False) if as_json else line_of(result)

    if file is not None:
        # Lone surrogates, which come from bytes of the command line that are no text, have no UTF-8.
        return lambda result: _write(file, rendered(result))
    if as_json or not sys.stdout.isatty():
        return lambda result: _print(rendered(result))
    return lambda result: output().print(highlighted(result), soft_wrap=True)


def _write(file: IO[bytes], line: str) -> None:
    file.write(f"{line}\n".encode(errors="backslashreplace"))


def _print(line: str) -> None:
    sys.stdout.write(f"{line}\n".encode(errors="backslashreplace").decode())


@contextmanager
def _opened(path: str) -> Iterator[Any]:
    if path == "-":
        yield sys.stdin.buffer
        return
    with open(path, "rb") as raw:
        is_gzip = raw.read(2) == b"\x1f\x8b"
        raw.seek(0)
        if is_gzip:
            with gzip.open(raw) as file:
                yield file
        else:
            yield raw


def _decoded(path: str, number: int, line: bytes, max_characters: int) -> str:
    name = "stdin" if path == "-" else path
    too_long = DataError(name, number, f"line of more than {max_characters:,} characters", "write one text a line")
    if len(line) > 4 * max_characters:
        raise too_long
    try:
        text = line.decode("utf-8-sig" if number == 1 else "utf-8").rstrip("\r\n")
    except UnicodeDecodeError as error:
        reason = f"not UTF-8 (byte 0x{line[error.start]:02x} at position {error.start + 1})"
        raise DataError(name, number, reason, "convert the file to UTF-8") from None
    if "\0" in text:
        raise DataError(name, number, "holds a zero byte: not a text file", "write one text a line, as UTF-8")
    if len(text) > max_characters:
        raise too_long
    return text
