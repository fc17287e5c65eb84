"""Files of labelled texts: one example a line, a tab between its columns; or a CSV file whose first line names them."""

import os
from collections.abc import Iterator
from dataclasses import replace
from typing import NamedTuple

from keras_seq.core.checks import check_boolean
from keras_seq.core.errors import DataError
from keras_seq.core.lines import LineFacts, finite_number, shorten
from keras_seq.data.column_names import names_roles
from keras_seq.data.description import Description, Remark, marks_remark
from keras_seq.data.label_names import joined_label, label_remarks
from keras_seq.data.readers import Head
from keras_seq.data.roles import Roles, check_roles
from keras_seq.data.tables import Table, is_fasttext, open_table

COLUMNS = ("label", "score", "text", "fold")
_QUOTED = "the text stands in quotes, which are read as part of it"
_DOUBLED = "a cell is quoted as in CSV, and read as it stands; names in quotes in the first line tell of CSV"
# Of so few texts each may have a label of its own.
_FEW = 9


class LabelledText(NamedTuple):
    """One example: its labels, its text, the number of its line (from 1); and its fold and score, where the file has
    them."""

    labels: tuple[str, ...]
    text: str
    line: int
    fold: int | None
    score: float | None = None


class LabelledTextReader:
    """Texts with labels or scores.

    Plain or gzip (told by content, not by name), UTF-8 with or without BOM, any line ends; one example a line, tabs
    between the columns. When the text is the last column, further tabs belong to it. Blanks around a label or a score
    are not part of it; the text is given as it is, quotes too. A first line that names the columns as their roles do
    (such as `label` and `text`) is passed over. A file without tabs whose first line names the columns, parted by
    commas or semicolons, is CSV: quoted cells may hold line breaks.
    """

    name = "labelled text"
    roles = COLUMNS

    def recognises(self, head: Head) -> float:
        """As of every reader: two columns; or a first line that names them."""
        if names_roles(head, ("label", "text")) or names_roles(head, ("score", "text")):
            return 0.9
        if head.lines and is_fasttext(head.lines[0]):
            return 0.95
        if not head.rows or any(len(row) != 2 for row in head.rows):
            return 0.0
        return 0.7 if 2 * len({row[0] for row in head.rows}) <= len(head.rows) else 0.5

    def sniff(
        self,
        path: str | os.PathLike,
        columns: Roles | None = None,
        *,
        label_separator: str | None = None,
        normalize_labels: bool = False,
    ) -> Description:
        """What the file holds, from all of its rows.

        Args:
            path, columns, label_separator, normalize_labels: As of `read_labelled_text`; without columns a first line
                that names a score and a text, and no label, tells them.

        Returns:
            Its description; `counts` are texts by label.

        Raises:
            ValueError, DataError: as `read_labelled_text`.
        """
        columns = _check_columns(path, columns)
        _check_separator(label_separator)
        table = open_table(path, columns, _format_of(columns), "text", LineFacts())
        counts: dict[str, int] = {}
        first_lines: dict[str, int] = {}
        scores: list[float] = []
        examples, odd = 0, _OddRows(table.separator == "tab" and not table.is_csv)
        for example in _examples(table, label_separator, True, normalize_labels):
            examples += 1
            for label in example.labels:
                counts[label] = counts.get(label, 0) + 1
                if counts[label] == 1:
                    first_lines[label] = example.line
            if example.score is not None:
                low, high = scores or (example.score, example.score)
                scores = [min(low, example.score), max(high, example.score)]
            odd.add(example)
        remarks = [
            *marks_remark(table.facts or LineFacts()),
            *label_remarks(counts, first_lines, table.names is not None),
            *odd.remarks(examples),
        ]
        if len(counts) == examples > _FEW:
            remarks.append(Remark("each text has a label of its own: check which column is the label"))
        described = table.described(self.name, "texts", examples)
        if scores:
            described = replace(described, scheme=f"scores from {scores[0]:g} to {scores[1]:g}")
        if "label" in table.places:
            described = replace(described, counted="classes", counts=counts)
        return described.with_remarks(*remarks)

    def examples(
        self,
        path: str | os.PathLike,
        columns: Roles | None = None,
        *,
        label_separator: str | None = None,
        allow_empty_text: bool = False,
        normalize_labels: bool = False,
    ) -> Iterator[LabelledText]:
        """The examples one by one: as `read_labelled_text`, with `columns` as of `sniff`."""
        columns = _check_columns(path, columns)
        _check_separator(label_separator)
        check_boolean("allow_empty_text", allow_empty_text)
        check_boolean("normalize_labels", normalize_labels)

        def read() -> Iterator[LabelledText]:
            table = open_table(path, columns, _format_of(columns), "text")
            yield from _examples(table, label_separator, allow_empty_text, normalize_labels)

        return read()


LABELLED_TEXT = READER = LabelledTextReader()


