"""The parts of recipes that models of text have in common: tokens, subwords, labelled texts."""

from typing import Annotated, Any, Literal, NamedTuple

from pydantic import Field

from keras_seq.training.fit_recipe import BatchingSection
from keras_seq.training.pretraining_recipe import PretrainingSection
from keras_seq.training.recipe import DataSection, HeldOutDataSection, KerasRecipe
from keras_seq.training.recipe_section import OptionalFile, Section
from keras_seq.zoo.features import reads_subwords

Column = Literal["label", "text", "fold", "ignored"]
LabelledColumns = Annotated[tuple[Column, ...], Field(strict=False)] | dict[Literal["label", "text", "fold"], int | str]
"""The roles of columns in their order, or for each role the number or the name of its column."""


class TokenDataSection(DataSection):
    """Which data, and how its tokens become ids."""

    tokenizer: str = Field(
        default="words",
        min_length=1,
        description="what splits texts: words, characters, pieces, or another by its name",
    )
    min_count: int = Field(default=1, ge=1, description="rarer words are unknown")
    min_character_count: int = Field(default=1, ge=1, description="rarer characters are unknown")
    max_characters: int = Field(default=20, ge=1, description="of a longer word the rest is not read")


class TextDataSection(HeldOutDataSection, TokenDataSection):
    """Which texts, and how their tokens become ids."""

    max_tokens: int = Field(default=1000, ge=1, description="of a longer text the rest is not read; words, or pieces")


class LabelledDataSection(TextDataSection):
    """Which labelled texts, and how their tokens become ids."""

    columns: LabelledColumns = Field(
        default=("label", "text"),
        description="of labelled text, in their order; or of each its number or name, such as {text = 3, label = 1}",
    )


class SubwordSection(Section):
    """Which character n-grams of a token become ids, where the model reads subwords."""

    num_buckets: int = Field(default=50_000, ge=1, description="ids that the n-grams are hashed to")
    min_length: int = Field(default=3, ge=1, description="characters of the shortest n-grams")
    max_length: int = Field(default=5, ge=1, description="characters of the longest n-grams")


class TokenizerSection(Section):
    """What the tokenizer is made of: by default it is trained on the words of the training texts."""

    file: OptionalFile = Field(default=None, description="what it is read from, such as a file of pieces")
    arguments: dict[str, Any] = Field(
        default_factory=dict, description='its options; of pieces such as { rule = "unigram", vocabulary_size = 8000 }'
    )


class Splitting(NamedTuple):
    """How texts become tokens: the name of a tokenizer, the file that it is read from, and its options."""

    name: str
    file: str | None
    arguments: dict[str, Any]


class TokenRecipe(KerasRecipe):
    """A recipe of a model that reads tokens: words, their characters and n-grams."""

    data: TokenDataSection
    tokenizer: TokenizerSection = TokenizerSection()
    subwords: SubwordSection = SubwordSection()
    batching: BatchingSection = BatchingSection()

    @property
    def splitting(self) -> Splitting:
        """How texts become tokens."""
        return Splitting(self.data.tokenizer, self.tokenizer.file, self.tokenizer.arguments)

    @property
    def hashed(self) -> SubwordSection | None:
        """Which n-grams of tokens the model reads; `None` where it reads none."""
        return self.subwords if reads_subwords(self.model.arguments) else None


class LabelledTextRecipe(TokenRecipe):
    """A recipe of a model of texts with labels or scores, whose word vectors may be trained before it."""

    data: TextDataSection
    pretraining: PretrainingSection = PretrainingSection()

    def data_remarks(self) -> list[str]:
        """As of `Recipe`; and the texts for word vectors."""
        files = ", ".join(self.pretraining.files)
        return super().data_remarks() + ([f"texts for word vectors: {files}"] if files else [])
