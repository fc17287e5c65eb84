"""The section of a recipe that is particular to music."""

from typing import Self

from pydantic import Field, model_validator

from keras_seq.training.recipe_section import Section


class MusicRecipe(Section):
    """How pieces are read and varied, and how what is generated is written."""

    steps_per_beat: int = Field(default=1, ge=1, le=64, description="of MIDI files, read and written")
    beats_per_minute: float = Field(default=90.0, ge=4, le=1000, description="of MIDI files that are written")
    window: int = Field(default=0, ge=0, description="steps that are trained on at once, of a longer piece; 0 = all")
    transposed: float = Field(
        default=0.0, ge=0, le=1, description="share of pieces that are moved up or down, anew in each epoch"
    )
    lowest_shift: int = Field(default=-5, ge=-87, le=0, description="semitones by which a piece is moved")
    highest_shift: int = Field(default=6, ge=0, le=87)
    sample_length: int = Field(default=64, ge=1, description="steps of the samples that TensorBoard shows")
    sample_temperature: float = Field(default=1.0, gt=0)

    @model_validator(mode="after")
    def _some_shift(self) -> Self:
        if self.transposed and self.lowest_shift == self.highest_shift == 0:
            raise ValueError("`lowest_shift` and `highest_shift` must not both be 0 where pieces are transposed")
        return self
