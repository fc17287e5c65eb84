"""The texts of files that hold more than texts, such as labels, which a model must not read."""

from __future__ import annotations

import os
from collections.abc import Iterator

from keras_seq.core.errors import DataError
from keras_seq.core.lines import shorten
from keras_seq.core.notices import notify
from keras_seq.data.annotations import ANNOTATIONS, json_records, text_of
from keras_seq.data.brat import is_brat
from keras_seq.data.column_names import csv_header, named_columns
from keras_seq.data.readers import Head
from keras_seq.data.records import PARQUET
from keras_seq.data.spacy_files import DOCBIN_SUFFIX
from keras_seq.data.tables import open_table

_ONE_A_LINE = "name it `text`, or give texts alone, one a line"


def plain_texts(path: str | os.PathLike) -> Iterator[str] | None:
    """The texts alone, where a file tells which they are; what is read of it is told.

    They are told by the names of fields (JSON lines, Parquet) or columns (a table whose first line names them), or are
    those of an annotation tool. Labels are not looked at.

    Args:
        path: An ordinary file.

    Returns:
        An iterator over texts; `None` of a file that looks as texts do, one a line, or is one for another reader.

    Raises:
        DataError: if it holds records of which no field is the text, or it is not sure which one; while it is read, if
            a record has no text.

    Example:

    >>> import tempfile, pathlib
    >>> path = pathlib.Path(tempfile.mkdtemp()) / "a.jsonl"
    >>> _ = path.write_text('{"text": "Worth it.", "label": "good"}')
    >>> list(plain_texts(path))
    ['Worth it.']
    """
    head = Head.of(path)
    if is_brat(path):
        return _lines_of(path)
    if head.path.suffix == DOCBIN_SUFFIX:
        return (example.text for example in ANNOTATIONS.examples(path))
    if "data" in head.names and "text" not in head.names:
        return _of_label_studio(path)
    if head.names:
        return _named(path, head.names, "field")
    if head.content.startswith(PARQUET) or head.is_json:
        raise DataError(path, None, "no records with named fields", "give texts alone, one a line")
    names = csv_header(head)
    return None if names is None else _named(path, names, "column")


def _named(path: str | os.PathLike, names: list[str], kind: str) -> Iterator[str]:
    """What stands in the one field or column that is the text."""
    found = [names[place] for place in named_columns(names, "text")]
    if len(found) != 1:
        reason = f"no {kind} is the text" if not found else f"{' and '.join(map(shorten, found))} may both be the text"
        raise DataError(path, None, f"{reason} (its {kind}s: {', '.join(map(shorten, names[:10]))})", _ONE_A_LINE)
    if len(names) > 1:
        notify(f"{os.fspath(path)}: of its {len(names)} {kind}s {shorten(found[0])} is read, the text")
    table = open_table(path, {"text": found[0]}, "a line is one text")
    return (row.cells["text"] for row in table.rows())


def _lines_of(path: str | os.PathLike) -> Iterator[str]:
    for example in ANNOTATIONS.examples(path):
        yield from filter(str.strip, example.text.splitlines())


def _of_label_studio(path: str | os.PathLike) -> Iterator[str]:
    return (text_of(path, number, record) for number, record in json_records(path, None))
