"""What a reader has understood of a file: in one line, in full, or as a mapping for JSON."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, NamedTuple, Self

from keras_seq.core.lines import LineFacts
from keras_seq.core.notices import notify, visible_name

RECIPE, DECLARED, INFERRED, DEFAULT = "recipe", "declared", "inferred", "by default"
# So many classes or types, and rows of one kind, are named; all are counted.
_NAMED_IN_LINE, _NAMED_IN_FULL = 6, 40


class Column(NamedTuple):
    """What a column is for.

    Attributes:
        place: Its number, from 1; 0 where the form knows no columns.
        role: Such as `"token"`, `"tag"`, `"label"` or `"text"`.
        origin: Who said so: `"recipe"`, `"declared"` (the file names it), `"inferred"` (from all rows), `"by default"`.
        name: What the file calls it, if it does.
    """

    place: int
    role: str
    origin: str = DEFAULT
    name: str = ""


class Remark(NamedTuple):
    """Something odd that does not bar reading.

    Attributes:
        text: What it is, in words.
        line: The first line where it is found, from 1; `None`: the whole file is meant.
        lines: On how many lines.
    """

    text: str
    line: int | None = None
    lines: int = 1

    def __str__(self) -> str:
        if self.line is None:
            return self.text
        return f"line {self.line:,}{f' and {self.lines - 1:,} more' if self.lines > 1 else ''}: {self.text}"


@dataclass(frozen=True)
class Description:
    """What a reader has understood of a file.

    Args:
        path: The file.
        reader: The name of the reader.
        unit: What an example is called, in the plural.
        examples: How many there are.
        facts: Encoding, compression and line ends; `None` of a file that is no text.
        separator: What stands between columns: `"tab"`, `"spaces"`, `"comma"`; empty where there are no columns.
        columns: Their roles.
        header: The number of the line that names the columns, or 0.
        scheme: Of tags: `"BIO"`, `"IOB1"` or `"BIOES"`; of scores their range; else empty.
        counted: What `counts` counts, in the plural, such as `"types"` or `"classes"`.
        counts: Name -> how often it occurs.
        details: Further facts, in words, by their names.
        remarks: What is odd.

    Example:

    >>> found = Description("a.tsv", "labelled text", "texts", 3, columns=(Column(1, "label"), Column(2, "text")),
    ...                     separator="tab", counted="classes", counts={"pos": 2, "neg": 1})
    >>> found.line()
    'a.tsv: labelled text, tab between columns; 1 label, 2 text (by default); 3 texts; 2 classes (pos 2, neg 1)'
    """

    path: str
    reader: str
    unit: str
    examples: int
    facts: LineFacts | None = None
    separator: str = ""
    columns: Sequence[Column] = ()
    header: int = 0
    scheme: str = ""
    counted: str = ""
    counts: Mapping[str, int] = field(default_factory=dict)
    details: Mapping[str, str] = field(default_factory=dict)
    remarks: Sequence[Remark] = ()

    def line(self) -> str:
        """Everything but the remarks, shortly, in one line."""
        parts = [", ".join([self.reader, *self._form()])]
        if self.columns:
            parts.append(self._roles())
        parts += [self.scheme] if self.scheme else []
        details = [f"{key}: {text}" for key, text in self.details.items()]
        parts.append(", ".join([number_of(self.examples, self.unit), *details]))
        if self.counted:
            parts.append(f"{number_of(len(self.counts), self.counted)} ({self._named(_NAMED_IN_LINE)})")
        return f"{visible_name(self.path)}: {'; '.join(parts)}"

    def full(self) -> str:
        """All of it, on several lines."""
        rows = {"file": visible_name(self.path), "reader": self.reader}
        if self.facts is not None:
            rows["encoding"] = ", ".join(filter(None, (self.facts.encoding, self.facts.compression)))
            rows["line ends"] = ", ".join(f"{end} {count:,}" for end, count in self.facts.line_ends.items()) or "none"
        if self.separator:
            rows["between columns"] = self.separator
        for column in self.columns:
            named = f" {visible_name(column.name)!r}" if column.name else ""
            rows[f"column {column.place}{named}"] = f"{column.role} ({column.origin})"
        if self.columns:
            rows["header"] = f"line {self.header}" if self.header else "none"
        if self.scheme:
            rows["scheme"] = self.scheme
        rows[self.unit] = f"{self.examples:,}"
        rows |= self.details
        if self.counted:
            rows[self.counted] = f"{len(self.counts):,} ({self._named(_NAMED_IN_FULL)})"
        width = max(map(len, rows))
        lines = [f"{name:<{width}}  {text}" for name, text in rows.items()]
        return "\n".join([*lines, *(f"{'remark':<{width}}  {remark}" for remark in self.remarks)])

    def as_dict(self) -> dict[str, Any]:
        """All of it, for JSON."""
        facts = self.facts
        return {
            "file": self.path,
            "reader": self.reader,
            **({} if facts is None else {"encoding": facts.encoding, "compression": facts.compression or None}),
            **({} if facts is None else {"line_ends": facts.line_ends, "lines": facts.lines}),
            "separator": self.separator or None,
            "columns": [
                {"column": place, "role": role, "origin": origin, "name": name or None}
                for place, role, origin, name in self.columns
            ],
            "header": self.header or None,
            "scheme": self.scheme or None,
            self.unit: self.examples,
            **({self.counted: dict(self.counts)} if self.counted else {}),
            "details": dict(self.details),
            "remarks": [{"line": line, "lines": lines, "text": text} for text, line, lines in self.remarks],
        }

    def with_remarks(self, *remarks: Remark) -> Self:
        """The same, with further remarks."""
        return replace(self, remarks=(*self.remarks, *remarks))

    def _form(self) -> list[str]:
        facts = self.facts
        form = [] if facts is None else [facts.encoding, *filter(None, (facts.compression, "+".join(facts.line_ends)))]
        return [*form, f"{self.separator} between columns"] if self.separator else form

    def _roles(self) -> str:
        """The columns, those of one origin together."""
        by_origin: dict[str, list[str]] = {}
        for column in self.columns:
            by_origin.setdefault(column.origin, []).append(f"{column.place} {column.role}")
        return ", ".join(f"{', '.join(columns)} ({origin})" for origin, columns in by_origin.items())

    def _named(self, most: int) -> str:
        names = sorted(self.counts, key=lambda name: (-self.counts[name], name))
        listed = ", ".join(f"{visible_name(name)} {self.counts[name]:,}" for name in names[:most])
        return f"{listed}, ..." if len(names) > most else listed or "none"


def tell(description: Description | None, quiet: bool = False) -> None:
    """Print what was understood of a file, on stderr: a line, and one for each remark.

    Args:
        description: What a reader gave; `None`: nothing.
        quiet: Whether only the remarks are printed.
    """
    if description is not None:
        if not quiet:
            notify(description.line())
        for remark in description.remarks:
            notify(f"{visible_name(description.path)}: {remark}")


def number_of(count: int, plural: str) -> str:
    """How many there are.

    Example:

    >>> number_of(1, "classes"), number_of(2, "types")
    ('1 class', '2 types')
    """
    singular = plural.removesuffix("es" if plural.endswith("sses") else "s")
    return f"{count:,} {singular if count == 1 else plural}"


def marks_remark(facts: LineFacts) -> list[Remark]:
    """What there is to say of byte order marks within a file."""
    if not facts.marks:
        return []
    return [Remark("a byte order mark within the file is left out", facts.marks[0], len(facts.marks))]
