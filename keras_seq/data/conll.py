"""CoNLL files: one token a line with its tag, a blank line between sentences."""

import dataclasses
import gzip
import os
from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple

from keras_seq.core.checks import check_positive_integer
from keras_seq.core.errors import DataError
from keras_seq.core.files import atomic_write
from keras_seq.core.lines import read_lines
from keras_seq.data.conll_dialect import FORMAT, Dialect, Sniffer, cells_of, described, is_header, plain_tag
from keras_seq.data.description import Description
from keras_seq.data.readers import Head, remembered
from keras_seq.data.roles import Roles, check_roles
from keras_seq.data.tag_counter import TagCounter
from keras_seq.data.tag_schemes import convert

CONLL_SUFFIXES = (".conll", ".conllu", ".bio", ".iob", ".iob2", ".bioes")
CONLL_COLUMNS = ("token", "tag")
CONLLU_WIDTH = 10


class Sentence(NamedTuple):
    """One sentence: as many tags as tokens; `line` is the number of its first line in the file, from 1."""

    tokens: tuple[str, ...]
    tags: tuple[str, ...]
    line: int


class CoNLLReader:
    """Sentences of tokens with tags.

    Plain or gzip (told by content, not by name), UTF-8 with or without BOM, any line ends; columns parted by tabs if
    the line has one, else by spaces. Which column is which follows, in this order, from `columns`; from the file (the
    line `# global.columns` of CoNLL-U Plus; `#begin document` of CoNLL-2012, whose brackets become tags); from all
    rows, where the first column counts the tokens: then the second is the token, and rows of ranges (`2-3`) and empty
    nodes (`3.1`) are left out. Else the first is the token, the last the tag. What is not sure is an error that names
    the columns. BILOU and BMES are read as BIOES. Lines that begin with `# ` or `-DOCSTART-` are no tokens, but for the
    token `#` with a tag.
    """

    name = "CoNLL"
    roles = CONLL_COLUMNS

    def recognises(self, head: Head) -> float:
        """As of every reader: most lines end with a tag, or begin with a number that counts them."""
        lines = [line for line in head.lines if line.strip() and not line.startswith(("# ", "#\t", "-DOCSTART-"))]
        rows = [line.rstrip().split("\t" if "\t" in line else None) for line in lines]
        if head.lines and head.lines[0].startswith("#begin document"):
            return 1.0
        if not rows or any(len(row) < 2 for row in rows):
            return 0.0
        rows = rows[is_header(rows[0][-1]) and len(rows) > 1 :]
        tags = [plain_tag(row[-1]) for row in rows]
        tagged = sum(tag is not None or row[-1][1:] == "-O" for tag, row in zip(tags, rows, strict=True)) / len(rows)
        is_sure = tagged > 0.8 and len({len(row) for row in rows}) == 1 and (len(rows) > 3 or set(tags) - {None, "O"})
        is_counted = len(rows[0]) > 2 and [row[0] for row in rows[:2]] in (["0", "1"], ["1", "2"], ["1", "1-2"])
        is_counted &= len(rows[0]) == CONLLU_WIDTH or any(plain_tag(cell) is not None for row in rows for cell in row)
        is_named = head.path.name.removesuffix(".gz").endswith(CONLL_SUFFIXES)
        return max(0.95 * bool(is_sure), 0.75 * is_counted, (0.94 if tagged > 0.5 else 0.6) * is_named)

    def sniff(self, path: str | os.PathLike, columns: Roles | None = None, *, gold: bool = True) -> Description:
        """What the file holds, from all of its rows.

        Args:
            path: The file.
            columns: Roles of all columns in their order, `"token"`, `"tag"` and `"ignored"`; or role -> number or name
                of its column. `None`: see above.
            gold: Whether the tags must be right. If not, a file of tokens alone will do, too.

        Returns:
            Its description; `counts` are entities by type.

        Raises:
            ValueError: if `columns` make no sense.
            DataError: naming file, line, reason and remedy, if the file is missing, empty, without a sentence, not
                UTF-8, damaged gzip, has lines of other columns than the first, a malformed tag, mixed tag schemes, or
                columns whose roles are not sure.
        """
        return self._sniffed(path, columns, gold)[1]

    def examples(
        self,
        path: str | os.PathLike,
        columns: Roles | None = None,
        *,
        scheme: str | None = None,
        max_length: int | None = None,
        gold: bool = True,
    ) -> Iterator[Sentence]:
        """The sentences one by one; memory does not grow with the file.

        Args:
            path, columns, gold: As of `sniff`.
            scheme: As of `read_conll`; tags that need not be right are given as they are.
            max_length: As of `read_conll`.

        Raises:
            ValueError, DataError: as `sniff`; and if a sentence is above `max_length`.
        """
        if max_length is not None:
            check_positive_integer("max_length", max_length)
        for tokens, tags, line in self._sentences(path, columns, max_length, gold):
            yield Sentence(tuple(tokens), tuple(convert(tags, scheme) if scheme and gold else tags), line)

    def _sentences(
        self, path: str | os.PathLike, columns: Roles | None, max_length: int | None, gold: bool
    ) -> Iterator[tuple[Sequence[str], Sequence[str], int]]:
        """Tokens, tags as they stand, and first line of each sentence."""
        return _sentences(path, dataclasses.replace(self._sniffed(path, columns, gold)[0]), max_length)

    def _sniffed(self, path: str | os.PathLike, columns: Roles | None, gold: bool) -> tuple[Dialect, Description]:
        if columns is not None:
            columns = check_roles("columns", columns, CONLL_COLUMNS, CONLL_COLUMNS)
        return remembered(_sniffed, path, columns, gold)


