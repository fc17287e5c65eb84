"""The recipe of a classifier: the keys that it reads."""

from typing import Literal

from pydantic import Field, field_validator

from keras_seq.training.recipe_section import OptionalFile, Section
from keras_seq.training.text_recipe import Column, LabelledDataSection, LabelledTextRecipe


class ClassifierDataSection(LabelledDataSection):
    """Which labelled texts, and how their tokens become ids."""

    normalize_labels: bool = Field(
        default=False,
        description="labels that differ only by case, quotes, signs that cannot be seen, the form of Unicode, or as 1 "
        "and 1.0 do, are one",
    )
    label_separator: str | None = Field(
        default=None, min_length=1, description="between the labels of a text that may have several"
    )
    fold: int | None = Field(
        default=None, ge=0, description="the rows of the training file that have this fold are the test data"
    )
    out_of_scope_validation: OptionalFile = Field(
        default=None, description="texts of none of the classes, beside `validation`; scored, not learned from"
    )
    out_of_scope_test: OptionalFile = Field(default=None, description="the same, beside `test`")


class TransferSection(Section):
    """Labelled texts of another data set, with the same labels, that train the tables `prior_*` before the model."""

    file: OptionalFile = Field(
        default=None, description="a path, or `name/file` of a registered data set; none = no prior"
    )
    columns: tuple[Column, ...] = Field(
        default=("label", "text"), strict=False, description="of this file, parted by tabs"
    )
    separator: str = Field(
        default="", description="what stands between the sentences of a text; none = it is one sentence"
    )
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


class ClassificationSection(Section):
    """The loss, the calibration, and what is rejected."""

    class_weights: Literal["none", "balanced"] = Field(
        default="none", description="balanced: rare classes count for more in the loss"
    )
    label_smoothing: float = Field(
        default=0.0, ge=0, lt=1, description="share of each target that goes to all classes alike"
    )
    calibrate: bool = Field(default=True, description="fit a temperature on the validation data")
    keep_in_scope: float = Field(
        default=0.0,
        ge=0,
        lt=1,
        description="share of the validation texts that the rejection threshold keeps; 0 = nothing is rejected",
    )
    out_of_scope_label: str = Field(default="out_of_scope", min_length=1, description="of a text that is rejected")


class ClassifierRecipe(LabelledTextRecipe):
    """The recipe of a classifier: one label of a text, or several."""

    data: ClassifierDataSection
    transfer: TransferSection = TransferSection()
    classification: ClassificationSection = ClassificationSection()

    def data_remarks(self) -> list[str]:
        """As of `Recipe`; the fold that tests, and the texts for word vectors and for the prior."""
        fold, prior = self.data.fold, self.transfer.file
        return [
            *([f"test: its fold {fold}"] if fold is not None else []),
            *super().data_remarks(),
            *([f"labelled texts for the prior: {prior}"] if prior is not None else []),
        ]
