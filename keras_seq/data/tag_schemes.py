"""Conversion between the tag schemes BIO (also called IOB2), IOB1 and BIOES."""

from collections.abc import Sequence

from keras_seq.core.checks import check_choice
from keras_seq.ops.spans import OUTSIDE, EntitySpan, entities
from keras_seq.ops.tag_transitions import PREFIXES, SCHEMES


def tags_of(spans: Sequence[EntitySpan], length: int, scheme: str = "BIO") -> list[str]:
    """Tags of one sentence from its entities: the inverse of `keras_seq.ops.spans.entities`.

    Args:
        spans: In any order, within the sentence, not overlapping, none empty.
        length: The number of tokens.
        scheme: `"BIO"`, `"IOB1"` or `"BIOES"`.

    Returns:
        A list of `length` tags.

    Raises:
        ValueError: if the scheme is unknown, or a span is empty, overlaps another or leaves the sentence.
    """
    check_choice("scheme", scheme, SCHEMES)
    tags = [OUTSIDE] * length
    previous: EntitySpan | None = None
    for span in sorted(spans, key=lambda span: span.start):
        kind, start, end = span
        if not (previous.end if previous else 0) <= start < end <= length:
            raise ValueError(
                f"`spans` must lie within the {length} tokens, hold a token each and not overlap. "
                f"Received: {span} after {previous}. Correct the span."
            )
        tags[start:end] = [f"I-{kind}"] * (end - start)
        touches = previous is not None and previous.end == start and previous.type == kind
        if scheme != "IOB1" or touches:
            tags[start] = f"B-{kind}"
        if scheme == "BIOES":
            tags[end - 1] = f"{'S' if end - start == 1 else 'E'}-{kind}"
        previous = span
    return tags


def convert(tags: Sequence[str], scheme: str) -> list[str]:
    """Rewrite the tags of one sentence in another scheme; the entities stay the same.

    Args:
        tags: In any scheme. A malformed sequence is read as `keras_seq.ops.spans.entities` does and comes out well
            formed.
        scheme: `"BIO"`, `"IOB1"` or `"BIOES"`.

    Returns:
        As many tags.

    Example:

    >>> convert(["B-PER", "I-PER", "O", "B-LOC"], "BIOES")
    ['B-PER', 'E-PER', 'O', 'S-LOC']
    """
    return tags_of(entities(tags), len(tags), scheme)


def tag_names(types: Sequence[str] | set[str], scheme: str = "BIO") -> list[str]:
    """All tags of a scheme for some entity types: `O` first, then type by type in sorted order.

    Example:

    >>> tag_names(["PER", "LOC"])
    ['O', 'B-LOC', 'I-LOC', 'B-PER', 'I-PER']
    """
    check_choice("scheme", scheme, SCHEMES)
    return [OUTSIDE] + [f"{prefix}-{kind}" for kind in sorted(set(types)) for prefix in PREFIXES[scheme]]
