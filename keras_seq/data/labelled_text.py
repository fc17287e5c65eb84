"""Files of labelled texts: one example a line, a tab between its columns."""

import os
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from keras_seq.core.checks import check_boolean
from keras_seq.core.errors import DataError
from keras_seq.core.lines import finite_number, read_lines, shorten

COLUMNS = ("label", "score", "text", "fold", "ignored")


class LabelledText(NamedTuple):
    """One example: its labels, its text, the number of its line (from 1); and its fold and score, where the file has
    them."""

    labels: tuple[str, ...]
    text: str
    line: int
    fold: int | None
    score: float | None = None


def read_labelled_text(
    path: str | os.PathLike,
    *,
    columns: Sequence[str] = ("label", "text"),
    label_separator: str | None = None,
    allow_empty_text: bool = False,
) -> Iterator[LabelledText]:
    """Read a file of labelled texts example by example; memory does not grow with the file.

    Plain or gzip (told by content, not by name), UTF-8 with or without BOM, LF or CRLF; one example a line, tabs
    between the columns. When the text is the last column, further tabs belong to it. Blanks around a label or
    a score are not part of it; the text is given as it is.

    Args:
        path: The file.
        columns: What the columns are, in the order of the file: `"text"`, and any of `"label"`, `"score"` (a
            number), `"fold"` (a whole number) and `"ignored"` (this one may stand more than once). Without `"label"` no
            example has one.
        label_separator: What parts the labels of one text, such as `"|"`; then an empty cell means no label. `None`:
            every text has exactly one label.
        allow_empty_text: Whether a text may be empty or blank. In training data such a line is a mistake.

    Returns:
        An iterator over `LabelledText`.

    Raises:
        ValueError: When `columns` or `label_separator` make no sense.
        DataError: Naming file, line, reason and remedy, when the file is missing, empty, not UTF-8 or damaged gzip, a
            line has too few or too many columns, a blank text, no label, the same label twice, a score that is
            no finite number, a fold that is no whole number, or a NUL byte.

    Example:

    >>> import tempfile, pathlib
    >>> path = pathlib.Path(tempfile.mkdtemp()) / "a.tsv"
    >>> _ = path.write_text("good\\tWorth it.\\nbad\\tToo slow.\\n")
    >>> [(example.labels, example.text) for example in read_labelled_text(path)]
    [(('good',), 'Worth it.'), (('bad',), 'Too slow.')]
    """
    columns = _check_columns(columns)
    _check_separator(label_separator)
    check_boolean("allow_empty_text", allow_empty_text)
    return _read(path, columns, label_separator, allow_empty_text)


def _read(path, columns, label_separator, allow_empty_text):
    file_format = f"a line is {', a tab, '.join(columns)}"
    # A text that is the last column keeps its tabs; any other surplus column is an error.
    most_splits = len(columns) - 1 if columns[-1] == "text" else -1
    for number, line in read_lines(path, file_format):
        if "\0" in line:
            raise DataError(path, number, "NUL byte", "the file is not text, or is damaged: write it again as UTF-8")
        cells = line.split("\t", most_splits)
        if len(cells) != len(columns):
            raise _wrong_columns(path, number, line, len(cells), columns, file_format)
        example = dict(zip(columns, cells, strict=True))
        text = example["text"]
        if not allow_empty_text and not text.strip():
            raise DataError(path, number, "empty text", "remove the line, or write the text into it")
        labels = _labels(path, number, example["label"], label_separator) if "label" in example else ()
        fold = _fold(path, number, example["fold"]) if "fold" in example else None
        score = finite_number(path, number, "score", example["score"]) if "score" in example else None
        yield LabelledText(labels, text, number, fold, score)


def _labels(path, number, cell, separator):
    if separator is None:
        names = (cell.strip(),)
    else:
        names = tuple(name.strip() for name in cell.split(separator)) if cell.strip() else ()
    for name in names:
        if not name:
            remedy = "write a label before the tab" if separator is None else f"take the surplus {separator!r} away"
            raise DataError(path, number, "empty label", remedy)
        if len(name.splitlines()) > 1:
            raise DataError(path, number, f"line break in the label {shorten(name)}", "rename the label")
    if len(set(names)) < len(names):
        raise DataError(path, number, f"a label stands twice ({shorten(cell)})", "keep one of them")
    return names


def _fold(path, number, cell):
    digits = cell.strip()
    if not (digits.isascii() and digits.isdigit() and len(digits) <= 9):
        raise DataError(path, number, f"fold {shorten(cell)} is no whole number", "write 0, 1, 2 ...")
    return int(digits)


def _wrong_columns(path, number, line, count, columns, file_format):
    if not line.strip():
        return DataError(path, number, "blank line", f"remove it: {file_format}")
    if count == 1:
        return DataError(path, number, f"no tab ({shorten(line)})", file_format)
    return DataError(path, number, f"{count} columns, not {len(columns)} ({shorten(line)})", file_format)


def _check_columns(columns):
    names = (columns,) if isinstance(columns, str) else tuple(columns)
    once = [name for name in names if name != "ignored"]
    if set(names) - set(COLUMNS) or "text" not in names or len(set(once)) < len(once):
        raise ValueError(
            f"`columns` must name 'text' and any of {', '.join(repr(name) for name in COLUMNS if name != 'text')}, "
            f"each once ('ignored' more often). Received: columns={columns!r}. Pass ('label', 'text'), for instance."
        )
    return names


def _check_separator(separator):
    if separator is None:
        return
    if not isinstance(separator, str) or not separator.strip() or "\t" in separator:
        raise ValueError(
            f"`label_separator` must be `None` or characters that are no blanks. Received: "
            f"label_separator={separator!r}. Pass '|', for instance."
        )
