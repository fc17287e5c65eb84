"""Standoff annotations of BRAT: a text, and beside it a file that says where in it spans begin and end."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

from keras_seq.core.errors import DataError
from keras_seq.core.lines import BYTE_ORDER_MARK, LineFacts, read_lines, shorten
from keras_seq.core.reading import read_text_file

BRAT_SUFFIX = ".ann"
_SPAN = re.compile(r"(T\S*)\t(\S+) ([0-9 ;]+)\t(.*)")
_FORM = "a span is T1, a tab, TYPE START END, a tab, the text"


class BratDocument(NamedTuple):
    """The file, its text, for each span the number of its line with `start`, `end`, `label` and `text`, and how many
    other lines there are, such as relations."""

    path: Path
    text: str
    spans: list[tuple[int, dict[str, Any]]]
    left_out: int


def brat_files(folder: str | os.PathLike) -> list[Path]:
    """The files `*.ann` of a folder and the folders below it, by name."""
    return sorted(path for path in Path(folder).rglob(f"*{BRAT_SUFFIX}") if path.is_file())


def is_brat(path: str | os.PathLike) -> bool:
    """Whether a path names a file `*.ann`, or a folder with such files."""
    return Path(path).suffix == BRAT_SUFFIX or (os.path.isdir(path) and bool(brat_files(path)))


def brat_documents(path: str | os.PathLike, facts: LineFacts | None = None) -> Iterator[BratDocument]:
    """The documents of a file `*.ann`, or of all of a folder; their texts lie beside them, as `*.txt`.

    Offsets count the characters of the text, those of line ends and of a byte order mark too.

    Raises:
        DataError: naming file and line, if a text is missing, or a span is in parts or of another form.
    """
    for file in brat_files(path) if os.path.isdir(path) else [Path(path)]:
        text = read_text_file(file.with_suffix(".txt"), "put the text beside its annotations, in UTF-8")
        found: list[tuple[int, dict[str, Any]]] = []
        left_out = 0
        # Of a text without annotations the file is empty.
        for number, line in read_lines(file, _FORM, facts) if not file.is_file() or file.stat().st_size else ():
            match = _SPAN.fullmatch(line)
            if match is not None:
                found.append((number, _span_of(file, number, match)))
            elif line.startswith("T"):
                raise DataError(file, number, f"no span ({shorten(line)})", _FORM)
            else:
                left_out += bool(line.strip())
        yield BratDocument(file, text.replace(BYTE_ORDER_MARK, " ", 1), found, left_out)


def _span_of(path: Path, number: int, match: re.Match[str]) -> dict[str, Any]:
    numbers = match[3].split()
    if len(numbers) != 2 or ";" in match[3]:
        raise DataError(path, number, f"a span in parts ({match[3]})", "take it out, or make it one")
    start, end = map(int, numbers)
    return {"start": start, "end": end, "label": match[2], "text": match[4]}
