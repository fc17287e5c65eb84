"""Rows of a table: cells parted by tabs, or a CSV file whose first line names the columns."""

from __future__ import annotations

import csv
import os
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any, NamedTuple

from keras_seq.core.errors import DataError
from keras_seq.core.lines import LineFacts, read_lines, shorten
from keras_seq.data.annotations import ANNOTATIONS, json_records, labelled_records
from keras_seq.data.column_names import DELIMITERS, are_named, may_mean, named_columns
from keras_seq.data.description import DECLARED, DEFAULT, RECIPE, Column, Description
from keras_seq.data.readers import Head
from keras_seq.data.records import PARQUET, cell, parquet_records
from keras_seq.data.roles import IGNORED, Roles, listed_columns, places_of

# What recipes say that do not say which column is which: then names of columns tell it.
_BY_DEFAULT = (("label", "text"), ("score", "text"), ("label", "a", "b"), ("score", "a", "b"), ("a", "b"))
_FASTTEXT = "__label__"
_FASTTEXT_LABELS = re.compile(rf"(?:(?<=[ \t])|^){_FASTTEXT}([^ \t]+)(?=[ \t]|$)")
_CSV = "write two quotes for each quote in a quoted cell, and close the cell"


class Row(NamedTuple):
    """A row: the number of the line where it begins, the line itself, and its cells by role."""

    line: int
    cells: dict[str, str]


