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


def held_out_of(recipe: Recipe, unit: str) -> tuple[str, ...]:
    """What validates where the recipe names no file: a share of the training examples.

    Args:
        recipe: the recipe.
        unit: what the examples are called, in the plural.
    """
    if recipe.data.validation is not None:
        return ()
    return (f"validation: {recipe.data.held_out:.0%} of the training {unit}",)


def texts_for_word_vectors(recipe: Recipe) -> tuple[str, ...]:
    """The further texts that word vectors are trained on."""
    files = recipe.pretraining.files
    return (f"texts for word vectors: {', '.join(files)}",) if files else ()
