"""What the columns of a CoNLL file are, and which tags it has: from all of its rows, or refused."""

from __future__ import annotations

import functools
import os
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from keras_seq.core.errors import DataError
from keras_seq.core.lines import LineFacts, read_lines, shorten
from keras_seq.data.description import DECLARED, DEFAULT, INFERRED, RECIPE, Column, Description, marks_remark
from keras_seq.data.roles import Roles, listed_columns, places_of
from keras_seq.data.tag_counter import TagCounter
from keras_seq.ops.spans import OUTSIDE, split_tag

FORMAT = "a line is a token, spaces or a tab, and its tag; a blank line ends a sentence"
MALFORMED = "the last column must be O or a prefix of B, I, E, S and a type, such as B-LOC"
# The prefixes of BILOU (also called BIOLU) and of BMES, as BIOES has them.
_OTHER_PREFIXES = {"L": "E", "U": "S", "M": "I", "W": "S"}
# Words with a number of their own, and what they are made of: `2-3` is written as one, `3.1` is not written at all.
_RANGE_OR_EMPTY = re.compile(r"[0-9]+[-.][0-9]+")
# CoNLL-2012, which OntoNotes comes in: document, part, number, word, ..., names in brackets, arguments, coreference.
_BEGIN_DOCUMENT, _ONTONOTES_TOKEN, _ONTONOTES_TAG, _ONTONOTES_WIDTH = "#begin document", 3, 10, 12
# What files call a column of tags.
_HEADER_CELLS = frozenset(("tag", "tags", "ner", "ner_tag", "ner_tags", "iob", "bio", "label", "labels", "entity"))
_PLUS = re.compile(r"#\s*global\.columns\s*=\s*(.*)")
_BRACKETS = re.compile(r"(\(?)([^()*\s]*)\*?(\)?)")


@dataclass
class Dialect:
    """How the rows of a file become tokens and tags.

    Attributes:
        token, tag: Places of their columns, from 0; no column of tags is -1.
        width: How many columns a row has; 0: any.
        index: Place of the column that counts the tokens; -1: none.
        has_brackets: Whether names stand in brackets over rows, as `(PER*`, `*`, `*)`.
        types: Entity types; a line that begins with `# ` is a row only if its type is one of these.
        gold: Whether the tags must be right: else they are given as they are.
        header: The number of the line that names the columns, which is no row; 0: none.
    """

    token: int = 0
    tag: int = -1
    width: int = 0
    index: int = -1
    has_brackets: bool = False
    types: Mapping[str, int] = field(default_factory=dict)
    gold: bool = True
    header: int = 0

    open: str = ""
    """The type of the bracket that is open: the only thing that changes while rows are read."""

    def row(self, path: str | os.PathLike, number: int, line: str) -> tuple[str, str] | None:
        """Token and tag of a line; `None` of one that is no row.

        Raises:
            DataError: if the line has another number of columns, no token, or a malformed tag.
        """
        cells = cells_of(path, number, line)
        if cells is None or (cells[0].startswith("#") and self._is_comment(cells, line)) or number == self.header:
            return None
        if self.width and len(cells) != self.width:
            raise _unequal(path, number, cells, self.width, None)
        if self.index >= 0 and _RANGE_OR_EMPTY.fullmatch(cells[self.index]):
            return None
        token = cells[self.token]
        if not token:
            raise DataError(path, number, f"no token in column {self.token + 1}", FORMAT)
        if self.tag < 0:
            return token, OUTSIDE
        if self.has_brackets:
            return token, self._from_brackets(path, number, cells[self.tag])
        tag = plain_tag(cells[self.tag])
        if tag is None:
            if self.gold:
                raise malformed(path, number, cells[self.tag])
            tag = cells[self.tag]
        return token, tag

    def _is_comment(self, cells: list[str], line: str) -> bool:
        if self.has_brackets:
            return cells[0] in ("#begin", "#end")
        return is_comment(cells, line, self.width, self.types)

    def _from_brackets(self, path: str | os.PathLike, number: int, cell: str) -> str:
        match = _BRACKETS.fullmatch(cell)
        if match is None or bool(match[1]) != bool(match[2]) or (match[1] and self.open) or cell == "":
            raise DataError(path, number, f"malformed bracket {shorten(cell)}", "a name is (TYPE*, *, *) or (TYPE)")
        if match[1]:
            self.open, tag = match[2], f"B-{match[2]}"
        else:
            tag = f"I-{self.open}" if self.open else OUTSIDE
        if match[3]:
            self.open = ""
        return tag


