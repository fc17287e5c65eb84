"""What a reader of files is, and the registry of them: this package's, and those of other packages."""

from __future__ import annotations

import codecs
import functools
import json
import os
from collections import OrderedDict
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol, TypeVar, runtime_checkable

from keras_seq.core.errors import DataError, InputError
from keras_seq.core.lines import opened, wide_encoding
from keras_seq.core.plugins import Plugins
from keras_seq.core.reading import check_ordinary
from keras_seq.data.description import Description
from keras_seq.data.records import PARQUET, parquet_names
from keras_seq.data.roles import IGNORED, Roles

Found = TypeVar("Found")
# What was found out of so many files is kept.
_MOST_REMEMBERED = 16
_HEAD_BYTES = 1 << 16
_JSON_SUFFIXES = (".json", ".jsonl", ".ndjson")
_PACKED = {b"\x1f\x8b": "gzip", b"BZh": "bzip2", b"\xfd7zXZ": "xz", b"\x28\xb5\x2f\xfd": "zstd"}
_remembered: OrderedDict[Any, Any] = OrderedDict()


@dataclass(frozen=True)
class Head:
    """How a file begins.

    Args:
        path: The file, or a folder.
        content: The first bytes, decompressed; of a folder none.
    """

    path: Path
    content: bytes

    @classmethod
    def of(cls, path: str | os.PathLike) -> Head:
        """Read the head of a file.

        Raises:
            DataError: if it cannot be read.
        """
        if os.path.isdir(path):
            return cls(Path(path), b"")
        with opened(path) as file:
            return cls(Path(path), file.read(_HEAD_BYTES))

    @functools.cached_property
    def lines(self) -> list[str]:
        """The first lines that are whole; none where this is no text."""
        if b"\0" in self.content or self.content.startswith(PARQUET):
            return []
        try:
            text = codecs.getincrementaldecoder("utf-8-sig")().decode(self.content)
        except UnicodeDecodeError:
            text = self.content.decode("latin-1")
        lines = text.replace("\r\n", "\n").replace("\r", "\n").split("\n")
        return lines[:-1] if len(self.content) == _HEAD_BYTES or not lines[-1] else lines

    @functools.cached_property
    def record(self) -> dict[str, Any]:
        """The first object of JSON lines, or of an array; else an empty one."""
        text = self.content.decode("utf-8-sig", "replace").lstrip()
        text = text[1:].lstrip() if text.startswith("[") else text
        try:
            record = json.JSONDecoder().raw_decode(text)[0] if text.startswith("{") else None
        except (ValueError, RecursionError):
            return {}
        return record if isinstance(record, dict) else {}

    @functools.cached_property
    def is_json(self) -> bool:
        """Whether it is JSON: by its first record or its name, or as a whole."""
        start = self.content.decode("utf-8-sig", "replace").lstrip()
        if self.record or start[:1] not in ("[", "{"):
            return bool(self.record)
        if self.path.name.removesuffix(".gz").endswith(_JSON_SUFFIXES):
            return True
        try:
            json.loads(start)
        except (ValueError, RecursionError):
            return False
        return True

    @functools.cached_property
    def names(self) -> list[str]:
        """What the fields of records are called: columns of Parquet; keys of the first `record`; else none."""
        return parquet_names(self.path) if self.content.startswith(PARQUET) else list(self.record)

    @functools.cached_property
    def rows(self) -> list[list[str]]:
        """The cells of the lines, blank ones left out; tabs part them."""
        return [line.split("\t") for line in self.lines if line and not line.isspace()]


@runtime_checkable
class Reader(Protocol):
    """Reads files of one kind: tells what it understood, and refuses what is not sure in one line.

    The precedence of roles: what a recipe says, then what the file declares, then what all of its rows show.

    Attributes:
        name: What messages and `keras-seq data show --reader` call it.
        roles: What a column can be; empty where there are no columns.
    """

    name: str
    roles: tuple[str, ...]

    def recognises(self, head: Head) -> float:
        """How sure it is, from 0 to 1, that a file is one for this reader."""

    def sniff(self, path: str | os.PathLike, columns: Roles | None = None) -> Description:
        """What the file holds.

        Raises:
            DataError: naming file, line, what was expected, and what to do, if it is not sure.
        """

    def examples(self, path: str | os.PathLike, columns: Roles | None = None) -> Iterator[Any]:
        """The examples one by one, as `sniff` has understood the file; further options are keywords.

        Raises:
            DataError: as `sniff`.
        """


