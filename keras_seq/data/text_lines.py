"""Texts that a file has one a line: plain lines, or a column of a table, split by themselves."""

import hashlib
import os
import unicodedata
from collections.abc import Callable, Iterator, Mapping

from keras_seq.core.checks import check_choice
from keras_seq.core.errors import DataError
from keras_seq.core.lines import LineFacts, read_lines, shorten
from keras_seq.data.description import RECIPE, Column, Description, Remark, marks_remark
from keras_seq.data.readers import Head
from keras_seq.data.roles import Roles, check_roles

# Split -> the hundredths of all texts that it has, from where to where.
_HUNDREDTHS = {"train": range(90), "validation": range(90, 95), "test": range(95, 100)}
SPLITS = tuple(_HUNDREDTHS)
_CASES: dict[str, Callable[[str], str]] = {
    "unchanged": str,
    "lower": str.lower,
    # A mark that stands for itself would end a word.
    "title": lambda text: unicodedata.normalize("NFC", text).title(),
}
LETTER_CASES = tuple(_CASES)
_FORMAT = "write one text a line"
_TABLE_FORMAT = "write a header and rows, their cells parted by tabs"


class LinesReader:
    """Texts, one a line, or in a column of a table: what `read_examples` gives."""

    name = "lines"
    roles = ("text",)

    def recognises(self, head: Head) -> float:
        """As of every reader: any text may be one of lines, but for JSON."""
        return 0.3 if head.lines and not head.is_json else 0.0

    def sniff(self, path: str | os.PathLike, columns: Roles | None = None) -> Description:
        """What the file holds, from all of its lines.

        Args:
            path: The file.
            columns: `{"text": NAME}` of a table whose first line names the columns; `None`: the file has no columns.

        Raises:
            ValueError, DataError: as `read_examples`.
        """
        column, facts = _column_of(columns), LineFacts()
        count = characters = longest = 0
        tabs = [0, 0]
        for number, text in _numbered(path, column, facts):
            count += 1
            characters += len(text)
            longest = max(longest, len(text))
            if "\t" in text:
                tabs[:] = tabs[0] or number, tabs[1] + 1
        if not count:
            raise DataError(path, None, "no text", "add texts")
        remarks = marks_remark(facts)
        if os.path.isfile(path) and Head.of(path).record:
            remarks.append(Remark("JSON, whose names and signs are read as text: give texts alone, one a line"))
        if tabs[1] == count and column is None:
            remarks.append(Remark("a tab in every line: if it parts columns, this is another kind of file", *tabs))
        return Description(
            os.fspath(path), self.name, "texts", count, facts=facts,
            separator="tab" if column else "", header=1 if column else 0,
            columns=[Column(_names_of(path).index(column) + 1, "text", RECIPE, column)] if column else (),
            details={"characters": f"{characters:,}", "longest": f"{longest:,}"}, remarks=remarks,
        )  # fmt: skip

    def examples(
        self,
        path: str | os.PathLike,
        columns: Roles | None = None,
        *,
        split: str | None = None,
        letter_case: str = "unchanged",
    ) -> Iterator[str]:
        """The texts one by one: as `read_examples`, with `columns` as of `sniff`."""
        return read_examples(path, column=_column_of(columns), split=split, letter_case=letter_case)


LINES = READER = LinesReader()


def read_examples(
    path: str | os.PathLike, *, column: str | None = None, split: str | None = None, letter_case: str = "unchanged"
) -> Iterator[str]:
    """The texts of a file: its lines, or the cells of one column of a table.

    A line without text is passed over. Of a table, whose first line names the columns, each text is given once,
    wherever it first stands, and an empty cell is an error.

    With `split`, only a part of the texts is given: of `"train"`, `"validation"` and `"test"` nine tenths, a twentieth
    and a twentieth. Which part a text is in follows from its SHA-256 alone, upper and lower case being the same, and so
    the forms of Unicode: it depends neither on the order nor on the other texts, and a text that is there twice is in
    one part.

    Args:
        path: The file, plain or gzip.
        column: The name of the column; `None`: the file has no columns.
        split: `"train"`, `"validation"`, `"test"`, or `None` for all.
        letter_case: `"unchanged"`, `"lower"`, or `"title"` (a capital at the start of each word).

    Returns:
        An iterator over texts; with plain lines memory does not grow with the file.

    Raises:
        ValueError: if `split` or `letter_case` is unknown.
        DataError: if the file cannot be read, has no such column, or has no text for this split.

    Example:

    >>> import tempfile, pathlib
    >>> path = pathlib.Path(tempfile.mkdtemp()) / "names.tsv"
    >>> _ = path.write_text("name\\tsex\\nANA\\tF\\nRUI\\tM\\nANA\\tM\\n")
    >>> list(read_examples(path, column="name", letter_case="title"))
    ['Ana', 'Rui']
    """
    if split is not None:
        check_choice("split", split, SPLITS)
    check_choice("letter_case", letter_case, LETTER_CASES)
    return _read(path, column, split, _CASES[letter_case])


def split_of(text: str) -> str:
    """The split that `read_examples` puts a text into.

    Example:

    >>> split_of("MARIA") == split_of("Maria")
    True
    """
    digest = hashlib.sha256(unicodedata.normalize("NFC", text).casefold().encode("utf-8", "surrogatepass")).digest()
    hundredth = int.from_bytes(digest[:8], "big") % 100
    return next(name for name, hundredths in _HUNDREDTHS.items() if hundredth in hundredths)


def _read(
    path: str | os.PathLike, column: str | None, split: str | None, changed: Callable[[str], str]
) -> Iterator[str]:
    is_empty = True
    for _, text in _numbered(path, column):
        if split is None or split_of(text) == split:
            is_empty = False
            yield changed(text)
    if is_empty:
        part = "no text" if split is None else f"no text that falls into the split {split!r}"
        raise DataError(path, None, part, "add texts" if split is None else "add texts, or name a file for it")


def _numbered(path: str | os.PathLike, column: str | None, facts: LineFacts | None = None) -> Iterator[tuple[int, str]]:
    """Number of the line and text of each that has one."""
    if column is not None:
        yield from _cells(path, column, facts)
        return
    for number, line in read_lines(path, _FORMAT, facts):
        if line and not line.isspace():
            yield number, line


def _names_of(path: str | os.PathLike) -> list[str]:
    return [name.strip() for name in next(read_lines(path, _TABLE_FORMAT))[1].split("\t")]


def _cells(path: str | os.PathLike, column: str, facts: LineFacts | None) -> Iterator[tuple[int, str]]:
    names = _names_of(path)
    if column not in names:
        listed = ", ".join(shorten(name) for name in names[:10])
        raise DataError(path, 1, f"no column {column!r} in the header ({listed})", "name one of these")
    place, seen = names.index(column), set()
    for number, line in read_lines(path, _TABLE_FORMAT, facts):
        if number == 1 or not line.strip():
            continue
        cells = line.split("\t")
        text = cells[place].strip() if place < len(cells) else ""
        if not text:
            raise DataError(path, number, f"no text in the column {column!r}", _TABLE_FORMAT)
        if text not in seen:
            seen.add(text)
            yield number, text


def _column_of(columns: Roles | None) -> str | None:
    if columns is None:
        return None
    roles = check_roles("columns", columns, ("text",), ("text",))
    if not isinstance(roles, Mapping) or not isinstance(roles["text"], str):
        raise ValueError(f'`columns` must name a column. Received: columns={columns!r}. Pass {{"text": "name"}}.')
    return roles["text"]
