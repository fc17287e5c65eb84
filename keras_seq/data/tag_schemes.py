"""Tag schemes: BIO (also called IOB2), IOB1 and BIOES; conversion between them; which tags may follow which."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from keras_seq.core.checks import check_choice

SCHEMES = ("BIO", "IOB1", "BIOES")
OUTSIDE = "O"
_PREFIXES = {"BIO": "BI", "IOB1": "BI", "BIOES": "BIES"}


class Entity(NamedTuple):
    """Tokens `start` to `end` (end exclusive) of one type."""

    type: str
    start: int
    end: int


def split_tag(tag: str) -> tuple[str, str]:
    """Prefix and type of a tag: `"B-LOC"` -> `("B", "LOC")`, `"O"` -> `("O", "")`.

    Raises:
        ValueError: When the tag is neither `O` nor one of `B- I- E- S-` with a type.
    """
    if tag == OUTSIDE:
        return OUTSIDE, ""
    prefix, dash, kind = tag.partition("-")
    if not dash or not kind or prefix not in ("B", "I", "E", "S"):
        raise ValueError(
            f"`tag` must be 'O' or a prefix of B, I, E, S with a type, as in 'B-LOC'. Received: tag={tag!r}. "
            "Correct the tag."
        )
    return prefix, kind


def entities_of(tags: Sequence[str]) -> list[Entity]:
    """Entities of one sentence by conlleval's rules, whatever the scheme and however malformed the sequence.

    An entity begins at `B-` or `S-`, at the first token after `O`, `E-` or `S-`, and where the type changes; it goes
    on through `I-` and `E-` of the same type. Valid BIO, IOB1 and BIOES sequences give just what they mean.

    Example:

    >>> entities_of(["B-PER", "I-PER", "O", "I-LOC"])
    [Entity(type='PER', start=0, end=2), Entity(type='LOC', start=3, end=4)]
    """
    entities = []
    start, open_type, previous = 0, "", OUTSIDE
    for index, tag in enumerate(tags):
        prefix, kind = split_tag(tag)
        if prefix in ("B", "S") or previous in ("O", "E", "S") or kind != open_type:
            if open_type:
                entities.append(Entity(open_type, start, index))
            start, open_type = index, kind
        previous = prefix
    if open_type:
        entities.append(Entity(open_type, start, len(tags)))
    return entities


def tags_of(entities: Sequence[Entity], length: int, scheme: str = "BIO") -> list[str]:
    """Tags of one sentence from its entities: the inverse of `entities_of` for entities that do not overlap.

    Args:
        entities: In any order, within the sentence, not overlapping, none empty.
        length: The number of tokens.
        scheme: `"BIO"`, `"IOB1"` or `"BIOES"`.

    Returns:
        A list of `length` tags.

    Raises:
        ValueError: When the scheme is unknown, or an entity is empty, overlaps another or leaves the sentence.
    """
    check_choice("scheme", scheme, SCHEMES)
    tags = [OUTSIDE] * length
    previous: Entity | None = None
    for entity in sorted(entities, key=lambda entity: entity.start):
        kind, start, end = entity
        if not (previous.end if previous else 0) <= start < end <= length:
            raise ValueError(
                f"`entities` must lie within the {length} tokens, hold a token each and not overlap. "
                f"Received: {entity} after {previous}. Correct the entity."
            )
        tags[start:end] = [f"I-{kind}"] * (end - start)
        touches = previous is not None and previous.end == start and previous.type == kind
        if scheme != "IOB1" or touches:
            tags[start] = f"B-{kind}"
        if scheme == "BIOES":
            tags[end - 1] = f"{'S' if end - start == 1 else 'E'}-{kind}"
        previous = entity
    return tags


def convert(tags: Sequence[str], scheme: str) -> list[str]:
    """Rewrite the tags of one sentence in another scheme; the entities stay the same.

    Args:
        tags: In any scheme. A malformed sequence is read as `entities_of` does and comes out well formed.
        scheme: `"BIO"`, `"IOB1"` or `"BIOES"`.

    Returns:
        As many tags.

    Example:

    >>> convert(["B-PER", "I-PER", "O", "B-LOC"], "BIOES")
    ['B-PER', 'E-PER', 'O', 'S-LOC']
    """
    return tags_of(entities_of(tags), len(tags), scheme)


def tag_names(types: Sequence[str], scheme: str = "BIO") -> list[str]:
    """All tags of a scheme for some entity types: `O` first, then type by type in sorted order.

    Example:

    >>> tag_names(["PER", "LOC"])
    ['O', 'B-LOC', 'I-LOC', 'B-PER', 'I-PER']
    """
    check_choice("scheme", scheme, SCHEMES)
    return [OUTSIDE] + [f"{prefix}-{kind}" for kind in sorted(set(types)) for prefix in _PREFIXES[scheme]]


def scheme_of_tags(names: Sequence[str]) -> str:
    """The scheme a set of tag names speaks for: BIOES if a prefix is E or S, IOB1 if there is I but no B, else BIO."""
    prefixes = {split_tag(name)[0] for name in names}
    if prefixes & {"E", "S"}:
        return "BIOES"
    return "BIO" if "B" in prefixes or "I" not in prefixes else "IOB1"


def allowed_transitions(names: Sequence[str], scheme: str | None = None) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Which tags may begin a sentence, end it, and follow each other: the hard constraints of a CRF.

    Args:
        names: The k tag names, in the order of their ids.
        scheme: `"BIO"`, `"IOB1"` or `"BIOES"`; by default `scheme_of_tags(names)`. Pass `"IOB1"` for tags in that
            scheme when `B-` occurs among them: names alone do not tell it from BIO.

    Returns:
        `(starts, ends, transitions)`: boolean arrays of shape `(k,)`, `(k,)`, `(k, k)`; `transitions[i, j]` says
        whether tag j may follow tag i.

    Raises:
        ValueError: When a name is malformed or not of the scheme.

    Example:

    >>> starts, ends, transitions = allowed_transitions(["O", "B-PER", "I-PER"])
    >>> starts.tolist(), ends.tolist()
    ([True, True, False], [True, True, True])
    >>> transitions.astype(int).tolist()
    [[1, 1, 0], [1, 1, 1], [1, 1, 1]]
    """
    scheme = scheme_of_tags(names) if scheme is None else scheme
    check_choice("scheme", scheme, SCHEMES)
    parts = [split_tag(name) for name in names]
    for name, (prefix, _) in zip(names, parts, strict=True):
        if prefix != OUTSIDE and prefix not in _PREFIXES[scheme]:
            raise ValueError(f"`names` must be tags of the scheme {scheme}. Received: {name!r}. Convert them.")
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
