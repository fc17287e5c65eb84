"""What the card of a classifier says of its data."""

from __future__ import annotations

from keras_seq.tasks.card_sentences import held_out_of, texts_for_word_vectors
from keras_seq.training import Recipe


def data_sentences(recipe: Recipe) -> tuple[str, ...]:
    """Texts out of scope, folds, held-out texts, and further texts that the model has read."""
    data, prior = recipe.data, recipe.transfer.file
    sentences = [
        f"{name}: {reference}"
        for name, reference in (
            ("out of scope validation", data.out_of_scope_validation),
            ("out of scope test", data.out_of_scope_test),
        )
        if reference is not None
    ]
    if data.fold is not None:
        sentences.append(f"test: its fold {data.fold}")
    sentences += [*held_out_of(recipe, "texts"), *texts_for_word_vectors(recipe)]
    if prior is not None:
        sentences.append(f"labelled texts for the prior: {prior}")
    return tuple(sentences)