def cells_of(path: str | os.PathLike, number: int, line: str) -> list[str] | None:
    """The cells of a line; `None` of a blank line and of `-DOCSTART-`.

    Only spaces and tabs part columns: other Unicode spaces belong to tokens.
    """
    text = line.strip(" ").rstrip("\t ")
    if not text or text.isspace() or text.startswith("-DOCSTART-"):
        return None
    if "\r" in text or "\0" in text:
        kind = "CR" if "\r" in text else "NUL byte"
        raise DataError(path, number, f"{kind} within the line", "write text whose lines end with LF")
    if "\t" in text:
        return [cell.strip(" ") for cell in text.split("\t")] if " " in text else text.split("\t")
    return text.split() if text.isascii() and text.isprintable() else [cell for cell in text.split(" ") if cell]


def is_comment(cells: Sequence[str], line: str, width: int, types: Mapping[str, int]) -> bool:
    """Whether a line that begins with `#` is no row: what is tagged with a type that other rows have is the token #."""
    text = line.lstrip(" ")
    # As CoNLL-U writes what it says of a sentence: `# sent_id = B-1`.
    if "=" in cells[1:4] and "\t" not in text:
        return True
    if text.lstrip("#")[:1] not in (" ", "\t"):
        return False
    tag = plain_tag(cells[-1])
    if tag is None or (width or max(2, len(cells))) != len(cells):
        return True
    # Such as `# B-1` names a sentence; a tab stands where columns are meant.
    return is_doubtful(cells, text) and tag[2:] not in types


def is_doubtful(cells: Sequence[str], line: str) -> bool:
    """Whether only the types of other rows tell if a line is the token # with a tag, or a comment."""
    return line.lstrip("#")[:1] == " " != line[:1] and len(cells) == 2 and plain_tag(cells[1]) not in (None, OUTSIDE)


@functools.lru_cache(maxsize=1 << 14)
def plain_tag(text: str) -> str | None:
    """A tag with the prefix that BIOES has; `None` of what is none.

    Example:

    >>> plain_tag("U-PER"), plain_tag("I-PER"), plain_tag("PER"), plain_tag("I-O")
    ('S-PER', 'I-PER', None, None)
    """
    plain = _OTHER_PREFIXES.get(text[:1], "") + text[1:] if text[:1] in _OTHER_PREFIXES else text
    try:
        split_tag(plain)
    except ValueError:
        return None
    # A prefix alone is a tag elsewhere; in a file it is more likely a broken one.
    return plain if plain == OUTSIDE or (len(plain) > 2 and plain[2:] != OUTSIDE) else None


def is_header(cell: str) -> bool:
    """Whether a cell is what files call a column of tags."""
    return cell.casefold() in _HEADER_CELLS


def malformed(path: str | os.PathLike, number: int, cell: str) -> DataError:
    """A cell that is no tag."""
    reason = f"malformed tag {shorten(cell)}"
    if cell[2:] == OUTSIDE and cell[1:2] == "-":
        return DataError(path, number, f"{reason}: no entity has the type O", "write O outside of entities")
    if is_header(cell):
        return DataError(path, number, f"{reason}: the line seems to name the columns", "remove it; it is no token")
    return DataError(path, number, reason, MALFORMED)


