"""Labels that look alike: told when a file is read, joined where a recipe says so."""

from __future__ import annotations

import functools
import re
import unicodedata
from collections.abc import Mapping

from keras_seq.core.notices import visible_name
from keras_seq.data.description import Remark, number_of

_INVISIBLE = dict.fromkeys(map(ord, "\u200b\u200c\u200d\u2060\ufeff\u00ad"))
_QUOTES = "\"'\u201c\u201d\u2018\u2019\u00ab\u00bb`"
_WHOLE = re.compile(r"[+-]?[0-9]{1,15}(\.0*)?")
_NAMED = 3


@functools.lru_cache(maxsize=1 << 14)
def joined_label(label: str) -> str:
    """What labels have in common that differ only by case, quotes, invisible signs, or the form of Unicode or numbers.

    Example:

    >>> joined_label('"Neg"'), joined_label("1.0"), joined_label("opinia\\u0303o") == joined_label("Opinião")
    ('neg', '1', True)
    """
    text = unicodedata.normalize("NFC", label).translate(_INVISIBLE).strip().strip(_QUOTES)
    text = unicodedata.normalize("NFC", " ".join(text.split()).casefold())
    return str(int(text.split(".")[0])) if _WHOLE.fullmatch(text) else text or label


def label_remarks(counts: Mapping[str, int], first_lines: Mapping[str, int], has_header: bool) -> list[Remark]:
    """What is odd about labels: some look alike; the first row looks like names of columns.

    Args:
        counts: Label -> how often it occurs.
        first_lines: Label -> the line where it first occurs.
        has_header: Whether the file names its columns.
    """
    remarks = alike_remarks(counts, "labels", "data.normalize_labels = true joins them", first_lines)
    first = min(first_lines, key=first_lines.__getitem__, default="")
    if not has_header and len(counts) > 2 and counts[first] == 1:
        others = sorted(count for label, count in counts.items() if label != first)
        if others[0] > 1:
            text = f"the label {visible_name(first)!r} stands nowhere else: if this line names the columns, remove it"
            remarks.append(Remark(text, first_lines[first]))
    return remarks


def alike_remarks(
    counts: Mapping[str, int], what: str, remedy: str, first_lines: Mapping[str, int] | None = None
) -> list[Remark]:
    """That some names look alike, if they do.

    Args:
        counts: Name -> how often it occurs.
        what: What they are the names of, in the plural.
        remedy: What to do.
        first_lines: Name -> the line where it first occurs, if it is known.

    Example:

    >>> str(alike_remarks({"Loc": 1, "LOC": 2}, "types", "write them alike")[0])
    "types that look alike, 1 group ('Loc' and 'LOC'); write them alike"
    """
    alike: dict[str, list[str]] = {}
    for name in counts:
        alike.setdefault(joined_label(name), []).append(name)
    groups = [names for names in alike.values() if len(names) > 1]
    if not groups:
        return []
    listed = "; ".join(_told_apart(group) for group in groups[:_NAMED]) + ("; ..." if len(groups) > _NAMED else "")
    text = f"{what} that look alike, {number_of(len(groups), 'groups')} ({listed}); {remedy}"
    line = None if first_lines is None else min(first_lines[name] for group in groups for name in group[1:])
    return [Remark(text, line)]


def _told_apart(labels: list[str]) -> str:
    """Labels as one can tell them apart: escaped where what is printed would look the same."""
    bare = [unicodedata.normalize("NFC", label).translate(_INVISIBLE) for label in labels]
    shown = map(ascii, labels) if len(set(bare)) < len(bare) else (repr(visible_name(label)) for label in labels)
    return " and ".join(shown)
