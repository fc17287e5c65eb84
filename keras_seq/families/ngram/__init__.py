"""Counts of n-grams, smoothed: the baseline of language models."""

from keras_seq.families.ngram.recipe import NgramRecipe
from keras_seq.tasks.card_sentences import limits_for
from keras_seq.tasks.registry import Family
from keras_seq.training.language_recipe import LANGUAGE_SCORES

FAMILY = Family.in_folder(
    __name__,
    "NgramLanguageModel",
    "NgramTraining",
    name="ngram_language_model",
    unit="symbols",
    recipe=NgramRecipe,
    monitor="perplexity",
    limits=limits_for("texts"),
    lower_is_better=(*LANGUAGE_SCORES, "memory_mb"),
)
