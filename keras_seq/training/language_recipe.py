"""The section of a recipe that is particular to language models."""

from typing import Literal, Self

from pydantic import Field, model_validator

from keras_seq.training.recipe_section import Section


class LanguageRecipe(Section):
    """What the model predicts, and how a text is read."""

    unit: Literal["character", "word"] = Field(
        default="character", description="word: what stands between spaces, as the text is split already"
    )
    layout: Literal["stream", "lines"] = Field(
        default="stream", description="lines: each line is a text of its own, between begin and end mark"
    )
    column: str | None = Field(
        default=None, min_length=1, description="with lines: the column of a table whose cells are the texts"
    )
    letter_case: Literal["unchanged", "lower", "title"] = Field(default="unchanged", description="with lines")
    max_symbols: int | None = Field(default=None, ge=1, description="the most characters or words to know")
    window: int = Field(default=70, ge=1, description="steps of truncated back-propagation through time, in a stream")
    restart: float = Field(
        default=0.01, ge=0, lt=1, description="share of the rows of a window whose state begins anew, in a stream"
    )
    sample_length: int = Field(default=200, ge=1, description="symbols of the samples that TensorBoard shows")
    sample_temperature: float = Field(default=0.8, gt=0)

    @model_validator(mode="after")
    def _of_lines(self) -> Self:
        if self.layout == "stream" and (self.column is not None or self.letter_case != "unchanged"):
            raise ValueError('`column` and `letter_case` are for layout = "lines"; take them out, or set it')
        return self
