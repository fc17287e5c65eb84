"""What the card of a matcher of texts says of its data."""

from __future__ import annotations

from keras_seq.tasks.card_sentences import held_out_of, texts_for_word_vectors
from keras_seq.training import Recipe


def data_sentences(recipe: Recipe) -> tuple[str, ...]:
    """What validates where no file does, and the further texts that word vectors are trained on."""
    held_out = held_out_of(recipe, "texts")
    if held_out and recipe.pairs.validate_on == "end":
        held_out = (f"validation: what is new in the last {recipe.data.held_out:.0%} of the training texts",)
    return (*held_out, *texts_for_word_vectors(recipe))
