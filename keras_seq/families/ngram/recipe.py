"""The recipe of an n-gram model: the keys that it reads."""

from pydantic import Field

from keras_seq.training.language_recipe import RunningTextRecipe
from keras_seq.training.recipe_section import Section


class NgramSection(Section):
    """How far the model looks back; what it predicts is said by `language`, as for the neural models."""

    order: int = Field(default=5, ge=1, le=16, description="the longest n-grams: 5 = four symbols before the predicted")


class NgramRecipe(RunningTextRecipe):
    """The recipe of an n-gram model: counts, smoothed, the baseline of language models."""

    ngram: NgramSection = NgramSection()
