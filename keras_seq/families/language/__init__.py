"""Language models: how probable a text is, and how one goes on."""

from keras_seq.families.language.task import LanguageModel
from keras_seq.families.language.training import LanguageTraining
from keras_seq.tasks.card_sentences import limits_for
from keras_seq.tasks.language_text import data_sentences
from keras_seq.tasks.registry import Family

FAMILY = Family(
    name=LanguageModel.task,
    unit=LanguageModel.unit,
    task=LanguageModel,
    training=LanguageTraining,
    monitor="perplexity",
    limits=limits_for("texts"),
    data_sentences=data_sentences,
    lower_is_better=("perplexity", "nll", "nats_per_character", "bits_per_character"),
)
