"""CoNLL files: one token a line with its tag in the last column, a blank line between sentences."""

import gzip
import os
from collections.abc import Iterable, Iterator
from typing import NamedTuple

from keras_seq.core.checks import check_positive_integer
from keras_seq.core.errors import DataError
from keras_seq.core.files import atomic_write
from keras_seq.data.lines import read_lines, shorten
from keras_seq.data.tag_schemes import convert
from keras_seq.ops.spans import OUTSIDE, split_tag

_FORMAT = "a line is a token, spaces or a tab, and its tag; a blank line ends a sentence"


class Sentence(NamedTuple):
    """One sentence: as many tags as tokens; `line` is the number of its first line in the file, from 1."""

    tokens: tuple[str, ...]
    tags: tuple[str, ...]
    line: int


def read_conll(path: str | os.PathLike, scheme: str | None = None, max_length: int | None = None) -> Iterator[Sentence]:
    """Read a CoNLL file sentence by sentence; memory does not grow with the file.

    Plain or gzip (told by content, not by name), UTF-8 with or without BOM, LF or CRLF; columns parted by tabs if the
    line has one, else by spaces: the first is the token, the last the tag. Lines that begin with `# ` or
    `-DOCSTART-` are no tokens (a line `# O`, the token `#` tagged, is one).

    Args:
        path: The file.
        scheme: `"BIO"`, `"IOB1"` or `"BIOES"` to convert the tags to (entities stay the same), or `None` to give them
            as they are. The scheme of the file is not checked here: see `detect_scheme`.
        max_length: The most tokens in a sentence, or `None`. Also bounds the memory one sentence can take.

    Returns:
        An iterator over `Sentence`.

    Raises:
        DataError: Naming file, line, reason and remedy, when the file is missing, empty, without a sentence, not
            UTF-8, damaged gzip, has one column, a malformed tag, or a sentence above `max_length`.

    Example:

    >>> import tempfile, pathlib
    >>> path = pathlib.Path(tempfile.mkdtemp()) / "a.conll"
    >>> _ = path.write_text("Paulo B-PER\\nmora O\\n\\nAqui O\\n")
    >>> [sentence.tokens for sentence in read_conll(path)]
    [('Paulo', 'mora'), ('Aqui',)]
    """
    if max_length is not None:
        check_positive_integer("max_length", max_length)
    tokens: list[str] = []
    tags: list[str] = []
    first_line = 0
    num_sentences = 0
    for number, line in read_lines(path, _FORMAT):
        row = _parse(path, number, line)
        if row is not None:
            if not tokens:
                first_line = number
            tokens.append(row[0])
            tags.append(row[1])
            if max_length is not None and len(tokens) > max_length:
                raise _too_long(path, first_line, f"more than {max_length}")
        elif tokens and not line.strip():
            yield Sentence(tuple(tokens), tuple(convert(tags, scheme) if scheme else tags), first_line)
            num_sentences += 1
            tokens, tags = [], []
    if tokens:
        yield Sentence(tuple(tokens), tuple(convert(tags, scheme) if scheme else tags), first_line)
    elif not num_sentences:
        raise DataError(path, None, "holds no sentence", _FORMAT)


def detect_scheme(path: str | os.PathLike) -> str:
    """The tag scheme of a file, by evidence from all of its lines.

    - BIOES: there is an `E-` or `S-` tag; then every tag must fit it.
    - IOB1: an entity begins with `I-` (after `O`, another type or at the start of a sentence), and `B-` occurs only
      where two entities of one type touch.
    - BIO: every entity begins with `B-`. A file without entities is BIO.

    Args:
        path: The file.

    Returns:
        `"BIO"`, `"IOB1"` or `"BIOES"`.

    Raises:
        DataError: As `read_conll`; and when the schemes are mixed, naming the first line that contradicts the lines
            before it.
    """
    evidence: dict[str, tuple[int, str]] = {}
    first: str | None = None
    for number, previous, tag in _tag_pairs(path):
        scheme = _evidence(previous, tag)
        if scheme is None or scheme in evidence:
            continue
        evidence[scheme] = (number, tag)
        first = first or scheme
        if len(evidence) > 1 and set(evidence) != {"BIO", "BIOES"}:
            line, earlier = evidence[first]
            raise DataError(
                path,
                number,
                f"mixed tag schemes: {tag!r} here is {scheme}, but {earlier!r} in line {line} is {first}",
                "write the whole file in one of BIO, IOB1, BIOES",
            )
    if "BIOES" in evidence:
        _check_bioes(path, evidence["BIOES"])
        return "BIOES"
    return first or "BIO"


