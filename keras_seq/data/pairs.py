"""Files of pairs of texts: with a label, a score, or neither."""

import csv
import os
import re
from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import NamedTuple

from keras_seq.core.checks import check_choice
from keras_seq.core.errors import DataError
from keras_seq.core.lines import LineFacts, finite_number, read_lines, shorten
from keras_seq.data.column_names import names_roles
from keras_seq.data.description import DECLARED, Description, Remark, marks_remark
from keras_seq.data.readers import Head
from keras_seq.data.roles import Roles, check_roles
from keras_seq.data.tables import Table, open_table

PAIR_COLUMNS = ("label", "a", "b", "score")
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


class PairsReader:
    """Pairs of texts, in tabs or as the Quora Question Pairs come: the forms of `read_pairs`.

    A first line that names the columns as their roles do is passed over. A file without tabs whose first line names
    the columns, parted by commas or semicolons, is CSV.
    """

    name = "pairs"
    roles = PAIR_COLUMNS

    def recognises(self, head: Head) -> float:
        """As of every reader: a first line that names both texts, or three columns of which the first is 0 or 1."""
        if names_roles(head, ("a", "b")):
            return 0.92
        is_labelled = head.rows and all(len(row) == 3 and row[0].strip() in ("0", "1") for row in head.rows)
        return 0.8 if is_labelled else 0.0

    def sniff(self, path: str | os.PathLike, columns: Roles | None = None, *, form: str = "tsv") -> Description:
        """What the file holds, from all of its rows.

        Args:
            path, columns, form: As of `read_pairs`.

        Returns:
            Its description; `counts` are pairs by label.

        Raises:
            ValueError, DataError: as `read_pairs`.
        """
        columns, facts = _check_columns(path, columns), LineFacts()
        check_choice("form", form, PAIR_FORMS)
        table = _table(path, columns, form, facts)
        count, same, quoted = 0, 0, [0, 0]
        scores: list[float] = []
        for pair in _pairs(table):
            count += 1
            same += pair.label or 0
            if all(text[:1] == '"' == text[-1:] for text in (pair.a, pair.b)):
                quoted[:] = quoted[0] or pair.line, quoted[1] + 1
            if pair.score is not None:
                low, high = scores or (pair.score, pair.score)
                scores = [min(low, pair.score), max(high, pair.score)]
        found = table.described(self.name, "pairs", count)
        if scores:
            found = replace(found, scheme=f"scores from {scores[0]:g} to {scores[1]:g}")
        if "label" in table.places:
            found = replace(found, counted="labels", counts={"1": same, "0": count - same})
        remarks = [*marks_remark(facts)]
        if quoted[1] > count // 2:
            remarks.append(Remark("the texts stand in quotes, which are read as part of them", *quoted))
        return found.with_remarks(*remarks)

    def examples(
        self, path: str | os.PathLike, columns: Roles | None = None, *, form: str = "tsv"
    ) -> Iterator[TextPair]:
        """The pairs one by one: as `read_pairs`."""
        columns = _check_columns(path, columns)
        check_choice("form", form, PAIR_FORMS)

        def read() -> Iterator[TextPair]:
            yield from _pairs(_table(path, columns, form))

        return read()


PAIRS = READER = PairsReader()


