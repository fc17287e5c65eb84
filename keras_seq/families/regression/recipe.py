"""The recipe of a regressor: the keys that it reads."""

from typing import Annotated, Literal

from pydantic import Field, field_validator

from keras_seq.training.recipe_section import Section
from keras_seq.training.text_recipe import LabelledTextRecipe, TextDataSection

ScoredColumns = (
    Annotated[tuple[Literal["score", "text", "ignored"], ...], Field(strict=False)]
    | dict[Literal["score", "text"], int | str]
)


class RegressionDataSection(TextDataSection):
    """Which texts with scores, and how their tokens become ids."""

    columns: ScoredColumns = Field(
        default=("score", "text"),
        description="of texts with scores, in order; or of each its number or name, such as {text = 3, score = 1}",
    )

    @field_validator("columns")
    @classmethod
    def _score_and_text(cls, columns: ScoredColumns) -> ScoredColumns:
        names = list(columns)
        if names.count("score") != 1 or names.count("text") != 1:
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
