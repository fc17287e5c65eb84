"""From the formats of publishers of pairs of texts to columns parted by tabs.

As in `conversions`: bytes of the publisher's file (or of several) -> bytes of ours; what does not have the expected
form raises a ValueError.
"""

import csv
import hashlib
import io
import re
import xml.etree.ElementTree as ElementTree

from keras_seq.data.conversions import tab_lines

_SPLITS = ("test", "dev", "train")


def scored_csv(content: bytes) -> bytes:
    """CSV with no line of names, of two texts and a score, as `score a b` lines."""
    return tab_lines((score, a, b) for a, b, score in _csv_rows(content, 3))


def sick_lines(content: bytes) -> bytes:
    """The columns of SICK, below a line of their names, as `id relatedness entailment a b` lines."""
    rows: list[tuple[str, ...]] = []
    for line in content.decode("utf-8-sig").split("\n")[1:]:
        cells = line.strip("\r").split("\t")
        if cells == [""]:
            continue
        if len(cells) != 5:
            raise ValueError(f"row {len(rows) + 1} has {len(cells)} cells, not 5")
        identity, a, b, relatedness, entailment = cells
        rows.append((identity, relatedness, entailment, a, b))
    return tab_lines(rows)


def assin_xml(content: bytes) -> bytes:
    """The XML of ASSIN as `id similarity entailment t h` lines."""
    # Entities that a file declares may grow without bound; this format has none.
    if b"<!DOCTYPE" in content or b"<!ENTITY" in content:
        raise ValueError("not the expected XML (it declares a document type)")
    try:
        rows = [
            (
                *(pair.attrib[name] for name in ("id", "similarity", "entailment")),
                *(pair.findtext(name, default="") for name in ("t", "h")),
            )
            for pair in ElementTree.fromstring(content).iter("pair")
        ]
    except (ElementTree.ParseError, KeyError) as error:
        raise ValueError(f"not the expected XML ({error!r})") from error
    return tab_lines(rows)


def question_pairs_csv(content: bytes, split: str) -> bytes:
    """One part of the CSV of MQP (who wrote it, two questions, label) as `label a b` lines.

    The publisher has no split: a first question is, with all its pairs, where the last decimal digit of the SHA-1 of
    its lower-case form says: 0 test, 1 dev, else train.

    Args:
        content: UTF-8.
        split: `"train"`, `"dev"` or `"test"`.
    """
    rows = []
    for _, a, b, label in _csv_rows(content, 4):
        first = re.sub(r"[\t\r\n]+", " ", a).strip()
        # No secret: any function that spreads texts evenly would do.
        digest = hashlib.sha1(first.lower().encode("utf-8"), usedforsecurity=False).hexdigest()
        if _SPLITS[min(int(digest, 16) % 10, 2)] == split:
            rows.append((label, a, b))
    return tab_lines(rows)


def parallel_lines(a: bytes, b: bytes, labels: bytes) -> bytes:
    """Three files whose lines belong together, of two texts and a label, as `label a b` lines."""
    columns = [content.decode("utf-8-sig").removesuffix("\n").split("\n") for content in (labels, a, b)]
    if len({len(column) for column in columns}) > 1:
        raise ValueError(f"{len(columns[1])} and {len(columns[2])} texts, {len(columns[0])} labels")
    return tab_lines(zip(*columns, strict=True))


def _csv_rows(content, count):
    try:
        rows = list(csv.reader(io.StringIO(content.decode("utf-8-sig"), newline=""), strict=True))
    except csv.Error as error:
        raise ValueError(f"not the expected CSV ({error!r})") from error
    for number, row in enumerate(rows, 1):
        if len(row) != count:
            raise ValueError(f"row {number} has {len(row)} cells, not {count}")
    return rows
