"""The parts of recipes that models of running text have in common."""

from typing import Literal, Self

from pydantic import Field, model_validator

from keras_seq.training.recipe import HeldOutDataSection, Recipe
from keras_seq.training.recipe_section import Section

LANGUAGE_SCORES = ("perplexity", "nll", "nats_per_character", "bits_per_character")
"""What decides between language models; less is better."""


class LanguageDataSection(HeldOutDataSection):
    """Which texts, and which of their symbols are known."""

    held_out: float = Field(
        default=0.1, gt=0, lt=1, description="share of a stream, its end, that validates where no file does"
    )
    min_count: int = Field(default=1, ge=1, description="rarer words are unknown")
    min_character_count: int = Field(default=1, ge=1, description="rarer characters are unknown")


class LanguageTextSection(Section):
    """What is predicted, and how a text is read."""

    unit: Literal["character", "word"] = Field(
        default="character", description="word: what stands between spaces, as the text is split already"
    )
    layout: Literal["stream", "lines"] = Field(
        default="stream", description="lines: each line is a text of its own, between begin and end mark"
    )
    column: str | None = Field(
        default=None, min_length=1, description="with lines: the column of a table whose cells are the texts"
    )
    letter_case: Literal["unchanged", "lower", "title"] = Field(
        default="unchanged", description="with lines: what becomes of capitals"
    )
    max_symbols: int | None = Field(default=None, ge=1, description="the most characters or words to know")

    @model_validator(mode="after")
    def _of_lines(self) -> Self:
        if self.layout == "stream" and (self.column is not None or self.letter_case != "unchanged"):
            raise ValueError('`column` and `letter_case` are for layout = "lines"; take them out, or set it')
        return self


class RunningTextRecipe(Recipe):
    """A recipe of a model that predicts the next symbol of a text."""

    data: LanguageDataSection
    language: LanguageTextSection = LanguageTextSection()

    def data_remarks(self) -> list[str]:
        """As of `Recipe`."""
        if self.data.validation is not None:
            return []
        if self.language.layout == "lines":
            return ["of its texts 90% train, 5% validate and 5% test, by their hash"]
        return [f"validation: its last {self.data.held_out:.0%}"]
