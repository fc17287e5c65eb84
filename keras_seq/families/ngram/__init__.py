"""Counts of n-grams, smoothed: the baseline of language models."""

from keras_seq.families.ngram.recipe import NgramRecipe
from keras_seq.families.ngram.task import NgramLanguageModel
from keras_seq.families.ngram.training import NgramTraining
from keras_seq.tasks.card_sentences import limits_for
from keras_seq.tasks.language_text import LANGUAGE_SCORES
from keras_seq.tasks.registry import Family

FAMILY = Family(
    task=NgramLanguageModel,
    recipe=NgramRecipe,
    training=NgramTraining,
    monitor="perplexity",
    limits=limits_for("texts"),
    lower_is_better=(*LANGUAGE_SCORES, "memory_mb"),
)