def read_pairs(
    path: str | os.PathLike, *, columns: Roles = ("label", "a", "b"), form: str = "tsv"
) -> Iterator[TextPair]:
    """Read a file of pairs of texts one by one; memory does not grow with the file.

    Plain or gzip (told by content, not by name), UTF-8 with or without BOM, LF or CRLF. Blanks around a label or a
    score are not part of it; the texts are given as they are.

    Args:
        path: The file.
        columns: What the columns of a `"tsv"` are, in the order of the file: `"a"` and `"b"`, and any of `"label"`,
            `"score"` and `"ignored"` (this one may stand more than once); or role -> number or name of its column. The
            other form does not look at it.
        form: `"tsv"`: one pair a line, tabs between the columns, no quotes; a first line of names is passed over.
            `"quora"`: as the Quora Question Pairs come, CSV or TSV, told by the line of names at the top. A quoted
            question may hold line breaks, which become LF. Without the column `is_duplicate` no pair has a label. A few
            questions of the published files are empty; they are given as they are.

    Returns:
        An iterator over `TextPair`; `line` is the one at which the pair begins.

    Raises:
        ValueError: if `columns` or `form` make no sense.
        DataError: naming file, line, reason and remedy, if the file is missing, empty, not UTF-8 or damaged gzip, a
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
    return PAIRS.examples(path, columns, form=form)


def read_unlabelled_pairs(path: str | os.PathLike) -> Iterator[TextPair]:
    """Read pairs that are to be compared: two texts a line and a tab between them; or Quora's form, told by its names.

    Args:
        path: The file.

    Returns:
        As `read_pairs`.

    Raises:
        DataError: as `read_pairs`.

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
        DataError: naming the file and the one label.

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


def _table(path: str | os.PathLike, columns: Roles, form: str, facts: LineFacts | None = None) -> Table:
    if form == "quora":
        return _QuoraTable(path, _QUORA, _QUORA_FORMAT, facts=facts, is_csv=True)
    return open_table(path, columns, f"a line is {', a tab, '.join(columns)}", facts=facts)


class _QuoraTable(Table):
    """A table whose first line names the columns; cells may stand in quotes, whatever parts them."""

    def find_columns(self) -> None:
        self.separator, delimiter = ("tab", "\t") if "\t" in self.first else ("comma", ",")
        try:
            names = [name.strip() for name in next(csv.reader([self.first], delimiter=delimiter, strict=True), [])]
        except csv.Error as error:
            raise DataError(self.path, 1, f"not a line of names ({error})", _QUORA_FORMAT) from None
        for name in (_QUORA["a"], _QUORA["b"]):
            if name not in names:
                listed = ", ".join(shorten(name) for name in names[:8])
                raise DataError(self.path, 1, f"no column {name!r} (found {listed})", _QUORA_FORMAT)
        twice = [name for name in _QUORA.values() if names.count(name) > 1]
        if twice:
            raise DataError(self.path, 1, f"the column {twice[0]!r} stands twice", "rename one of them")
        self.names, self.width, self.origin = names, len(names), DECLARED
        self.places = {role: names.index(name) for role, name in _QUORA.items() if name in names}


def _pairs(table: Table) -> Iterator[TextPair]:
    path, is_quora = table.path, isinstance(table, _QuoraTable)
    for number, cells in table.rows():
        for name in () if is_quora else ("a", "b"):
            if not cells[name].strip():
                raise DataError(path, number, f"empty text in column {name!r}", "remove the line, or write the text")
        label = _label(path, number, cells["label"]) if "label" in cells else None
        score = finite_number(path, number, "score", cells["score"]) if "score" in cells else None
        yield TextPair(cells["a"], cells["b"], label, score, number)


def _label(path: str | os.PathLike, number: int, cell: str) -> int:
    if cell.strip() not in ("0", "1"):
        remedy = "write 1 when both mean the same, else 0; or check which column is the label"
        raise DataError(path, number, f"label {shorten(cell)} is not 0 or 1", remedy)
    return int(cell)


def _check_columns(path: str | os.PathLike, columns: Roles | None) -> Roles:
    """The roles; without any, a file that names both texts tells whether there is a label, else a score."""
    if columns is None:
        columns = ("label", "a", "b")
        if os.path.isfile(path) and names_roles(head := Head.of(path), ("a", "b")):
            named = [role for role in ("label", "score") if names_roles(head, (role,))]
            columns = (*named[:1], "a", "b")
    return check_roles("columns", columns, PAIR_COLUMNS, ("a", "b"))