@dataclass
class Table:
    """An open table.

    Attributes:
        places: Role -> place of its column, from 0.
        width: How many columns a row has.
        separator: What parts them.
        names: What the first line calls them; `None`: it is a row.
        origin: Who says what they are.
    """

    path: str | os.PathLike
    roles: Roles
    file_format: str
    keeps_tabs: str = ""
    facts: LineFacts | None = None
    is_csv: bool = False

    def __post_init__(self) -> None:
        self.lines = read_lines(self.path, self.file_format, self.facts)
        self.first_line, self.first = next(self.lines)
        self.find_columns()

    def find_columns(self) -> None:
        """Find out what the columns are, from the first line: whether it names them, and by what they are parted."""
        self.names: list[str] | None = None
        is_default = not isinstance(self.roles, Mapping) and tuple(self.roles) in _BY_DEFAULT
        self.origin = DEFAULT if is_default else RECIPE
        cells = self.first.split("\t")
        self.separator = "tab"
        if is_fasttext(self.first) and sorted(self.wanted) == ["label", "text"]:
            self.separator, self.origin, self.width = "fastText", DECLARED, 2
            self.places = {"label": 0, "text": 1}
            return
        is_one_text = len(self.wanted) == 1 and not isinstance(self.roles, Mapping)
        if not is_one_text and (found := self._csv_names()) is not None:
            self.separator, cells = found
            self.is_csv = True
            self.names, self.origin, self.places = cells, DECLARED, self._by_names(cells)
        elif isinstance(self.roles, Mapping):
            self._place_given(self.roles, cells)
        else:
            self._place_in_order(list(self.roles), cells)
        self.width = len(cells) if self.names is not None or isinstance(self.roles, Mapping) else len(self.roles)

    @property
    def wanted(self) -> list[str]:
        """The roles of columns that are read."""
        return [role for role in self.roles if role != IGNORED]

    def _csv_names(self) -> tuple[str, list[str]] | None:
        """The separator of a CSV file, and the names of its columns, where the first line is one of names; tabs part
        the columns of a CSV file if all names stand in quotes."""
        has_tabs = "\t" in self.first
        if has_tabs and not all(cell[:1] == '"' == cell[-1:] and len(cell) > 1 for cell in self.first.split("\t")):
            return None
        for separator, delimiter in list(DELIMITERS.items())[: 1 if has_tabs else None]:
            try:
                cells = next(csv.reader([self.first], delimiter=delimiter, strict=True), [])
            except csv.Error:
                continue
            names = [cell.strip() for cell in cells]
            if len(names) > 1 and may_mean(names, self.roles):
                return separator, names
        return None

    def _by_names(self, names: list[str]) -> dict[str, int]:
        if isinstance(self.roles, Mapping):
            return places_of(self.roles, names, len(names), self.path, self.first_line)
        places = {}
        for role in self.wanted:
            found = named_columns(names, role)
            if len(found) != 1:
                listed = " and ".join(shorten(names[place]) for place in found)
                raise self._unsure(f"{listed} may both be the {role}", names)
            places[role] = found[0]
        if len(set(places.values())) < len(places):
            raise self._unsure("one column is named as two roles are", names)
        return places

    def _place_given(self, roles: Mapping[str, int | str], cells: list[str]) -> None:
        by_name = any(isinstance(column, str) for column in roles.values())
        names = [cell.strip() for cell in cells]
        self.places = places_of(roles, names if by_name else None, len(cells), self.path, self.first_line)
        if by_name or all(place in named_columns(names, role) for role, place in self.places.items()):
            self.names = names
        else:
            self._refuse_other_names(names)

    def _place_in_order(self, roles: list[str], cells: list[str]) -> None:
        """Roles in the order of the columns; a first line that names them is passed over, if it says the same."""
        self.places = {role: place for place, role in enumerate(roles) if role != IGNORED}
        names = [cell.strip() for cell in cells]
        if len(roles) == 1 or names == ["a", "b"]:
            return  # a text may be a word that names columns
        if len(cells) == len(roles) and all(place in named_columns(names, role) for role, place in self.places.items()):
            self.names = names
        elif tuple(roles) not in _BY_DEFAULT:
            self._refuse_other_names(names)
        elif are_named(names, self.places):
            self.names, self.origin, self.places = names, DECLARED, self._by_names(names)

    def _refuse_other_names(self, names: list[str]) -> None:
        """Raise if the first line names the columns, but not as the roles do."""
        if are_named(names, self.places):
            reason = "the first line names the columns otherwise than the roles do"
            raise self._unsure(reason, names, {role: named_columns(names, role)[0] + 1 for role in self.places})

    def _unsure(self, reason: str, names: list[str], places: Mapping[str, int] | None = None) -> DataError:
        roles = ", ".join(self.roles)
        reason = f"{reason} ({listed_columns(names)}; roles: {roles})"
        places = places or {role: place for place, role in enumerate(self.wanted, start=1)}
        numbers = ", ".join(f"{role} = {place}" for role, place in places.items())
        return DataError(self.path, self.first_line, reason, f"say which is which: columns = {{{numbers}}}, or so")

    def rows(self) -> Iterator[Row]:
        """The rows below the names.

        Raises:
            DataError: if a row has too few or too many cells, a NUL byte, or quotes of a CSV file are not right; or
                there are names, and no row.
        """
        number = 0
        if self.separator == "fastText":
            found = _fasttext_rows(self.path, self._with_first())
        else:
            found = self._records() if self.is_csv else self._lines_with_tabs()
        for number, cells in found:
            yield Row(number, cells)
        if not number:
            raise DataError(
                self.path, None, f"names of columns, but no row ({shorten(self.first)})", "write rows below"
            )

    def _lines_with_tabs(self) -> Iterator[tuple[int, dict[str, str]]]:
        # A text that is the last column keeps its tabs; any other surplus column is an error.
        keeps = not isinstance(self.roles, Mapping) and self.places.get(self.keeps_tabs) == self.width - 1
        most_splits, width = (self.width - 1 if keeps else -1), self.width
        places = tuple(self.places.items())
        for number, line in self._with_first():
            if "\r" in line or "\0" in line:
                check_line(self.path, number, line)
            cells = line.split("\t", most_splits)
            if len(cells) != width:
                raise _wrong_cells(self, number, line, len(cells))
            yield number, {role: cells[place] for role, place in places}

    def _with_first(self) -> Iterator[tuple[int, str]]:
        if self.names is None:
            yield self.first_line, self.first
        yield from self.lines

    def _records(self) -> Iterator[tuple[int, dict[str, str]]]:
        delimiter = DELIMITERS[self.separator]
        for number, cells in csv_records(self.path, self._line_ends(), delimiter):
            if len(cells) != self.width:
                raise _wrong_cells(self, number, delimiter.join(cells), len(cells))
            yield number, {role: cells[place] for role, place in self.places.items()}

    def _line_ends(self) -> Iterator[str]:
        for number, line in self.lines:
            check_line(self.path, number, line)
            yield f"{line}\n"

    def described(self, reader: str, unit: str, examples: int) -> Description:
        """What is known of the table when all rows are read."""
        names = self.names or [""] * self.width
        columns = sorted(Column(place + 1, role, self.origin, names[place]) for role, place in self.places.items())
        return Description(
            os.fspath(self.path), reader, unit, examples, facts=self.facts, separator=self.separator,
            columns=columns, header=self.first_line if self.names is not None else 0,
        )  # fmt: skip


