"""Language models: how probable a text is, and how one goes on."""

from keras_seq.families.language.recipe import LanguageModelRecipe
from keras_seq.tasks.card_sentences import limits_for
from keras_seq.tasks.registry import Family
from keras_seq.training.language_recipe import LANGUAGE_SCORES

FAMILY = Family.in_folder(
    __name__,
    "LanguageModel",
    "LanguageTraining",
    name="language_model",
    unit="symbols",
    recipe=LanguageModelRecipe,
    monitor="perplexity",
    limits=limits_for("texts"),
    lower_is_better=LANGUAGE_SCORES,
)
