"""Counts of n-grams, smoothed: the baseline of language models."""

from keras_seq.families.ngram.task import NgramLanguageModel
from keras_seq.families.ngram.training import NgramTraining
from keras_seq.tasks.card_sentences import limits_for
from keras_seq.tasks.language_text import data_sentences
from keras_seq.tasks.registry import Family

FAMILY = Family(
    name=NgramLanguageModel.task,
    unit=NgramLanguageModel.unit,
    task=NgramLanguageModel,
    training=NgramTraining,
    monitor="perplexity",
    limits=limits_for("texts"),
    data_sentences=data_sentences,
    lower_is_better=("perplexity", "nll", "nats_per_character", "bits_per_character", "memory_mb"),
)