class RecordTable(Table):
    """Records with named fields, as a table.

    Args:
        path, roles, file_format: As of `Table`.
        names: What the fields are called.
        records: Number and content of each record.
        form: What the file is, for the description.
    """

    def __init__(
        self,
        path: str | os.PathLike,
        roles: Roles,
        file_format: str,
        names: list[str],
        records: Iterator[tuple[int, Mapping[str, Any]]],
        facts: LineFacts | None,
        form: str,
    ) -> None:
        self.path, self.roles, self.file_format, self.facts = path, roles, file_format, facts
        self.names, self.fields, self.records, self.form = names, names, records, form
        self.separator, self.first_line, self.width = "", 1, len(names)
        self.origin = RECIPE if isinstance(roles, Mapping) else DECLARED
        missing = [role for role in self.wanted if not isinstance(roles, Mapping) and not named_columns(names, role)]
        if missing:
            reason = f"no field that is the {missing[0]} ({', '.join(map(shorten, names[:10]))})"
            named = ", ".join(f'{role} = "NAME"' for role in self.wanted)
            raise DataError(path, None, reason, f"name the fields: columns = {{{named}}}")
        self.places = self._by_names(names)

    def rows(self) -> Iterator[Row]:
        """The records.

        Raises:
            DataError: if a field is missing, or of another kind than texts and numbers; or there is no record.
        """
        fields = {role: self.fields[place] for role, place in self.places.items()}
        count = 0
        for count, (line, record) in enumerate(self.records, start=1):
            number = line or count  # of an array the lines are not known
            yield Row(number, {role: cell(self.path, number, key, record.get(key)) for role, key in fields.items()})
        if not count:
            raise DataError(self.path, None, "holds no record", "add some")

    def described(self, reader: str, unit: str, examples: int) -> Description:
        """As of `Table`; there is no line of names."""
        return replace(super().described(f"{reader} ({self.form})", unit, examples), header=0)


def open_table(
    path: str | os.PathLike, roles: Roles, file_format: str, keeps_tabs: str = "", facts: LineFacts | None = None
) -> Table:
    """The table of a file: as `Table`, or records of Parquet or JSON lines, whose fields have the names of the roles.

    Args:
        path: The file.
        roles: Of its columns.
        file_format: What a line is, for messages.
        keeps_tabs: The role whose text keeps its tabs, if it is the last.
        facts: Where encoding and line ends are noted.

    Raises:
        DataError: if the file cannot be read, or its columns are not sure.
    """
    head = Head.of(path) if os.path.isfile(path) else None
    if head is None or (len(roles) == 1 and not isinstance(roles, Mapping)):
        return Table(path, roles, file_format, keeps_tabs, facts)
    if head.content.startswith(PARQUET):
        return RecordTable(path, roles, file_format, head.names, parquet_records(path), None, "Parquet")
    wanted = sorted(role for role in roles if role != IGNORED)
    if wanted == ["label", "text"] and not isinstance(roles, Mapping) and ANNOTATIONS.recognises(head) > 0.9:
        records = labelled_records(path, facts)
        return RecordTable(path, roles, file_format, ["label", "text"], records, facts, "annotations")
    if head.names:
        return RecordTable(path, roles, file_format, head.names, json_records(path, facts), facts, "JSON lines")
    return Table(path, roles, file_format, keeps_tabs, facts)


