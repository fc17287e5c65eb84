"""Where entities start and end in a sequence of tags: one rule, for Python lists and for tensors.

A tag is `"O"` or a prefix (`B`, `I`, `E`, `S`) and an entity type: `"B-PERSON"`. An entity goes on from one step to the
next only if the first tag is `B` or `I`, the second is `I` or `E`, and both have the same type. Every other tag but
`"O"` starts an entity. So malformed sequences have entities too: an `I` after `"O"`, or after another type, starts one.
These are the rules of the CoNLL-2000 evaluation script (`conlleval`) and of `seqeval`'s default mode; they read BIO,
IOB1 and BIOES alike.
"""

import functools
from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
from keras import ops

OUTSIDE = "O"
NO_TYPE = "_"
_PREFIXES = "BIES"
_GO_ON_AFTER = "BI"
_GO_ON_WITH = "IE"


class EntitySpan(NamedTuple):
    """An entity: its type, its first step, and the step after its last."""

    type: str
    start: int
    end: int


class SpanTables(NamedTuple):
    """What `entity_spans` looks up by tag id. Row `k`, one past the last tag id, stands for "outside".

    Attributes:
        types: The entity types, sorted.
        type_ids: Index into `types` for each tag id, -1 where the tag is outside. Shape `(k + 1,)`, int32.
        goes_on: Whether an entity goes on from one tag id to the next. Shape `(k + 1, k + 1)`, bool.
    """

    types: tuple[str, ...]
    type_ids: np.ndarray
    goes_on: np.ndarray


@functools.lru_cache(maxsize=4096)
def split_tag(tag: str) -> tuple[str, str]:
    """Split a tag into prefix and entity type: `"B-PERSON"` -> `("B", "PERSON")`.

    Args:
        tag: `"O"`, or one of `B`, `I`, `E`, `S`, alone or followed by `-` and the entity type.

    Returns:
        `("O", "")` for `"O"`, else the prefix and the type, which is `"_"` where the tag has none.

    Raises:
        ValueError: if `tag` is none of these.

    Example:

    >>> split_tag("I-WORK-OF-ART"), split_tag("O"), split_tag("B")
    (('I', 'WORK-OF-ART'), ('O', ''), ('B', '_'))
    """
    if tag == OUTSIDE:
        return OUTSIDE, ""
    if not isinstance(tag, str) or tag[:1] not in tuple(_PREFIXES) or tag[1:2] not in ("", "-"):
        raise ValueError(
            "`tag` must be 'O', or B-, I-, E- or S- followed by an entity type. "
            f"Received: tag={tag!r}. Convert other schemes first (BILOU: L is E, U is S)."
        )
    return tag[0], tag[2:] or NO_TYPE


def goes_on(tag: str, next_tag: str) -> bool:
    """Whether the entity that holds `tag` goes on at the next step, whose tag is `next_tag`.

    Example:

    >>> goes_on("B-PERSON", "I-PERSON"), goes_on("B-PERSON", "I-PLACE"), goes_on("E-PERSON", "I-PERSON")
    (True, False, False)
    """
    (prefix, entity_type), (next_prefix, next_type) = split_tag(tag), split_tag(next_tag)
    return prefix in _GO_ON_AFTER and next_prefix in _GO_ON_WITH and entity_type == next_type


def entities(tags: Sequence[str]) -> list[EntitySpan]:
    """The entities in one sentence's tags, from left to right.

    Args:
        tags: One tag a step, in BIO, IOB1 or BIOES; malformed sequences are read by the rules of this module.

    Returns:
        A list of `EntitySpan(type, start, end)`, in steps, `end` exclusive.

    Raises:
        ValueError: if a tag is of another scheme.

    Example:

    >>> entities(["B-PERSON", "I-PERSON", "O", "I-PLACE"])
    [EntitySpan(type='PERSON', start=0, end=2), EntitySpan(type='PLACE', start=3, end=4)]
    """
    spans = []
    start, previous = 0, OUTSIDE
    for step, tag in enumerate([*tags, OUTSIDE]):
        if not goes_on(previous, tag):
            if previous != OUTSIDE:
                spans.append(EntitySpan(split_tag(previous)[1], start, step))
            start = step
        previous = tag
    return spans


