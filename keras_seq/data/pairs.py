"""Files of pairs of texts: with a label, a score, or neither."""

import csv
import os
import re
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from keras_seq.core.checks import check_choice
from keras_seq.core.errors import DataError
from keras_seq.core.lines import finite_number, read_lines, shorten

PAIR_COLUMNS = ("label", "score", "a", "b", "ignored")
PAIR_FORMS = ("tsv", "quora")
_QUORA = {"a": "question1", "b": "question2", "label": "is_duplicate"}
_QUORA_FORMAT = "the first line names the columns id, qid1, qid2, question1, question2, is_duplicate"


class TextPair(NamedTuple):
    """Two texts, whether they mean the same (0, 1), how much (a number), and the number of their line (from 1)."""

    a: str
    b: str
    label: int | None
    score: float | None
    line: int


def read_pairs(
    path: str | os.PathLike, *, columns: Sequence[str] = ("label", "a", "b"), form: str = "tsv"
) -> Iterator[TextPair]:
    """Read a file of pairs of texts one by one; memory does not grow with the file.

    Plain or gzip (told by content, not by name), UTF-8 with or without BOM, LF or CRLF. Blanks around a label or a
    score are not part of it; the texts are given as they are.

    Args:
        path: The file.
        columns: What the columns of a `"tsv"` are, in the order of the file: `"a"` and `"b"`, and any of `"label"`,
            `"score"` and `"ignored"` (this one may stand more than once). The other form does not look at it.
        form: `"tsv"`: one pair a line, tabs between the columns, no quotes, no line of names. `"quora"`: as the Quora
            Question Pairs come, CSV or TSV, told by the line of names at the top. A quoted question may hold line
            breaks, which become LF. Without the column `is_duplicate` no pair has a label. A few questions of the
            published files are empty; they are given as they are.

    Returns:
        An iterator over `TextPair`; `line` is the one at which the pair begins.

    Raises:
        ValueError: When `columns` or `form` make no sense.
        DataError: Naming file, line, reason and remedy, when the file is missing, empty, not UTF-8 or damaged gzip, a
            line has too few or too many cells, a blank text (in a `"tsv"`), a label that is not 0 or 1, a score that is
            no finite number, or a NUL byte; when a column of the other form is missing, there is no pair at all, or a
            quote has no end.

    Example:

    >>> import tempfile, pathlib
    >>> path = pathlib.Path(tempfile.mkdtemp()) / "a.tsv"
    >>> _ = path.write_text("1\\tHow old are you?\\tWhat is your age?\\n0\\tWho is it?\\tHow is it?\\n")
    >>> [(pair.label, pair.b) for pair in read_pairs(path)]
    [(1, 'What is your age?'), (0, 'How is it?')]
    """
    columns = _check_columns(columns)
    check_choice("form", form, PAIR_FORMS)
    return _read_quora(path) if form == "quora" else _read_tsv(path, columns)


def read_unlabelled_pairs(path: str | os.PathLike) -> Iterator[TextPair]:
    """Read pairs that are to be compared: two texts a line and a tab between them; or Quora's form, told by its names.

    Args:
        path: The file.

    Returns:
        As `read_pairs`.

    Raises:
        DataError: As `read_pairs`.

    Example:

    >>> import tempfile, pathlib
    >>> path = pathlib.Path(tempfile.mkdtemp()) / "a.tsv"
    >>> _ = path.write_text("How old are you?\\tWhat is your age?\\n")
    >>> [pair.a for pair in read_unlabelled_pairs(path)]
    ['How old are you?']
    """
    _, first = next(iter(read_lines(path, "a line is a, a tab, b")))
    is_quora = {"question1", "question2"} <= {name.strip().strip('"') for name in re.split("[,\\t]", first)}
    return read_pairs(path, columns=("a", "b"), form="quora" if is_quora else "tsv")


def check_pair_labels(labels: Sequence[int | None], source: str | os.PathLike) -> None:
    """Raise unless pairs of both kinds are there: some that mean the same, some that do not.

    Args:
        labels: The labels of all pairs, 0, 1 or `None`.
        source: The file, for the message.

    Raises:
        DataError: Naming the file and the one label.

    Example:

    >>> check_pair_labels([0, 1, 1], "train.tsv")
    >>> check_pair_labels([1, 1], "train.tsv")
    Traceback (most recent call last):
        ...
    keras_seq.core.errors.DataError: train.tsv: all 2 pairs have the label 1; nothing can be learned: add pairs ...
    """
    known = sorted({label for label in labels if label is not None})
    if len(known) > 1:
        return
    reason = f"all {len(labels):,} pairs have the label {known[0]}" if known else "no pair has a label"
    other = {0: "that mean the same (1)", 1: "that do not mean the same (0)"}.get(known[0] if known else -1, "of both")
    raise DataError(
        source, None, reason, f"nothing can be learned: add pairs {other}, or check which column is the label"
    )


