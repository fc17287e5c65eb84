"""The section of a recipe that is particular to n-gram models."""

from pydantic import Field

from keras_seq.training.recipe_section import Section


class NgramRecipe(Section):
    """How far an n-gram model looks back; what it predicts is said by `language`, as for the neural models."""

    order: int = Field(default=5, ge=1, le=16, description="the longest n-grams: 5 = four symbols before the predicted")
