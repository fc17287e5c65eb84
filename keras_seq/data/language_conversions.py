"""From the formats of publishers to running text, lists of names, and pieces of music.

As in `conversions`: bytes of the publisher's file (or of several) -> bytes of ours; what does not have the expected
form raises a ValueError.
"""

import csv
import io
import json
import unicodedata
import zlib
from typing import Any

import numpy as np

from keras_seq.data.conversions import members_of_zip, tab_lines

# Left by the website that the Russian names come from, two dozen times.
_NO_NAME = "To The First Page"
_LOWEST_NOTE = 21
_SPLITS_OF_MAT = {"train": "traindata", "valid": "validdata", "test": "testdata"}


def unchanged(content: bytes) -> bytes:
    """The publisher's file as it is."""
    return content


def text_or_zip(content: bytes, member: str) -> bytes:
    """A text file as it is, or the one of a zip archive whose whole name fits the pattern `member`."""
    if not content.startswith(b"PK\x03\x04"):
        return content
    (text,) = members_of_zip(content, member).values()
    return text


def joined_works(*contents: bytes) -> bytes:
    """Works, one a file, with a blank line between them: composed characters (NFC), no blanks at the ends of lines."""
    works: list[str] = []
    for content in contents:
        text = unicodedata.normalize("NFC", content.decode("utf-8-sig")).strip()
        if not text:
            raise ValueError(f"work {len(works) + 1} of {len(contents)} is empty")
        works.append("".join(f"{line.rstrip()}\n" for line in text.split("\n")))
    return "\n".join(works).encode("utf-8")


def ibge_names(*contents: bytes) -> bytes:
    """The CSV files of Brazilian first names, one for each sex, as `name sex freq rank` lines with a header."""
    rows: list[tuple[str, ...]] = []
    for content in contents:
        # The columns are name, region, frequency, rank, sex; a header of other names stands above them.
        table = csv.reader(io.StringIO(content.decode("utf-8-sig"), newline=""))
        next(table, None)
        for row in table:
            if len(row) != 5 or not (row[2].isdigit() and row[3].isdigit() and row[4] in ("F", "M")):
                raise ValueError(f"row {len(rows) + 1} is not a name with frequency, rank and sex")
            rows.append((row[0], row[4], row[2], row[3]))
    return tab_lines([("name", "sex", "freq", "rank"), *rows])


def names_of_languages(*contents: bytes, languages: tuple[str, ...]) -> bytes:
    """Files of names, one for each language, as `name language` lines with no header.

    Args:
        contents: One name a line, a file for each of `languages`.
        languages: What the second column says.
    """
    rows: list[tuple[str, ...]] = []
    for content, language in zip(contents, languages, strict=True):
        names = [line.strip() for line in content.decode("utf-8-sig").split("\n")]
        rows += [(name, language) for name in names if name and name != _NO_NAME]
    return tab_lines(rows)


def compact_json(content: bytes) -> bytes:
    """JSON without blanks, its keys in the order of the publisher."""
    try:
        return json.dumps(json.loads(content), separators=(",", ":")).encode()
    except RecursionError as error:
        raise ValueError(f"not the expected JSON ({error!r})") from error


def piano_rolls_mat(content: bytes) -> bytes:
    """A MATLAB file of piano rolls as JSON: `train`, `valid` and `test` -> pieces -> steps -> MIDI notes.

    Args:
        content: For each split a cell array of rolls `(steps, 88)`, 1 where a note sounds; column 0 is note 21.
    """
    from scipy.io import loadmat
    from scipy.io.matlab import MatReadError

    try:
        arrays = loadmat(io.BytesIO(content), variable_names=list(_SPLITS_OF_MAT.values()))
        pieces = {split: [_notes(roll) for roll in arrays[name][0]] for split, name in _SPLITS_OF_MAT.items()}
    except (KeyError, IndexError, TypeError, NotImplementedError, EOFError, OSError, MatReadError, zlib.error) as error:
        raise ValueError(f"not the expected MATLAB file ({error!r})") from error
    return json.dumps(pieces, separators=(",", ":")).encode()


def _notes(roll: Any) -> list[list[int]]:
    roll = np.asarray(roll)
    if roll.ndim != 2 or roll.shape[1] != 88:
        raise ValueError(f"a piano roll has the shape {roll.shape}, not (steps, 88)")
    return [(np.flatnonzero(step) + _LOWEST_NOTE).tolist() for step in roll]
