"""The section of a recipe that says what vectors of pairs are trained to."""

from typing import Literal

from pydantic import Field

from keras_seq.training.recipe_section import Section

# Objectives that compare the two inputs of a pair alone; the others find negatives among the pairs of a batch.
POINTWISE = ("similarity", "logistic", "contrastive")
# In cosines; other margins are Euclidean distances, of which unit vectors have at most 2.
COSINE_MARGIN = 0.25
DISTANCE_MARGINS = {"contrastive": 1.0, "batch_hard": 0.5, "semi_hard": 0.5, "batch_all": 0.5}
BatchObjective = Literal[
    "triplet", "random_triplet", "batch_hard", "semi_hard", "batch_all", "multi_similarity", "info_nce"
]
Objective = Literal["similarity", "logistic", "contrastive", BatchObjective]


class ObjectiveSection(Section):
    """What the model learns from pairs, and what its threshold is chosen for."""

    objective: Objective = Field(description="what is made small")
    margin: float | None = Field(
        default=None,
        gt=0,
        description="of triplets, and of `contrastive`; by default 0.25 for `triplet` and `random_triplet`, "
        "in cosines, and in Euclidean distance 1 for `contrastive`, 0.5 for the others",
    )
    temperature: float = Field(default=0.05, gt=0, description="of `info_nce`")
    threshold_for: Literal["f1", "accuracy"] = Field(
        default="f1", description="the score that the threshold makes largest on the validation pairs"
    )

    @property
    def margin_of_objective(self) -> float:
        """`margin`, or the default of the objective."""
        return DISTANCE_MARGINS.get(self.objective, COSINE_MARGIN) if self.margin is None else self.margin


class PointwiseObjectiveSection(ObjectiveSection):
    """As `ObjectiveSection`, where pairs that are not the same are known."""

    objective: Objective = Field(default="logistic", description="what is made small")
    scale: float = Field(default=10.0, gt=0, description="of `logistic`: what the cosine is multiplied with")
    shift: float = Field(default=0.5, ge=-1, le=1, description="of `logistic`: the cosine at which it is undecided")