def is_fasttext(line: str) -> bool:
    """Whether a line is one of fastText: it begins or ends with a label."""
    first, last = line.replace("\t", " ").split(" ")[0], line.split("\t")[-1].split(" ")
    # Behind a tab it must be all of the cell: in a text it is a part of it.
    return first.startswith(_FASTTEXT) or (last[-1].startswith(_FASTTEXT) and (len(last) == 1 or "\t" not in line))


def csv_records(path: str | os.PathLike, lines: Iterator[str], delimiter: str) -> Iterator[tuple[int, list[str]]]:
    """Number of the first line, and cells, of each record below the line of names.

    Args:
        path: The file, for messages.
        lines: Those below the names, with their ends, which belong to quoted cells.
        delimiter: What parts the cells.

    Raises:
        DataError: if quotes are not right.
    """
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
                reason, remedy = f"quotes are not right ({error})", _CSV
            raise DataError(path, number, reason, remedy) from None
        if cells is None:
            return
        yield number, cells


def check_line(path: str | os.PathLike, number: int, line: str) -> None:
    """Raise unless a line of a table is text, and one row: `DataError`."""
    if "\0" in line:
        raise DataError(path, number, "NUL byte", "the file is not text, or is damaged: write it again as UTF-8")
    if "\r" in line and "\t" in line.split("\r", 1)[1]:
        raise DataError(path, number, "CR within the line, and rows on both sides of it", "let all lines end with LF")


def _fasttext_rows(path: str | os.PathLike, lines: Iterator[tuple[int, str]]) -> Iterator[tuple[int, dict[str, str]]]:
    """Lines of `__label__NAME`, a blank, and the text; as fastText reads them, the label may stand behind, too."""
    for number, line in lines:
        labels = _FASTTEXT_LABELS.findall(line)
        if len(labels) != 1:
            reason = f"{'several labels' if labels else 'no label'} ({shorten(line)})"
            raise DataError(path, number, reason, f"a line is {_FASTTEXT}NAME, a space, the text")
        yield number, {"label": labels[0], "text": _FASTTEXT_LABELS.sub("", line).strip(" \t")}


def _wrong_cells(table: Table, number: int, line: str, count: int) -> DataError:
    if not line.strip():
        return DataError(table.path, number, "blank line", f"remove it: {table.file_format}")
    if count == 1 and line[:1] in ("{", "["):
        remedy = f"{table.file_format}; of JSON lines `keras-seq data convert` makes such a file"
        return DataError(table.path, number, f"no {table.separator} ({shorten(line)})", remedy)
    if count == 1:
        return _no_separator(table, number, line)
    reason = f"{count} columns, not {table.width} ({shorten(line)})"
    return DataError(table.path, number, reason, table.file_format)


def _no_separator(table: Table, number: int, line: str) -> DataError:
    """Of a line that is one cell; a first line may be that of a CSV file which lacks a column."""
    remedy = f"{table.file_format}; of CSV the first line names the columns" if "," in line else table.file_format
    for delimiter in DELIMITERS.values():
        names = [name.strip() for name in line.split(delimiter)]
        missing = [role for role in table.wanted if not named_columns(names, role)]
        if number == table.first_line and len(names) > 1 and 0 < len(missing) < len(table.wanted):
            reason = f"no column is called as the {missing[0]} is ({listed_columns(names)})"
            return DataError(table.path, number, reason, f'say it in the recipe: columns.{missing[0]} = "NAME"')
    return DataError(table.path, number, f"no {table.separator} ({shorten(line)})", remedy)
