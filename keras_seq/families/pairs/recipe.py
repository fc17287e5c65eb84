"""The recipe of a matcher of texts: the keys that it reads."""

from typing import Annotated, Literal, Self

from pydantic import Field, field_validator, model_validator

from keras_seq.training.objective_recipe import POINTWISE, PointwiseObjectiveSection
from keras_seq.training.text_recipe import LabelledColumns, LabelledDataSection, LabelledTextRecipe

PairColumns = (
    Annotated[tuple[Literal["label", "score", "a", "b", "ignored"], ...], Field(strict=False)]
    | dict[Literal["label", "score", "a", "b"], int | str]
)


class PairDataSection(LabelledDataSection):
    """Which pairs or labelled texts, and how their tokens become ids."""

    columns: LabelledColumns = Field(
        default=("label", "text"),
        description='of labelled text, where pairs.form = "classes", in order; or of each its number or name',
    )


class PairsSection(PointwiseObjectiveSection):
    """How pairs are read, and what the model learns from them."""

    form: Literal["tsv", "quora", "classes"] = Field(
        default="tsv",
        description="classes: labelled text, by `data.columns`; two texts of one label are a pair",
    )
    columns: PairColumns = Field(
        default=("label", "a", "b"),
        description="of pairs in a tsv, in order; or of each its number or name, such as {a = 3, b = 4, label = 1}",
    )
    score_range: tuple[float, float] = Field(
        default=(0.0, 1.0), strict=False, description="the least and the largest score of pairs that have one"
    )
    same_from: float = Field(
        default=0.8, gt=0, le=1, description="pairs of at least this score, as a share of the range, are duplicates"
    )
    validate_on: Literal["random", "end"] = Field(
        default="random",
        description="where the pairs stand that `data.held_out` holds out: anywhere, or at the end of the file, "
        "which is more like what is to come if the file is in the order of time",
    )

    @field_validator("columns")
    @classmethod
    def _both_texts(cls, columns: PairColumns) -> PairColumns:
        once = [name for name in columns if name != "ignored"]
        if not {"a", "b"} <= set(once) or len(set(once)) < len(once):
            raise ValueError('must hold "a" and "b", each column but "ignored" once')
        return columns

    @field_validator("score_range")
    @classmethod
    def _some_range(cls, bounds: tuple[float, float]) -> tuple[float, float]:
        if bounds[0] >= bounds[1]:
            raise ValueError("must be the least and the largest score")
        return bounds

    @model_validator(mode="after")
    def _objective_fits(self) -> Self:
        if self.form == "classes" and self.objective in POINTWISE:
            raise ValueError(
                f'`objective` {self.objective} needs pairs that are not the same; with form = "classes" choose triplet '
                "or another that finds negatives in the batch"
            )
        if self.form == "classes" and self.validate_on == "end":
            raise ValueError('`validate_on` = "end" is for pairs; with form = "classes" texts of all labels validate')
        if self.objective == "similarity" and (self.form == "quora" or "score" not in self.columns):
            raise ValueError("`objective` similarity needs scores; name the column, or choose logistic")
        return self


class PairMatcherRecipe(LabelledTextRecipe):
    """The recipe of a matcher: whether two texts mean the same, and which text is nearest."""

    data: PairDataSection
    pairs: PairsSection = PairsSection()

    def default_monitor(self) -> str:
        """The score that decides; it depends on what is known of the pairs."""
        if self.pairs.form == "classes":
            return "recall_at_1"
        return "pearson" if "score" in self.pairs.columns else "f1"

    def data_remarks(self) -> list[str]:
        """As of `Recipe`; pairs of texts are told as texts."""
        remarks = super().data_remarks()
        if self.data.validation is None:
            share = f"{self.data.held_out:.0%} of the training texts"
            remarks[0] = f"validation: {share}"
            if self.pairs.validate_on == "end":
                remarks[0] = f"validation: what is new in the last {share}"
        return remarks
