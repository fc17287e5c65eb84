"""Texts that a file has one a line: plain lines, or a column of a table, split by themselves."""

import hashlib
import os
from collections.abc import Callable, Iterator

from keras_seq.core.checks import check_choice
from keras_seq.core.errors import DataError
from keras_seq.core.lines import read_lines, shorten

# Split -> the hundredths of all texts that it has, from where to where.
_HUNDREDTHS = {"train": range(90), "validation": range(90, 95), "test": range(95, 100)}
SPLITS = tuple(_HUNDREDTHS)
_CASES: dict[str, Callable[[str], str]] = {"unchanged": str, "lower": str.lower, "title": str.title}
LETTER_CASES = tuple(_CASES)
_FORMAT = "write one text a line"
_TABLE_FORMAT = "write a header and rows, their cells parted by tabs"


def read_examples(
    path: str | os.PathLike, *, column: str | None = None, split: str | None = None, letter_case: str = "unchanged"
) -> Iterator[str]:
    """The texts of a file: its lines, or the cells of one column of a table.

    A line without text is passed over. Of a table, whose first line names the columns, each text is given once,
    wherever it first stands, and an empty cell is an error.

    With `split`, only a part of the texts is given: of `"train"`, `"validation"` and `"test"` nine tenths, a twentieth
    and a twentieth. Which part a text is in follows from its SHA-256 alone, upper and lower case being the same: it
    depends neither on the order nor on the other texts, and a text that is there twice is in one part.

    Args:
        path: The file, plain or gzip.
        column: The name of the column; `None`: the file has no columns.
        split: `"train"`, `"validation"`, `"test"`, or `None` for all.
        letter_case: `"unchanged"`, `"lower"`, or `"title"` (a capital at the start of each word).

    Returns:
        An iterator over texts; with plain lines memory does not grow with the file.

    Raises:
        ValueError: When `split` or `letter_case` is unknown.
        DataError: When the file cannot be read, has no such column, or has no text for this split.

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
    digest = hashlib.sha256(text.casefold().encode("utf-8", "surrogatepass")).digest()
    hundredth = int.from_bytes(digest[:8], "big") % 100
    return next(name for name, hundredths in _HUNDREDTHS.items() if hundredth in hundredths)


def _read(
    path: str | os.PathLike, column: str | None, split: str | None, changed: Callable[[str], str]
) -> Iterator[str]:
    texts = _plain_lines(path) if column is None else _cells(path, column)
    is_empty = True
    for text in texts:
        if split is None or split_of(text) == split:
            is_empty = False
            yield changed(text)
    if is_empty:
        part = "no text" if split is None else f"no text that falls into the split {split!r}"
        raise DataError(path, None, part, "add texts" if split is None else "add texts, or name a file for it")


def _plain_lines(path: str | os.PathLike) -> Iterator[str]:
    for _, line in read_lines(path, _FORMAT):
        if line.strip():
            yield line


def _cells(path: str | os.PathLike, column: str) -> Iterator[str]:
    lines = read_lines(path, _TABLE_FORMAT)
    names = [name.strip() for name in next(lines)[1].split("\t")]
    if column not in names:
        listed = ", ".join(shorten(name) for name in names[:10])
        raise DataError(path, 1, f"no column {column!r} in the header ({listed})", "name one of these")
    place, seen = names.index(column), set()
    for number, line in lines:
        if not line.strip():
            continue
        cells = line.split("\t")
        text = cells[place].strip() if place < len(cells) else ""
        if not text:
            raise DataError(path, number, f"no text in the column {column!r}", _TABLE_FORMAT)
        if text not in seen:
            seen.add(text)
            yield text
