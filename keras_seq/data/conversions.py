"""From the formats of publishers to the two of this package: `token tag` lines, and columns parted by tabs.

A conversion takes the bytes of the publisher's file (or of several) and gives the bytes of ours. What does not have the
expected form raises a ValueError; `fetch` checks the SHA-256 of what comes out besides.
"""

import csv
import io
import json
import re
import zipfile
import zlib
from collections.abc import Iterable

# The largest file in an archive is 4 MB. A damaged or hostile archive must not fill the memory.
_MAX_MEMBER_BYTES = 1 << 26
_REVIEW = re.compile(r"(?:.*/)?(neg|pos)/cv(\d)\d\d_\d+\.txt")


def to_token_tag_lines(content: bytes, prefix: str = "") -> bytes:
    """Rewrite columns as `token tag` lines: one space, LF, one blank line after each sentence.

    Args:
        content: UTF-8, columns parted by a tab or spaces; the first is the token, the last the tag.
        prefix: Taken off each token.

    Returns:
        The rewritten content.
    """
    lines: list[str] = []
    for line in content.decode("utf-8-sig").split("\n"):
        cells = line.strip("\r").split("\t") if "\t" in line else line.split()
        if "".join(cells).strip():
            lines.append(f"{cells[0].removeprefix(prefix)} {cells[-1]}\n")
        elif lines and lines[-1] != "\n":
            lines.append("\n")
    if lines and lines[-1] != "\n":
        lines.append("\n")
    return "".join(lines).encode("utf-8")


def label_first_lines(content: bytes) -> bytes:
    """`label text` or `label<TAB>text` lines: the first blank ends the label."""
    rows = []
    for line in _lines(content):
        label, *text = line.split(maxsplit=1)
        rows.append((label, *text))
    return tab_lines(rows)


def text_and_label_files(text: bytes, labels: bytes) -> bytes:
    """Two files whose lines belong together: a text a line, a label a line."""
    texts, names = _lines(text), _lines(labels)
    if len(texts) != len(names):
        raise ValueError(f"{len(texts)} texts, {len(names)} labels")
    return tab_lines(zip(names, texts, strict=True))


def labelled_csv(content: bytes, label: str) -> bytes:
    """CSV with a header: the column `text`, and the column that `label` names.

    Args:
        content: UTF-8. A quoted text may hold line breaks.
        label: The name of the other column.
    """
    try:
        rows = list(csv.DictReader(io.StringIO(content.decode("utf-8-sig"), newline=""), strict=True))
        return tab_lines((row[label], row["text"]) for row in rows)
    except (csv.Error, KeyError, TypeError) as error:
        raise ValueError(f"not the expected CSV ({error!r})") from error


def labelled_csv_in_zip(content: bytes, member: str, label: str) -> bytes:
    """As `labelled_csv`, of one file in a zip archive.

    Args:
        content: The archive.
        member: The name of the file, without its folders.
        label: The name of the column of labels.
    """
    (text,) = members_of_zip(content, rf"(?:.*/)?{re.escape(member)}").values()
    return labelled_csv(text, label)


def clinc_json(content: bytes, key: str) -> bytes:
    """One list of the JSON object of CLINC150, of pairs of text and intent.

    Args:
        content: The object.
        key: `"train"`, `"val"`, `"test"`, or one of these after `"oos_"`.
    """
    try:
        return tab_lines((intent, text) for text, intent in json.loads(content)[key])
    except (KeyError, TypeError, AttributeError, RecursionError) as error:
        raise ValueError(f"not the expected JSON ({error!r})") from error


def subjectivity_zip(content: bytes) -> bytes:
    """The archive of Subjectivity v1.0: subjective sentences (1), then objective ones (0), ten folds by turns."""
    rows = []
    for label, name in (("1", "quote"), ("0", "plot")):
        (text,) = members_of_zip(content, rf"(?:.*/)?{name}\.tok\.gt9\.5000").values()
        rows += [(str(index % 10), label, line) for index, line in enumerate(_lines(text))]
    return tab_lines(rows)


def movie_reviews_zip(content: bytes) -> bytes:
    """The archive of Polarity v2.0: negative reviews (0), then positive ones (1), the fold is the first digit.

    The two characters `\\n` stand where a line of the review ends.
    """
    rows = []
    for name, text in sorted(members_of_zip(content, _REVIEW.pattern, at_least=2).items()):
        label, fold = _REVIEW.fullmatch(name).groups()  # type: ignore[union-attr]
        rows.append((fold, {"neg": "0", "pos": "1"}[label], text.decode("utf-8").replace("\n", r" \n ")))
    return tab_lines(rows)


def _lines(content):
    """Lines of a text; the end of the last line may be missing."""
    return content.decode("utf-8-sig").removesuffix("\n").split("\n")


def tab_lines(rows: Iterable[tuple[str, ...]]) -> bytes:
    """Cells parted by tabs; within a cell a run of line breaks and tabs becomes one space, blanks at its ends go."""
    lines: list[str] = []
    for row in rows:
        cells = [re.sub(r"[\t\r\n]+", " ", cell).strip() for cell in row]
        if len(cells) < 2 or not all(cells):
            raise ValueError(f"row {len(lines) + 1} has no label or no text")
        lines.append("\t".join(cells) + "\n")
    return "".join(lines).encode("utf-8")


def members_of_zip(content: bytes, pattern: str, at_least: int | None = None) -> dict[str, bytes]:
    """The files of a zip archive whose whole name fits: exactly one, or `at_least` so many."""
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            fitting = [
                info
                for info in archive.infolist()
                if re.fullmatch(pattern, info.filename) and not info.filename.startswith("__MACOSX/")
            ]
            if len(fitting) < (at_least or 1) or (at_least is None and len(fitting) > 1):
                raise ValueError(f"{len(fitting)} files in the archive are called {pattern}")
            if sum(info.file_size for info in fitting) > _MAX_MEMBER_BYTES:
                raise ValueError(f"more than {_MAX_MEMBER_BYTES:,} bytes in the archive")
            return {info.filename: _read_member(archive, info) for info in fitting}
    except (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, RuntimeError) as error:
        raise ValueError(f"damaged zip archive ({error})") from error


def _read_member(archive, info):
    # The size that an archive states for a file may be a lie: no more than that is read.
    with archive.open(info) as file:
        content = file.read(info.file_size + 1)
    if len(content) != info.file_size:
        raise ValueError(f"{info.filename} does not have the size that its archive states")
    return content
