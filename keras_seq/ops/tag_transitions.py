"""Which tag may follow which, by the tag scheme."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from keras_seq.core.checks import check_choice
from keras_seq.ops.spans import OUTSIDE, split_tag

# Scheme -> the prefixes of its tags. BIO is also called IOB2.
PREFIXES = {"BIO": "BI", "IOB1": "BI", "BIOES": "BIES"}
SCHEMES = tuple(PREFIXES)


def scheme_of_tags(names: Sequence[str]) -> str:
    """The scheme that a set of tag names speaks for.

    BIOES if a prefix is `E` or `S`, IOB1 if a type has an `I` tag but no `B` tag, else BIO.

    Example:

    >>> scheme_of_tags(["O", "B-PER", "I-PER"]), scheme_of_tags(["O", "I-PER"])
    ('BIO', 'IOB1')
    """
    parts = [split_tag(name) for name in names]
    if any(prefix in ("E", "S") for prefix, _ in parts):
        return "BIOES"
    begun = {kind for prefix, kind in parts if prefix == "B"}
    return "BIO" if all(kind in begun for prefix, kind in parts if prefix == "I") else "IOB1"


def allowed_transitions(
    tag_names: Sequence[str], scheme: str | None = None
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Which tags may begin a sentence, end it, and follow each other: the hard constraints of a CRF.

    Args:
        tag_names: The tags in the order of their ids, `O` or a prefix and a type.
        scheme: `"BIO"`, `"IOB1"` or `"BIOES"`; by default `scheme_of_tags(tag_names)`. Pass `"IOB1"` for tags in that
            scheme when every type has a `B` tag: names alone do not tell it from BIO.

    Returns:
        `(starts, ends, transitions)`: boolean arrays of shape `(k,)`, `(k,)`, `(k, k)`; `transitions[i, j]` says
        whether tag `j` may follow tag `i`.

    Raises:
        ValueError: if a name is no tag, or not of the scheme.

    Example:

    >>> starts, ends, transitions = allowed_transitions(["O", "B-PER", "I-PER"])
    >>> starts.tolist(), ends.tolist()
    ([True, True, False], [True, True, True])
    >>> transitions.astype(int).tolist()
    [[1, 1, 0], [1, 1, 1], [1, 1, 1]]
    """
    scheme = scheme_of_tags(tag_names) if scheme is None else scheme
    check_choice("scheme", scheme, SCHEMES)
    parts = [split_tag(name) for name in tag_names]
    for name, (prefix, _) in zip(tag_names, parts, strict=True):
        if prefix not in (OUTSIDE, *PREFIXES[scheme]):
            raise ValueError(f"`tag_names` must be tags of the scheme {scheme}. Received: {name!r}. Convert them.")
    boundary = (OUTSIDE, "")
    starts = np.array([_may_follow(boundary, part, scheme) for part in parts], dtype=bool)
    ends = np.array([_may_follow(part, boundary, scheme) for part in parts], dtype=bool)
    transitions = np.array([[_may_follow(a, b, scheme) for b in parts] for a in parts], dtype=bool)
    return starts, ends, transitions.reshape(len(parts), len(parts))


def _may_follow(first, second, scheme):
    (prefix, kind), (next_prefix, next_kind) = first, second
    same = kind == next_kind
    if scheme == "BIO":
        return next_prefix != "I" or (prefix != OUTSIDE and same)
    if scheme == "IOB1":
        # B- only parts two neighbours of one type.
        return next_prefix != "B" or (prefix != OUTSIDE and same)
    if prefix in ("B", "I"):
        return next_prefix in ("I", "E") and same
    return next_prefix in ("O", "B", "S")