# Name -> the module that has it as `READER`.
READER_MODULES = {
    "CoNLL": "keras_seq.data.conll",
    "labelled text": "keras_seq.data.labelled_text",
    "pairs": "keras_seq.data.pairs",
    "lines": "keras_seq.data.text_lines",
    "piano rolls": "keras_seq.data.piano_rolls",
    "images": "keras_seq.data.images",
    "annotations": "keras_seq.data.annotations",
}
READERS = Plugins("keras_seq.readers", "reader", table=f"{__name__}:READER_MODULES", attribute="READER")
"""The readers; other packages bring theirs by entry points of this group, `name = "module:READER"`."""


def reader_named(name: str) -> Reader:
    """The reader of a name.

    Raises:
        InputError: if there is none, with the closest names; or what an entry point names is no reader.

    Example:

    >>> reader_named("CoNLL").roles
    ('token', 'tag')
    """
    reader = READERS.get(name)
    if not isinstance(reader, Reader):
        READERS.remove(name)
        raise InputError(f"reader {name!r}: its entry point must name a Reader. Received: {reader!r}; correct it")
    return reader


def reader_of(path: str | os.PathLike, roles: Iterable[str] = ()) -> Reader:
    """The reader that is surest of a file, by what the file holds.

    Args:
        path: The file.
        roles: What its columns are, where somebody says it: of readers that know these, the surest is taken.

    Raises:
        DataError: if the file cannot be read, or none recognises it.
    """
    reader, is_sure = surest_reader(path, roles)
    if is_sure <= 0 and not roles:
        raise DataError(path, None, *_unknown_form(Head.of(path).content))
    return reader


def _unknown_form(content: bytes) -> tuple[str, str]:
    """Why no reader recognises a file that begins so, and what to do."""
    if not content:
        return "empty file", "name one with content"
    if wide := wide_encoding(content):
        return wide
    for magic, form in _PACKED.items():
        if content.startswith(magic):
            return f"packed with {form}" + (", twice" if form == "gzip" else ""), "unpack it, or pack it once with gzip"
    if content.count(0) > len(content) // 3:
        return "holds NUL bytes as UTF-16 and UTF-32 do", "convert the file to UTF-8, as with iconv"
    if b"\0" in content:
        return "holds NUL bytes: no text, or a damaged one", "write it again as UTF-8"
    if content.lstrip()[:1] in (b"{", b"["):
        remedy = "write JSON lines with `text` and `label` or `spans`, or `tokens` and `ner_tags`; or name a reader"
        return "records whose fields no reader recognises", remedy
    return "no reader recognises it", f"name one: {', '.join(READERS.names())}"


def surest_reader(path: str | os.PathLike, roles: Iterable[str] = ()) -> tuple[Reader, float]:
    """The reader that is surest of a file, and how sure it is, from 0 to 1; `roles` as of `reader_of`.

    Raises:
        DataError: if the file cannot be read.
    """
    check_ordinary(path)
    return surest_reader_of(Head.of(path), roles)


def surest_reader_of(head: Head, roles: Iterable[str] = ()) -> tuple[Reader, float]:
    """As `surest_reader`, of what is known of a file that is read only once."""
    readers = [reader_named(name) for name in READERS.names()]
    named = {*roles} - {IGNORED}
    able = [reader for reader in readers if named <= {*reader.roles}] or readers
    is_sure, best = max(((reader.recognises(head), reader) for reader in able), key=lambda each: each[0])
    return best, is_sure


def register_reader(reader: Reader) -> None:
    """Enter a reader into the registry, for this process.

    Raises:
        TypeError: if it is no `Reader`.
        ValueError: if another one has this name.
    """
    if not isinstance(reader, Reader):
        raise TypeError(
            f"`reader` must be a Reader. Received: reader={reader!r}. Give it name, roles, sniff, examples."
        )
    READERS.add(reader.name, reader)


def remembered(find: Callable[..., Found], path: str | os.PathLike, *arguments: Any) -> Found:
    """What a function finds out of a whole file, computed once as long as the file stays as it is.

    Args:
        find: Takes the path and the arguments.
        path: The file.
        *arguments: Hashable, or mappings.

    Raises:
        DataError: if it is no ordinary file: it is read more than once.
    """
    try:
        found = os.stat(path)
    except OSError:
        return find(path, *arguments)  # which tells what is wrong
    check_ordinary(path)
    keys = tuple(tuple(value.items()) if isinstance(value, Mapping) else value for value in arguments)
    key = (find, os.path.abspath(path), found.st_mtime_ns, found.st_size, found.st_ino, keys)
    if key not in _remembered:
        _remembered[key] = find(path, *arguments)
        while len(_remembered) > _MOST_REMEMBERED:
            _remembered.popitem(last=False)
    _remembered.move_to_end(key)
    return _remembered[key]
