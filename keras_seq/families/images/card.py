"""What the card of a matcher of images says of its scores."""

from __future__ import annotations

from keras_seq.tasks.card_sentences import limits_for
from keras_seq.training import Recipe


def limits(recipe: Recipe, split: str) -> tuple[str, ...]:
    """What the scores do not say."""
    return (
        *limits_for("images")(recipe, split),
        "The threshold is chosen on as many pairs of one class as of two. In one-shot runs pairs of two are the many: "
        "there precision and F1 are low, and the most similar reference is what to ask for.",
    )
