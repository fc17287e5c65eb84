"""The recipe of a regressor: the keys that it reads."""

from typing import Literal

from pydantic import Field, field_validator

from keras_seq.training.recipe_section import Section
from keras_seq.training.text_recipe import LabelledTextRecipe, TextDataSection


class RegressionDataSection(TextDataSection):
    """Which texts with scores, and how their tokens become ids."""

    columns: tuple[Literal["score", "text", "ignored"], ...] = Field(
        default=("score", "text"), strict=False, description="of texts with scores, parted by tabs"
    )

    @field_validator("columns")
    @classmethod
    def _score_and_text(cls, columns: tuple[str, ...]) -> tuple[str, ...]:
        if columns.count("score") != 1 or columns.count("text") != 1:
            raise ValueError('must hold "score" and "text", each once')
        return columns


class RegressionSection(Section):
    """The loss, and how sure the interval is."""

    loss: Literal["squared", "huber"] = Field(
        default="squared",
        description="of scores divided by their standard deviation; huber: beyond one of these it grows linearly, "
        "so that odd scores count for less",
    )
    interval: float = Field(
        default=0.9,
        gt=0,
        lt=1,
        description="share of new texts whose score the interval is to hold; by validation texts",
    )


class RegressionRecipe(LabelledTextRecipe):
    """The recipe of a regressor: a number for a text."""

    data: RegressionDataSection
    regression: RegressionSection = RegressionSection()
