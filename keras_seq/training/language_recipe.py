"""The section of a recipe that is particular to language models."""

from typing import Literal

from pydantic import Field

from keras_seq.training.recipe_section import Section


class LanguageRecipe(Section):
    """What the model predicts, and how a text is read."""

    unit: Literal["character", "word"] = Field(
        default="character", description="word: what stands between spaces, as the text is split already"
    )
    layout: Literal["stream", "lines"] = Field(
        default="stream", description="lines: each line is a text of its own, between begin and end mark"
    )
    max_symbols: int | None = Field(default=None, ge=1, description="the most characters or words to know")
    window: int = Field(default=70, ge=1, description="steps of truncated back-propagation through time, in a stream")
    sample_length: int = Field(default=200, ge=1, description="symbols of the samples that TensorBoard shows")
    sample_temperature: float = Field(default=0.8, gt=0)
