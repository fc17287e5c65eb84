"""The recipe of a music model: the keys that it reads."""

from typing import Self

from pydantic import Field, model_validator

from keras_seq.training.fit_recipe import BatchingSection
from keras_seq.training.recipe import HeldOutDataSection, KerasRecipe
from keras_seq.training.recipe_section import Section


class MusicSection(Section):
    """How pieces are read and varied, and how what is generated is written."""

    steps_per_beat: int = Field(default=1, ge=1, le=64, description="of MIDI files, read and written")
    beats_per_minute: float = Field(default=90.0, ge=4, le=1000, description="of MIDI files that are written")
    window: int = Field(default=0, ge=0, description="steps that are trained on at once, of a longer piece; 0 = all")
    transposed: float = Field(
        default=0.0, ge=0, le=1, description="share of pieces that are moved up or down, anew in each epoch"
    )
    lowest_shift: int = Field(default=-5, ge=-87, le=0, description="semitones by which a piece is moved at least")
    highest_shift: int = Field(default=6, ge=0, le=87, description="semitones by which a piece is moved at most")
    sample_length: int = Field(default=64, ge=1, description="steps of the samples that TensorBoard shows")
    sample_temperature: float = Field(default=1.0, gt=0, description="of these samples; below 1 likelier notes")

    @model_validator(mode="after")
    def _some_shift(self) -> Self:
        if self.transposed and self.lowest_shift == self.highest_shift == 0:
            raise ValueError("`lowest_shift` and `highest_shift` must not both be 0 where pieces are transposed")
        return self


class MusicDataSection(HeldOutDataSection):
    """Which pieces."""

    held_out: float = Field(
        default=0.1, gt=0, lt=1, description="share of the training pieces that validates where no file does"
    )
    strict: bool = Field(
        default=False, description="a broken file of a folder stops the training; else it is told and passed over"
    )


class MusicModelRecipe(KerasRecipe):
    """The recipe of a music model: which notes sound in the next step of a piece."""

    data: MusicDataSection
    music: MusicSection = MusicSection()
    batching: BatchingSection = BatchingSection()