CONLL = READER = CoNLLReader()


def read_conll(path: str | os.PathLike, scheme: str | None = None, max_length: int | None = None) -> Iterator[Sentence]:
    """Read a CoNLL file sentence by sentence, as `CoNLLReader` does; memory does not grow with the file.

    Args:
        path: The file.
        scheme: `"BIO"`, `"IOB1"` or `"BIOES"` to convert the tags to (entities stay the same), or `None` to give them
            as they are.
        max_length: The most tokens in a sentence, or `None`. Also bounds the memory one sentence can take.

    Returns:
        An iterator over `Sentence`.

    Raises:
        DataError: as of `CoNLLReader.examples`.

    Example:

    >>> import tempfile, pathlib
    >>> path = pathlib.Path(tempfile.mkdtemp()) / "a.conll"
    >>> _ = path.write_text("Paulo B-PER\\nmora O\\n\\nAqui O\\n")
    >>> [sentence.tokens for sentence in read_conll(path)]
    [('Paulo', 'mora'), ('Aqui',)]
    """
    return CONLL.examples(path, scheme=scheme, max_length=max_length)


def detect_scheme(path: str | os.PathLike) -> str:
    """The tag scheme of a file, by evidence from all of its lines.

    - BIOES: there is an `E-` or `S-` tag; then every tag must fit it.
    - IOB1: an entity begins with `I-` (after `O`, another type or at the start of a sentence), and `B-` occurs only
      where two entities of one type touch.
    - BIO: every entity begins with `B-`; or most do, and some with `I-`, which begins one in the evaluation of CoNLL,
      too. A file without entities is BIO.

    Args:
        path: The file.

    Returns:
        `"BIO"`, `"IOB1"` or `"BIOES"`.

    Raises:
        DataError: as `CoNLLReader.sniff`.
    """
    return CONLL.sniff(path).scheme


def write_conll(path: str | os.PathLike, sentences: Iterable[Iterable[tuple[str, ...]]]) -> None:
    """Write columns parted by tabs, a blank line between sentences; the file appears whole or not at all.

    Args:
        path: The file to write. A name that ends in `.gz` is compressed.
        sentences: Sentences of rows, each a tuple of strings: `(token, gold, predicted)` for predictions.

    Raises:
        ValueError: if a cell is empty or holds a tab or a line break.
        InputError: if the folder does not exist.

    Example:

    >>> import tempfile, pathlib
    >>> path = pathlib.Path(tempfile.mkdtemp()) / "a.conll"
    >>> write_conll(path, [[("Paulo", "B-PER", "B-PER")], [("mora", "O", "O")]])
    >>> path.read_text()
    'Paulo\\tB-PER\\tB-PER\\n\\nmora\\tO\\tO\\n'
    """
    with atomic_write(path) as raw:
        if os.fspath(path).endswith(".gz"):
            # Without name and time in the header the same rows give the same bytes.
            with gzip.GzipFile(filename="", mode="wb", fileobj=raw, mtime=0) as file:
                _write_rows(file, sentences)
        else:
            _write_rows(raw, sentences)


def _write_rows(file, sentences):
    for index, rows in enumerate(sentences):
        if index:
            file.write(b"\n")
        for row in rows:
            for cell in row:
                if not cell or any(char in cell for char in "\t\n\r"):
                    raise ValueError(
                        f"`sentences` must hold cells without tabs and line breaks, none empty. Received: {row!r}. "
                        "Drop or clean the token."
                    )
            file.write(("\t".join(row) + "\n").encode("utf-8"))


def _sniffed(path: str | os.PathLike, columns: Roles | None, gold: bool) -> tuple[Dialect, Description]:
    sniffer = Sniffer(path, columns, gold)
    dialect, roles = sniffer.sniff()
    tags = sniffer.tags
    is_usual = dialect.index < 0 and not dialect.has_brackets and dialect.token == 0
    if not is_usual or dialect.tag != len(sniffer.first) - 1:
        tags = _counted(path, dialect, gold)
    if sniffer.is_doubtful:
        # What begins with `# ` is a row if other rows have its type.
        dialect.types = dict(tags.types)
        tags = _counted(path, dialect, gold)
    return dialect, described(sniffer, roles, tags, gold)


def _counted(path: str | os.PathLike, dialect: Dialect, gold: bool) -> TagCounter:
    counter = TagCounter(path)
    for tokens, tags, line in _sentences(path, dataclasses.replace(dialect), None):
        for token, tag in zip(tokens, tags, strict=True):
            counter.add(line, tag if gold else "O", token)
            line += 1
        counter.end(line)
    return counter


def _sentences(
    path: str | os.PathLike, dialect: Dialect, max_length: int | None
) -> Iterator[tuple[list[str], list[str], int]]:
    tokens: list[str] = []
    tags: list[str] = []
    first_line = 0
    for number, line in read_lines(path, FORMAT):
        row = dialect.row(path, number, line)
        if row is not None:
            if not tokens:
                first_line = number
            tokens.append(row[0])
            tags.append(row[1])
            if max_length is not None and len(tokens) > max_length:
                raise _too_long(path, first_line, f"more than {max_length}")
        elif tokens and cells_of(path, number, line) is None:
            yield tokens, tags, first_line
            tokens, tags = [], []
    if tokens:
        yield tokens, tags, first_line


def _too_long(path: str | os.PathLike, line: int, count: str) -> DataError:
    return DataError(
        path, line, f"sentence of {count} tokens", "put a blank line between sentences, or raise the maximum length"
    )
