"""Which tag may follow which, by the tag scheme."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np


def allowed_transitions(tag_names: Sequence[str]) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """The moves that a tag scheme allows.

    The scheme is read off the names: with `E-` or `S-` tags it is BIOES, where an entity is `S` or `B I* E`; with `B-`
    tags for every type that has `I-` tags it is BIO, where `I-X` follows `B-X` or `I-X` alone; else it is IOB1 (any
    `I-` may open an entity).

    Args:
        tag_names: the tags in id order, `O` or `<prefix>-<type>`.

    Returns:
        Boolean arrays `starts` `(tags,)`, `ends` `(tags,)` and `transitions` `(tags, tags)` (row: previous tag).

    Raises:
        ValueError: if a tag has another form.

    Example:
        >>> from keras_seq.ops.tag_transitions import allowed_transitions
        >>> starts, ends, transitions = allowed_transitions(["O", "B-PER", "I-PER"])
        >>> starts.tolist(), transitions[0].tolist()
        ([True, True, False], [True, True, False])
    """
    parts = [_split(name) for name in tag_names]
    prefixes = {prefix for prefix, _ in parts}
    is_bioes = bool(prefixes & {"E", "S"})
    begun = {kind for prefix, kind in parts if prefix == "B"}
    is_bio = all(kind in begun for prefix, kind in parts if prefix == "I")
    # A tag either goes on with the entity of its predecessor (needs one open, of its type) or begins anew.
    continues = [prefix in ("I", "E") and (is_bioes or is_bio) for prefix, _ in parts]
    is_open = [is_bioes and prefix in ("B", "I") for prefix, _ in parts]
    may_be_continued = [prefix in ("B", "I") for prefix, _ in parts]

    def may_follow(previous: int, tag: int) -> bool:
        if continues[tag]:
            return may_be_continued[previous] and parts[previous][1] == parts[tag][1]
        if is_open[previous]:
            return False
        # IOB1 alone has `I-` tags that begin; there `B-X` only parts two neighbours of one type.
        if not is_bioes and not is_bio and parts[tag][0] == "B":
            return parts[previous][1] == parts[tag][1]
        return True

    count = len(parts)
    transitions = np.array([[may_follow(i, j) for j in range(count)] for i in range(count)], dtype=bool)
    iob1_begin = [not is_bioes and not is_bio and prefix == "B" for prefix, _ in parts]
    starts = np.array([not (continues[j] or iob1_begin[j]) for j in range(count)], dtype=bool)
    return starts, ~np.array(is_open, dtype=bool), transitions


def _split(name: str) -> tuple[str, str]:
    prefix, _, kind = name.partition("-")
    if (name == "O") or (prefix in ("B", "I", "E", "S") and kind):
        return prefix, kind
    raise ValueError(
        "`tag_names` must hold `O` and tags such as `B-PER`, `I-PER`, `E-PER`, `S-PER`. "
        f"Received: {name!r}. Rename the tag, or leave `tag_names` out to allow every transition."
    )