def read_labelled_text(
    path: str | os.PathLike,
    *,
    columns: Roles = ("label", "text"),
    label_separator: str | None = None,
    allow_empty_text: bool = False,
    normalize_labels: bool = False,
) -> Iterator[LabelledText]:
    """Read a file of labelled texts example by example, as `LabelledTextReader` does; memory does not grow with it.

    Args:
        path: The file.
        columns: What the columns are, in the order of the file: `"text"`, and any of `"label"`, `"score"` (a
            number), `"fold"` (a whole number) and `"ignored"` (this one may stand more than once); or role -> number or
            name of its column. Without `"label"` no example has one.
        label_separator: What parts the labels of one text, such as `"|"`; then an empty cell means no label. `None`:
            every text has exactly one label.
        normalize_labels: Whether labels that differ only by case, quotes, invisible signs, the form of Unicode, or as
            `1` and `1.0` do, are one.
        allow_empty_text: Whether a text may be empty or blank. In training data such a line is a mistake.

    Returns:
        An iterator over `LabelledText`.

    Raises:
        ValueError: if `columns` or `label_separator` make no sense.
        DataError: naming file, line, reason and remedy, if the file is missing, empty, not UTF-8 or damaged gzip, a
            line has too few or too many columns, a blank text, no label, the same label twice, a score that is
            no finite number, a fold that is no whole number, or a NUL byte.

    Example:

    >>> import tempfile, pathlib
    >>> path = pathlib.Path(tempfile.mkdtemp()) / "a.tsv"
    >>> _ = path.write_text("good\\tWorth it.\\nbad\\tToo slow.\\n")
    >>> [(example.labels, example.text) for example in read_labelled_text(path)]
    [(('good',), 'Worth it.'), (('bad',), 'Too slow.')]
    """
    return LABELLED_TEXT.examples(
        path,
        columns,
        label_separator=label_separator,
        allow_empty_text=allow_empty_text,
        normalize_labels=normalize_labels,
    )


class _OddRows:
    """Counts what is odd about rows.

    Args:
        is_plain: Whether their cells stand as they are, and not in quotes.
    """

    def __init__(self, is_plain: bool) -> None:
        self.is_plain = is_plain
        # What it is -> the first line, and how many there are.
        self.found: dict[str, tuple[int, int]] = {}

    def add(self, example: LabelledText) -> None:
        """Look at a row."""
        text = example.text
        if not text.strip():
            self._count("an empty text, which is refused in training data", example)
        if "\t" in text:
            self._count("a tab within the text: if it parts columns, name them all", example)
        if self.is_plain and text[:1] == '"' == text[-1:]:
            self._count(_QUOTED, example)
        if self.is_plain and any(map(_is_csv_cell, (text, *example.labels))):
            self._count(_DOUBLED, example)

    def _count(self, what: str, example: LabelledText) -> None:
        first, count = self.found.get(what, (example.line, 0))
        self.found[what] = first, count + 1

    def remarks(self, examples: int) -> list[Remark]:
        """What was found in so many rows; quotes around texts are odd where most have them."""
        are_quoted = 2 * self.found.get(_QUOTED, (0, 0))[1] > examples
        left_out = _DOUBLED if are_quoted else _QUOTED
        return [Remark(what, *place) for what, place in self.found.items() if what != left_out]


def _is_csv_cell(cell: str) -> bool:
    """Whether a cell stands in quotes, and each quote within it is doubled."""
    inner = cell[1:-1]
    return '""' in inner and cell[:1] == '"' == cell[-1:] and '"' not in inner.replace('""', "")


def _examples(table: Table, separator: str | None, allow_empty: bool, normalize: bool) -> Iterator[LabelledText]:
    path = table.path
    for number, cells in table.rows():
        text = cells["text"]
        if not allow_empty and not text.strip():
            raise DataError(path, number, "empty text", "remove the line, or write the text into it")
        labels = _labels(path, number, cells["label"], separator, normalize) if "label" in cells else ()
        fold = _fold(path, number, cells["fold"]) if "fold" in cells else None
        score = finite_number(path, number, "score", cells["score"]) if "score" in cells else None
        yield LabelledText(labels, text, number, fold, score)


def _labels(path: str | os.PathLike, number: int, cell: str, separator: str | None, normalize: bool) -> tuple[str, ...]:
    names: tuple[str, ...] = (cell.strip(),)
    if separator is not None:
        names = tuple(name.strip() for name in cell.split(separator)) if cell.strip() else ()
    if normalize:
        names = tuple(map(joined_label, names))
    for name in names:
        if not name:
            remedy = "write a label before the tab" if separator is None else f"take the surplus {separator!r} away"
            raise DataError(path, number, "empty label", remedy)
        if len(name.splitlines()) > 1:
            raise DataError(path, number, f"line break in the label {shorten(name)}", "rename the label")
    if len(set(names)) < len(names):
        raise DataError(path, number, f"a label stands twice ({shorten(cell)})", "keep one of them")
    return names


def _fold(path: str | os.PathLike, number: int, cell: str) -> int:
    digits = cell.strip()
    if not (digits.isascii() and digits.isdigit() and len(digits) <= 9):
        raise DataError(path, number, f"fold {shorten(cell)} is no whole number", "write 0, 1, 2 ...")
    return int(digits)


def _check_columns(path: str | os.PathLike, columns: Roles | None) -> Roles:
    """The roles; without any, a file that names a score and no label tells them."""
    if columns is None:
        is_scored = os.path.isfile(path) and names_roles(head := Head.of(path), ("score", "text"))
        columns = ("score" if is_scored and not names_roles(head, ("label",)) else "label", "text")
    return check_roles("columns", columns, COLUMNS, ("text",))


def _format_of(columns: Roles) -> str:
    return f"a line is {', a tab, '.join(columns)}"


def _check_separator(separator):
    if separator is None:
        return
    if not isinstance(separator, str) or not separator.strip() or "\t" in separator:
        raise ValueError(
            f"`label_separator` must be `None` or characters that are no blanks. Received: "
            f"label_separator={separator!r}. Pass '|', for instance."
        )