def _read_tsv(path, columns):
    file_format = f"a line is {', a tab, '.join(columns)}"
    for number, line in read_lines(path, file_format):
        _check_no_nul(path, number, line)
        cells = line.split("\t")
        if len(cells) != len(columns):
            raise _wrong_cells(path, number, line, len(cells), len(columns), file_format)
        found = dict(zip(columns, cells, strict=True))
        for name in ("a", "b"):
            if not found[name].strip():
                raise DataError(path, number, f"empty text in column {name!r}", "remove the line, or write the text")
        yield _pair(path, number, found)


def _read_quora(path):
    lines = _quora_lines(path)
    header = next(lines).rstrip("\n")
    delimiter = "\t" if "\t" in header else ","
    records = _records(path, lines, delimiter)
    try:
        names = [name.strip() for name in next(csv.reader([header], delimiter=delimiter, strict=True), [])]
    except csv.Error as error:
        raise DataError(path, 1, f"not a line of names ({error})", _QUORA_FORMAT) from None
    place_of = {key: names.index(name) for key, name in _QUORA.items() if name in names}
    missing = [_QUORA[key] for key in ("a", "b") if key not in place_of]
    if missing:
        listed = ", ".join(shorten(name) for name in names[:8])
        raise DataError(path, 1, f"no column {missing[0]!r} (found {listed})", _QUORA_FORMAT)
    twice = [name for name in _QUORA.values() if names.count(name) > 1]
    if twice:
        raise DataError(path, 1, f"the column {twice[0]!r} stands twice", "rename one of them")
    number = None
    for number, cells in records:
        if len(cells) != len(names):
            raise _wrong_cells(path, number, ",".join(cells), len(cells), len(names), "a line has a cell for each name")
        yield _pair(path, number, {key: cells[place] for key, place in place_of.items()})
    if number is None:
        raise DataError(path, None, "names of columns, but no pair", "write the pairs below them")


def _quora_lines(path):
    """The lines with their ends, which belong to quoted cells."""
    for number, line in read_lines(path, _QUORA_FORMAT):
        _check_no_nul(path, number, line)
        yield f"{line}\n"


def _records(path, lines, delimiter):
    """Number of the first line, and cells, of each record."""
    # Strict: a quote in the wrong place is an error, not a cell that nobody wrote. The module limits the length of a
    # cell, so a quote without an end does not fill the memory.
    reader = csv.reader(lines, delimiter=delimiter, strict=True)
    while True:
        number = reader.line_num + 2  # the names are line 1
        try:
            cells = next(reader, None)
        except csv.Error as error:
            if "field limit" in str(error) or "end of data" in str(error):
                reason, remedy = "a quote without an end begins here", "close it, or write two quotes for one"
            else:
                reason = f"quotes are not right ({error})"
                remedy = "write two quotes for each quote in a quoted cell, and close the cell"
            raise DataError(path, number, reason, remedy) from None
        if cells is None:
            return
        yield number, cells


def _pair(path, number, cells):
    label = _label(path, number, cells["label"]) if "label" in cells else None
    score = finite_number(path, number, "score", cells["score"]) if "score" in cells else None
    return TextPair(cells["a"], cells["b"], label, score, number)


def _label(path, number, cell):
    if cell.strip() not in ("0", "1"):
        remedy = "write 1 when both mean the same, else 0; or check which column is the label"
        raise DataError(path, number, f"label {shorten(cell)} is not 0 or 1", remedy)
    return int(cell)


def _check_no_nul(path, number, line):
    if "\0" in line:
        raise DataError(path, number, "NUL byte", "the file is not text, or is damaged: write it again as UTF-8")


def _wrong_cells(path, number, line, count, expected, file_format):
    if not line.strip():
        return DataError(path, number, "blank line", f"remove it: {file_format}")
    return DataError(path, number, f"{count} cells, not {expected} ({shorten(line)})", file_format)


def _check_columns(columns):
    names = tuple(columns)
    once = [name for name in names if name != "ignored"]
    is_known = not set(names) - set(PAIR_COLUMNS)
    if isinstance(columns, str) or not is_known or not {"a", "b"} <= set(names) or len(set(once)) < len(once):
        raise ValueError(
            "`columns` must name 'a' and 'b', and any of 'label', 'score', 'ignored', each once ('ignored' more "
            f"often). Received: columns={columns!r}. Pass ('label', 'a', 'b'), for instance."
        )
    return names
