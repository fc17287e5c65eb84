"""Language models: how probable a text is, and how one goes on."""

from keras_seq.families.language.recipe import LanguageModelRecipe
from keras_seq.families.language.task import LanguageModel
from keras_seq.families.language.training import LanguageTraining
from keras_seq.tasks.card_sentences import limits_for
from keras_seq.tasks.language_text import LANGUAGE_SCORES
from keras_seq.tasks.registry import Family

FAMILY = Family(
    task=LanguageModel,
    recipe=LanguageModelRecipe,
    training=LanguageTraining,
    monitor="perplexity",
    limits=limits_for("texts"),
    lower_is_better=LANGUAGE_SCORES,
)