class Sniffer:
    """Reads all rows of a file once, and tells what its columns are.

    Args:
        path: The file.
        roles: What a recipe says of the columns.
        gold: Whether a column of tags is needed, all of whose cells are tags.
    """

    def __init__(self, path: str | os.PathLike, roles: Roles | None, gold: bool) -> None:
        self.path, self.roles, self.gold = path, roles, gold
        self.facts = LineFacts()
        self.first: list[str] = []
        self.first_line, self.separator = 0, ""
        self.names: list[str] | None = None
        # Of the first column: whether it counts the tokens of each sentence, holds numbers alone, or repeats itself.
        self.counts = self.is_numeric = self.repeats = True
        self.rows, self.counted, self.begin, self.begins_with = 0, 0, 0, ""
        self.sentences = self.longest = self.left_out = 0
        # Columns that hold nothing but tags so far, and their types.
        self.tagged: list[int] = []
        self.types: dict[int, set[str]] = {}
        self.blank = 0
        self.has_brackets = self.is_doubtful = False
        self.wrong: tuple[int, str] | None = None
        # What holds if the first column is the token and the last one the tag, as in most files.
        self.tags = TagCounter(path)

    def sniff(self) -> tuple[Dialect, tuple[Column, ...]]:
        """The roles of the columns.

        Raises:
            DataError: if the file is broken, or what its columns are is not sure.
        """
        for number, line in read_lines(self.path, FORMAT, self.facts):
            cells = cells_of(self.path, number, line)
            if cells is None:
                self._end(number)
            elif not (cells[0].startswith("#") and self._is_comment(cells, line)):
                self._add(number, cells, line)
        self._end(self.facts.lines)
        if not self.first:
            raise DataError(self.path, None, "holds no sentence", FORMAT)
        return self._decided()

    def _is_comment(self, cells: list[str], line: str) -> bool:
        if line.startswith(_BEGIN_DOCUMENT) and not self.first:
            self.has_brackets = True
        if self.has_brackets:
            return cells[0] in ("#begin", "#end")
        if (match := _PLUS.match(line)) and not self.first:
            self.names = match[1].split()
        self.is_doubtful |= is_doubtful(cells, line)
        return is_comment(cells, line, len(self.first), {})

    def _add(self, number: int, cells: list[str], line: str) -> None:
        width = len(cells)
        if not self.first:
            self.first, self.first_line, self.separator = cells, number, "tab" if "\t" in line.strip(" ") else "spaces"
            self.tagged = list(range(1, width))
        if (width < 2 and (self.gold or len(self.first) > 1)) or (self.has_brackets and width < _ONTONOTES_WIDTH):
            raise _too_few(self.path, number, cells)
        if width != len(self.first) and not self.has_brackets:
            if self.wrong is not None and not self.tags.tokens and self.gold:
                raise malformed(self.path, *self.wrong)
            raise _unequal(self.path, number, cells, len(self.first), self.first_line)
        tag = plain_tag(cells[-1])
        is_left_out = self.counts and width > 2 and _RANGE_OR_EMPTY.fullmatch(cells[0]) is not None
        if tag is not None:
            self.tags.add(number, tag, cells[0])
        elif self.wrong is None and not is_left_out:
            self.wrong = number, cells[-1]
        self._look_at_tags(cells, is_left_out)
        if not cells[0]:
            self.blank = self.blank or number
        if self.repeats and self.rows and cells[0] != self.begins_with:
            self.repeats = False
        if not self.rows:
            self.begins_with = cells[0]
        if self.is_numeric:
            self._count(cells[0])
        self.rows += 1

    def _look_at_tags(self, cells: list[str], is_left_out: bool) -> None:
        """Of the columns that have held nothing but tags, keep those that still do."""
        for place in self.tagged:
            tag = plain_tag(cells[place]) if place < len(cells) else None
            if tag is None and not (is_left_out and place < len(cells) and cells[place] == "_"):
                self.tagged = [other for other in self.tagged if other != place]
            elif tag is not None and tag != OUTSIDE and len(self.tagged) > 1:
                self.types.setdefault(place, set()).add(tag[2:])

    def _count(self, cell: str) -> None:
        """Look at a cell of the first column, which has held nothing but numbers."""
        if cell.isascii() and cell.isdigit() and len(cell) < 10:
            value = int(cell)
            self.begin = self.begin if self.counted else value
            self.counts = self.counts and self.begin in (0, 1) and value == self.begin + self.counted
            self.counted += 1
        elif _RANGE_OR_EMPTY.fullmatch(cell) and len(self.first) > 2:
            self.left_out += 1
        else:
            self.is_numeric = self.counts = False

    def _end(self, number: int) -> None:
        if self.rows:
            self.tags.end(number)
            self.longest = max(self.longest, self.rows)
            self.sentences += 1
            self.rows = self.counted = 0

    def _decided(self) -> tuple[Dialect, tuple[Column, ...]]:
        width = 0 if self.has_brackets else len(self.first)
        if self.roles is not None:
            places = places_of(self.roles, self.names, len(self.first), self.path, self.first_line)
            return self._made(width, places["token"], places["tag"], RECIPE)
        if self.has_brackets:
            return self._made(width, _ONTONOTES_TOKEN, _ONTONOTES_TAG, DECLARED)
        if self.names is not None:
            return self._declared(self.names)
        if self.counts and len(self.first) > 2 and self.longest > 1:
            return self._made(width, 1, self._tag_column(), INFERRED, index=0)
        self._refuse_odd_first_column()
        return self._made(width, 0, len(self.first) - 1, DEFAULT)

    def _made(
        self, width: int, token: int, tag: int, origin: str, index: int = -1
    ) -> tuple[Dialect, tuple[Column, ...]]:
        if index < 0 and token > 0 and self.is_numeric and self.left_out:
            index = 0
        tag = -1 if tag == token else tag
        # Where tags must be right, a row of names is an error.
        header = self.first_line if not self.gold and self.tags.tokens and is_header(self.first[-1]) else 0
        dialect = Dialect(token, tag, width, index, self.has_brackets, gold=self.gold, header=header)
        roles = {place: role for place, role in ((index, "index"), (token, "token"), (tag, "tag")) if place >= 0}
        names = self.names or [""] * (max(roles) + 1)
        return dialect, tuple(Column(place + 1, roles[place], origin, names[place]) for place in sorted(roles))

    def _declared(self, names: list[str]) -> tuple[Dialect, tuple[Column, ...]]:
        """CoNLL-U Plus: the first line names the columns."""
        if len(names) != len(self.first):
            reason = f"{len(self.first)} columns, but global.columns names {len(names)}"
            raise DataError(self.path, self.first_line, reason, "correct the line global.columns")
        if "FORM" not in names:
            raise self._unsure("global.columns names no FORM")
        token, index = names.index("FORM"), names.index("ID") if "ID" in names else -1
        places = [place for place in self.tagged if place not in (token, index)]
        if len(places) != 1:
            raise self._unsure(self._which_tags(places))
        return self._made(len(names), token, places[0], DECLARED, index)

    def _tag_column(self) -> int:
        places = [place for place in self.tagged if place > 1]
        last = len(self.first) - 1
        if not self.gold and len(places) != 1:
            return last
        if self.wrong is not None and self.tags.tokens:
            raise malformed(self.path, *self.wrong)
        if len(places) == 1:
            return places[0]
        raise self._unsure(f"column 1 counts the tokens, {self._which_tags(places)}")

    def _which_tags(self, places: Sequence[int]) -> str:
        if len(places) == 1:
            return f"column {places[0] + 1} holds tags"
        if places:
            return f"columns {' and '.join(str(place + 1) for place in places)} hold tags"
        return "no column holds tags alone"

    def _refuse_odd_first_column(self) -> None:
        last = len(self.first) - 1
        if self.wrong is not None and self.gold:
            places = [place for place in self.tagged if place]
            if places and not self.tags.tokens and not self.wrong[1].endswith("-O"):
                raise self._unsure(f"the last column holds {shorten(self.wrong[1])}, {self._which_tags(places)}")
            raise malformed(self.path, *self.wrong)
        if self.is_numeric and (last > 1 or (self.counts and self.longest > 2)):
            raise self._unsure("column 1 holds numbers alone")
        if not last and plain_tag(re.split("[,;]", self.first[0])[-1]) not in (None, self.first[0]):
            raise _too_few(self.path, self.first_line, self.first)
        if self.blank:
            raise DataError(self.path, self.blank, "no token in column 1", FORMAT)
        # Of chunks and of names the types differ; of two layers, or of gold and predicted tags, they do not.
        layers = [place for place in self.tagged if self.types.get(place, set()) & self.types.get(last, set())]
        if self.gold and len(layers) > 1:
            raise self._unsure(f"{self._which_tags(layers)} of the same types")
        if self.repeats and self.longest > 1 and last > 1:
            raise self._unsure(f"column 1 is the same in all lines of a sentence ({shorten(self.first[0])})")

    def _unsure(self, reason: str) -> DataError:
        return DataError(
            self.path,
            self.first_line,
            f"{reason}: which column is the token and which the tag is not sure ({listed_columns(self.first)})",
            "say it in the recipe, such as data.columns = {token = 2, tag = 3}",
        )


