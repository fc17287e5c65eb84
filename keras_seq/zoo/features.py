"""What the arguments `features` and `wide` of builders say of the data, and what the data completes in them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any


def reads_subwords(arguments: Mapping[str, Any]) -> bool:
    """Whether a model with these arguments reads the hashed n-grams of tokens, as features or in its wide part."""
    features, wide = arguments.get("features"), arguments.get("wide")
    if isinstance(features, Mapping) and "subwords" in features:
        return True
    return isinstance(wide, Mapping) and bool(wide.get("subwords"))


def complete_arguments(
    arguments: Mapping[str, Any], *, num_characters: int, max_characters: int, num_cases: int, num_buckets: int | None
) -> dict[str, Any]:
    """Complete `features` and `wide` with what the data decides.

    Args:
        arguments: the arguments of a builder that reads tokens, as someone wrote them.
        num_characters: how many characters are known.
        max_characters: of a token, so many are read.
        num_cases: how many forms of upper and lower case there are.
        num_buckets: how many ids n-grams are hashed to; `None` where no n-grams are read.

    Returns:
        The arguments with all of `features`, which is `{}` where none were asked for.

    Raises:
        ValueError: if a table is none, or holds what the data decides; the message begins with its name.

    Example:
        >>> sizes = dict(num_characters=40, max_characters=20, num_cases=6, num_buckets=None)
        >>> complete_arguments({"units": 8, "features": {"case_dim": 4}}, **sizes)
        {'units': 8, 'features': {'case_dim': 4, 'num_cases': 6}}
    """
    completed = dict(arguments)
    features = _table(completed.pop("features", {}), "features", ("max_characters", "num_cases", "word_starts"))
    if "characters" in features:
        characters = _table(features["characters"], "features.characters", ("vocabulary_size",))
        features["characters"] = {**characters, "vocabulary_size": num_characters}
        features["max_characters"] = max_characters
    if "subwords" in features:
        subwords = _table(features["subwords"], "features.subwords", ("num_buckets",))
        features["subwords"] = {**subwords, "num_buckets": num_buckets}
    if "case_dim" in features:
        features["num_cases"] = num_cases
    wide = completed.get("wide")
    if isinstance(wide, Mapping) and wide.get("subwords") is True:
        completed["wide"] = {**wide, "subwords": num_buckets}
    return {**completed, "features": features}


def _table(value: Any, name: str, from_data: Sequence[str]) -> dict[str, Any]:
    if not isinstance(value, Mapping):
        raise ValueError(f"`{name}` must be a table. Received: {value!r}; write it as {{ ... }}")
    for key in from_data:
        if key in value:
            raise ValueError(f"`{name}.{key}` follows from the data; take it out")
    return dict(value)
