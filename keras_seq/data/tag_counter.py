"""The scheme of the tags of a file, its entities by type, and what is odd about them, row by row."""

from __future__ import annotations

import functools
import os

from keras_seq.core.errors import DataError
from keras_seq.data.description import Remark
from keras_seq.data.label_names import alike_remarks
from keras_seq.ops.spans import OUTSIDE, goes_on, split_tag

_ONE_SCHEME = "write the whole file in one of BIO, IOB1, BIOES"
_INVISIBLE = "\u200b\u200c\u200d\u2060\ufeff"


class TagCounter:
    """Scheme, entities and oddities of the tags of a file, row by row.

    Args:
        path: The file.
    """

    def __init__(self, path: str | os.PathLike) -> None:
        self.path = path
        self.previous = OUTSIDE
        self.types: dict[str, int] = {}
        self.sentences = self.tokens = 0
        # Scheme -> the line and the tag that prove it first, and how many do.
        self.evidence: dict[str, tuple[int, str, int]] = {}
        self.unfit: tuple[int, str, str] | None = None
        self.odd_tokens: tuple[int, int] | None = None

    def add(self, number: int, tag: str, token: str) -> None:
        """Count a row."""
        self.tokens += 1
        if not token.isascii() and (token.isspace() or any(sign in token for sign in _INVISIBLE)):
            first, count = self.odd_tokens or (number, 0)
            self.odd_tokens = first, count + 1
        previous, self.previous = self.previous, tag
        if tag != OUTSIDE or previous != OUTSIDE:
            self._look_at(number, previous, tag)

    def end(self, number: int) -> None:
        """Count the end of a sentence that has rows."""
        self.sentences += 1
        if self.previous != OUTSIDE:
            self._look_at(number, self.previous, OUTSIDE)
            self.previous = OUTSIDE

    def _look_at(self, number: int, previous: str, tag: str) -> None:
        begins, scheme, fits = _transition(previous, tag)
        if begins:
            self.types[begins] = self.types.get(begins, 0) + 1
        if scheme:
            first, name, count = self.evidence.get(scheme, (number, tag, 0))
            self.evidence[scheme] = first, name, count + 1
        if not fits and self.unfit is None:
            self.unfit = number, previous, tag

    def scheme(self) -> tuple[str, list[Remark]]:
        """The scheme, and what is odd.

        Raises:
            DataError: if schemes are mixed: some tags are BIOES, others are not.
        """
        remarks = alike_remarks(self.types, "types", "write them alike")
        if self.odd_tokens is not None:
            remarks.append(Remark("a token has signs that cannot be seen, or is a blank", *self.odd_tokens))
        if "BIOES" in self.evidence:
            if self.unfit is not None:
                (number, previous, tag), (line, earlier, _) = self.unfit, self.evidence["BIOES"]
                reason = (
                    f"mixed tag schemes: {tag!r} after {previous!r} is not BIOES, but {earlier!r} in line {line} is"
                )
                raise DataError(self.path, number, reason, _ONE_SCHEME)
            return "BIOES", remarks
        if "BIO" in self.evidence and "IOB1" in self.evidence:
            line, tag, count = self.evidence["IOB1"]
            what = f"{tag!r} begins an entity, as in IOB1, in a file of BIO; it is read so, as conlleval does"
            remarks.append(Remark(what, line, count))
            return "BIO", remarks
        return ("IOB1" if "IOB1" in self.evidence else "BIO"), remarks


@functools.lru_cache(maxsize=1 << 14)
def _transition(previous: str, tag: str) -> tuple[str, str, bool]:
    """Of two neighbouring tags: the type of the entity that begins, the scheme that they prove, whether BIOES has them.

    A B- that begins an entity can be BIOES too; where two entities of one type touch, IOB1.
    """
    prefix, kind = split_tag(tag)
    previous_prefix, previous_kind = split_tag(previous)
    begins = kind if prefix != OUTSIDE and not goes_on(previous, tag) else ""
    if previous_prefix in ("B", "I"):
        fits = prefix in ("I", "E") and kind == previous_kind
    else:
        fits = prefix in ("O", "B", "S")
    is_first = previous_prefix == OUTSIDE or previous_kind != kind
    scheme = ""
    if prefix in ("E", "S"):
        scheme = "BIOES"
    elif prefix == "I" and is_first and previous_prefix not in ("E", "S"):
        scheme = "IOB1"
    elif prefix == "B" and is_first:
        scheme = "BIO"
    return begins, scheme, fits
