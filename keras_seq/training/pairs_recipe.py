"""The section of a recipe that is particular to pairs of texts."""

from typing import Literal, Self

from pydantic import Field, field_validator, model_validator

from keras_seq.training.recipe_section import Section

# Objectives that compare the two texts of a pair alone; the others find negatives among the pairs of a batch.
POINTWISE = ("similarity", "logistic", "contrastive")
# In cosines; other margins are Euclidean distances, of which unit vectors have at most 2.
COSINE_MARGIN = 0.25
DISTANCE_MARGINS = {"contrastive": 1.0, "batch_hard": 0.5, "semi_hard": 0.5, "batch_all": 0.5}
Objective = Literal[
    "similarity",
    "logistic",
    "contrastive",
    "triplet",
    "random_triplet",
    "batch_hard",
    "semi_hard",
    "batch_all",
    "multi_similarity",
    "info_nce",
]


class PairsRecipe(Section):
    """How pairs are read, and what the model learns from them."""

    form: Literal["tsv", "quora", "classes"] = Field(
        default="tsv",
        description="classes: labelled text, by `data.columns`; two texts of one label are a pair",
    )
    columns: tuple[Literal["label", "score", "a", "b", "ignored"], ...] = Field(
        default=("label", "a", "b"), strict=False, description="of pairs in a tsv, parted by tabs"
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
    objective: Objective = Field(default="logistic", description="what is made small")
    margin: float | None = Field(
        default=None,
        gt=0,
        description="of triplets, and of `contrastive`; by default 0.25 for `triplet` and `random_triplet`, "
        "in cosines, and in Euclidean distance 1 for `contrastive`, 0.5 for the others",
    )
    temperature: float = Field(default=0.05, gt=0, description="of `info_nce`")
    scale: float = Field(default=10.0, gt=0, description="of `logistic`: what the cosine is multiplied with")
    shift: float = Field(default=0.5, ge=-1, le=1, description="of `logistic`: the cosine at which it is undecided")
    threshold_for: Literal["f1", "accuracy"] = Field(
        default="f1", description="the score that the threshold makes largest on the validation pairs"
    )

    @property
    def margin_of_objective(self) -> float:
        """`margin`, or the default of the objective."""
        return DISTANCE_MARGINS.get(self.objective, COSINE_MARGIN) if self.margin is None else self.margin

    @field_validator("columns")
    @classmethod
    def _both_texts(cls, columns: tuple[str, ...]) -> tuple[str, ...]:
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