def write_conll(path: str | os.PathLike, sentences: Iterable[Iterable[tuple[str, ...]]]) -> None:
    """Write columns parted by tabs, a blank line between sentences; the file appears whole or not at all.

    Args:
        path: The file to write. A name that ends in `.gz` is compressed.
        sentences: Sentences of rows, each a tuple of strings: `(token, gold, predicted)` for predictions.

    Raises:
        ValueError: When a cell is empty or holds a tab or a line break.
        InputError: When the folder does not exist.

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


def _parse(path, number, line):
    """Token and tag of a line, or `None` for a blank line, a comment or a document mark."""
    text = line.strip()
    if not text or text.startswith("-DOCSTART-"):
        return None
    cells = [cell.strip() for cell in line.split("\t")] if "\t" in text else text.split()
    cells = [cell for cell in cells if cell]
    if text.startswith("# ") and not (len(cells) == 2 and _is_tag(cells[1])):
        return None
    if len(cells) < 2:
        raise DataError(path, number, f"one column ({shorten(text)})", _FORMAT)
    if not _is_tag(cells[-1]):
        raise DataError(
            path,
            number,
            f"malformed tag {shorten(cells[-1])}",
            "the last column must be O or a prefix of B, I, E, S and a type, such as B-LOC",
        )
    return cells[0], cells[-1]


def _is_tag(text):
    try:
        split_tag(text)
    except ValueError:
        return False
    # A prefix alone is a tag elsewhere; in a file it is more likely a broken one.
    return text == OUTSIDE or len(text) > 2


def _too_long(path, line, count):
    return DataError(
        path, line, f"sentence of {count} tokens", "put a blank line between sentences, or raise the maximum length"
    )


def _tag_pairs(path):
    """Line number, tag before it in the sentence (`O` at its start), tag; `(line, last, O)` where a sentence ends."""
    previous = OUTSIDE
    found = False
    number = 0
    for number, line in read_lines(path, _FORMAT):
        row = _parse(path, number, line)
        if row is not None:
            yield number, previous, row[1]
            previous = row[1]
            found = True
        elif not line.strip():
            if previous != OUTSIDE:
                yield number, previous, OUTSIDE
            previous = OUTSIDE
    if previous != OUTSIDE:
        yield number, previous, OUTSIDE
    if not found:
        raise DataError(path, None, "holds no sentence", _FORMAT)


def _evidence(previous, tag):
    """The scheme that a pair of neighbouring tags proves, or `None`: a B- that begins an entity can be BIOES too."""
    prefix, kind = split_tag(tag)
    previous_prefix, previous_kind = split_tag(previous)
    if prefix in ("E", "S"):
        return "BIOES"
    begins = previous_prefix == OUTSIDE or previous_kind != kind
    if prefix == "I" and begins and previous_prefix not in ("E", "S"):
        return "IOB1"
    if prefix == "B" and begins:
        return "BIO"
    return None


def _check_bioes(path, evidence):
    line, earlier = evidence
    for number, previous, tag in _tag_pairs(path):
        prefix, kind = split_tag(tag)
        previous_prefix, previous_kind = split_tag(previous)
        if previous_prefix in ("B", "I"):
            fits = prefix in ("I", "E") and kind == previous_kind
        else:
            fits = prefix in ("O", "B", "S")
        if not fits:
            raise DataError(
                path,
                number,
                f"mixed tag schemes: {tag!r} after {previous!r} is not BIOES, but {earlier!r} in line {line} is",
                "write the whole file in one of BIO, IOB1, BIOES",
            )