def span_tables(tag_names: Sequence[str]) -> SpanTables:
    """The look-up tables of `entity_spans` for tags whose ids are their places in `tag_names`.

    Example:

    >>> tables = span_tables(["O", "B-PERSON", "I-PERSON"])
    >>> tables.types, tables.type_ids.tolist(), tables.goes_on[1].tolist()
    (('PERSON',), [-1, 0, 0, -1], [False, False, True, False])
    """
    names = [*tag_names, OUTSIDE]
    types = tuple(sorted({split_tag(name)[1] for name in names if name != OUTSIDE}))
    type_ids = [-1 if name == OUTSIDE else types.index(split_tag(name)[1]) for name in names]
    table = [[goes_on(name, next_name) for next_name in names] for name in names]
    return SpanTables(types, np.array(type_ids, "int32"), np.array(table, "bool"))


def entity_spans(tag_ids: Any, tables: SpanTables) -> tuple[Any, Any, Any]:
    """The entities in a batch of tag ids, without a loop over steps: works in eager mode, in graphs and under XLA.

    Args:
        tag_ids: int32 tensor `(batch, steps)`. Ids that are no tag's (padding, say) are outside every entity.
        tables: `span_tables(tag_names)`.

    Returns:
        Three tensors `(batch, steps)`: `starts`, bool, whether an entity starts at the step; `ends`, int32, the step
        after that entity's last; `type_ids`, int32, its type as an index into `tables.types`. Where `starts` is
        `False`, the numbers of the other two mean nothing.

    Example:

    >>> starts, ends, type_ids = entity_spans([[1, 2, 0, 2, -1]], span_tables(["O", "B-PERSON", "I-PERSON"]))
    >>> starts.numpy().tolist(), ends.numpy()[0, [0, 3]].tolist()
    ([[True, False, False, True, False]], [2, 4])
    """
    outside = len(tables.type_ids) - 1
    tag_ids = ops.cast(tag_ids, "int32")
    tag_ids = ops.where((tag_ids < 0) | (tag_ids > outside), outside, tag_ids)
    steps = ops.shape(tag_ids)[1]
    type_ids = ops.take(ops.convert_to_tensor(tables.type_ids), tag_ids)

    border = ops.full_like(ops.sum(tag_ids, axis=1, keepdims=True), outside)
    tag_ids = ops.concatenate([border, tag_ids, border], axis=1)
    pairs = tag_ids[:, :-1] * (outside + 1) + tag_ids[:, 1:]
    goes_on_between = ops.take(ops.convert_to_tensor(tables.goes_on.reshape(-1)), pairs)  # (batch, steps + 1)
    inside = type_ids >= 0
    starts = inside & ~goes_on_between[:, :-1]
    is_last = inside & ~goes_on_between[:, 1:]

    # Entities do not overlap, so the m-th start belongs to the m-th end: sort the ends, look up by the starts' rank.
    positions = ops.arange(steps, dtype="int32")[None, :]
    sorted_ends = ops.sort(ops.where(is_last, positions, steps), axis=1) + 1
    rank = ops.maximum(ops.cumsum(ops.cast(starts, "int32"), axis=1) - 1, 0)
    return starts, ops.take_along_axis(sorted_ends, rank, axis=1), type_ids


def compact_steps(mask: Any, values: Any, fill: int) -> Any:
    """Move the real steps of each row to the left, in their order, and fill up with `fill`.

    A mask may have holes. Once they are closed, neighbours in the tensor are neighbours in the sentence.

    Args:
        mask: bool tensor `(batch, steps)`, `True` = real step.
        values: tensor `(batch, steps)`.
        fill: What the steps after the real ones hold.

    Returns:
        A tensor like `values`.

    Example:

    >>> compact_steps([[False, True, False, True]], [[5, 6, 7, 8]], fill=-1).numpy().tolist()
    [[6, 8, -1, -1]]
    """
    mask = ops.cast(mask, "bool")
    values = ops.where(mask, values, fill)
    steps = ops.shape(values)[1]
    positions = ops.arange(steps, dtype="int32")[None, :]
    # Keys that are all different: the order does not hang on whether a backend's sort is stable.
    order = ops.argsort(ops.where(mask, positions, positions + steps), axis=1)
    return ops.take_along_axis(values, order, axis=1)
