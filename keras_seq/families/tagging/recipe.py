"""The recipe of a tagger: the keys that it reads."""

from typing import Annotated, Any, Literal

from pydantic import Field, ValidationInfo, field_validator

from keras_seq.training.fit_recipe import FitSection, ModelSection
from keras_seq.training.recipe_section import File
from keras_seq.training.text_recipe import TokenDataSection, TokenRecipe

TaggedColumns = (
    Annotated[tuple[Literal["token", "tag", "ignored"], ...], Field(strict=False)]
    | dict[Literal["token", "tag"], int | str]
)


class TaggerDataSection(TokenDataSection):
    """Which CoNLL files, and how their tokens and tags become ids."""

    validation: File = Field(description="the file by which the best weights are chosen")
    columns: TaggedColumns | None = Field(
        default=None,
        description="of the files, in their order; or of each its number, such as {token = 2, tag = 3}; "
        "none = as the files tell",
    )
    scheme: Literal["BIO", "BIOES"] = Field(default="BIOES", description="of the tags that the model gives")
    replace_mentions: float = Field(
        default=0.0, ge=0, lt=1, description="share of entities exchanged for others of their type, anew in each epoch"
    )
    max_length: int = Field(default=10_000, ge=1, description="a sentence of more words is an error")

    @field_validator("columns", mode="before")
    @classmethod
    def _of_conll(cls, columns: Any, info: ValidationInfo) -> Any:
        """Runs of version 0.1.0 keep the columns of labelled text, which nobody read."""
        return None if (info.context or {}).get("stored") and columns == ["label", "text"] else columns


class TaggerModelSection(ModelSection):
    """Which builder of the zoo, its keyword arguments, and what its word vectors begin with."""

    word_vectors: Literal["random", "cooccurrence"] = Field(
        default="random",
        description="what word vectors begin with: `cooccurrence` counts neighbours in the training text",
    )


class TaggerFitSection(FitSection):
    """How long to train, for what, and which score decides what is kept."""

    miss_cost: float = Field(
        default=0.0, ge=0, description="of a model with a CRF: what a missed entity token costs, in nats"
    )


class TaggerRecipe(TokenRecipe):
    """The recipe of a tagger: the entities of a text, by a tag for each token."""

    data: TaggerDataSection
    model: TaggerModelSection
    fit: TaggerFitSection = TaggerFitSection()
