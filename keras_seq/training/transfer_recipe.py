"""The section of a recipe that says which other labelled texts the prior of a wide part is trained on."""

from __future__ import annotations

from typing import Literal

from pydantic import Field, field_validator

from keras_seq.training.recipe_section import Section


class TransferRecipe(Section):
    """Labelled texts of another data set, with the same labels, that train the tables `prior_*` before the model."""

    file: str | None = Field(
        default=None, min_length=1, description="a path, or `name/file` of a registered data set; none = no prior"
    )
    columns: tuple[Literal["label", "text", "fold", "ignored"], ...] = Field(
        default=("label", "text"), strict=False, description="of this file, parted by tabs"
    )
    separator: str = Field(default="", description="what stands between the sentences of a text; none = it is one")
    segment_tokens: int = Field(
        default=40, ge=1, description="sentences are joined up to this length, each piece with the label of its text"
    )
    l2: float = Field(
        default=2.0, gt=0, description="weight of the squared table beside the sum of the loss over the pieces"
    )
    strength: float = Field(
        default=0.25, gt=0, description="standard deviation of the prior's scores over the training texts"
    )

    @field_validator("columns")
    @classmethod
    def _with_label_and_text(cls, columns: tuple[str, ...]) -> tuple[str, ...]:
        if columns.count("text") != 1 or columns.count("label") != 1:
            raise ValueError('must hold "label" and "text", each once')
        return columns
