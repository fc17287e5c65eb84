"""What several families write into cards: parts of the sentence on the data, and what scores do not say."""

from __future__ import annotations

from collections.abc import Callable

from keras_seq.training import Recipe


def limits_for(unit: str) -> Callable[[Recipe, str], tuple[str, ...]]:
    """The `limits` of a family whose scores hold for examples of some kind, and of which no more is to be said.

    Args:
        unit: what the examples are called, in the plural.
    """

    def limits(recipe: Recipe, split: str) -> tuple[str, ...]:
        return (f"Scores hold for {unit} like those of its data ({split} file); others score lower.",)

    return limits