def _too_few(path: str | os.PathLike, number: int, cells: list[str]) -> DataError:
    if len(cells) < 2:
        return DataError(path, number, f"one column ({shorten(cells[0])})", FORMAT)
    reason = f"{len(cells)} columns in a file that begins as CoNLL-2012 does ({listed_columns(cells)})"
    return DataError(path, number, reason, f"give {_ONTONOTES_WIDTH} or more, the word in 4, the names in 11")


def _unequal(path: str | os.PathLike, number: int, cells: list[str], width: int, line: int | None) -> DataError:
    other = f"{width} in line {line}" if line else f"{width} elsewhere"
    reason = f"{len(cells)} column{'s' if len(cells) > 1 else ''}, {other} ({listed_columns(cells)})"
    remedy = "give all lines the same columns; where a token holds spaces, part the columns by tabs"
    return DataError(path, number, reason, remedy)


def described(sniffer: Sniffer, columns: tuple[Column, ...], tags: TagCounter, gold: bool) -> Description:
    """What a sniffer and the tags of the file tell."""
    scheme, remarks = tags.scheme() if gold else ("", [])
    left_out = {"rows left out": f"{sniffer.left_out:,} (ranges and empty nodes)"} if sniffer.left_out else {}
    return Description(
        os.fspath(sniffer.path),
        "CoNLL",
        "sentences",
        tags.sentences,
        facts=sniffer.facts,
        separator=sniffer.separator,
        columns=columns,
        scheme=scheme,
        counted="types",
        counts=tags.types,
        details={"tokens": f"{tags.tokens:,}", **left_out},
        remarks=(*marks_remark(sniffer.facts), *remarks),
    )
