"""The section of a recipe that says what word vectors begin with."""

from typing import Literal, Self

from pydantic import Field, field_validator, model_validator

from keras_seq.training.recipe_section import Files, OptionalFile, Section


class PretrainingSection(Section):
    """What word vectors begin with: trained on the training texts, and on any other texts."""

    method: Literal["none", "skip_gram", "cbow", "cooccurrence", "tfidf"] = Field(
        default="none",
        description="skip_gram and cbow sample negatives; cooccurrence counts neighbours (words only); tfidf draws "
        "vectors by chance, longer for rare words",
    )
    vectors: OptionalFile = Field(default=None, description="a file of vectors in the text format of word2vec or GloVe")
    files: Files = Field(default=(), description="further texts: paths, or `name/file` of registered data sets")
    columns: tuple[Literal["label", "text", "fold", "ignored"], ...] = Field(
        default=(), strict=False, description="of these files, parted by tabs; none = each line is a text"
    )
    training_texts: bool = Field(default=True, description="whether the texts of the training data take part")
    min_count: int = Field(default=5, ge=1, description="a word that the encoder does not know takes part if so often")
    extend_vocabulary: bool = Field(
        default=False, description="whether the model knows the frequent words of the files too, not of its data alone"
    )
    window: int = Field(default=5, ge=1, description="the farthest neighbour that counts")
    negatives: int = Field(default=5, ge=1, description="sampled for each neighbour")
    epochs: int = Field(default=5, ge=1, description="passes over the texts")
    learning_rate: float = Field(
        default=0.2, gt=0, description="size of the first step of a vector; later ones are smaller"
    )
    subword_scale: float = Field(default=1.0, gt=0, description="of tfidf: how much n-grams count against words")
    subsample: float = Field(default=1e-3, ge=0, description="words more frequent than this are thinned; 0 = none")

    @field_validator("columns")
    @classmethod
    def _with_text(cls, columns: tuple[str, ...]) -> tuple[str, ...]:
        if columns and columns.count("text") != 1:
            raise ValueError('must hold "text" once, or nothing')
        return columns

    @model_validator(mode="after")
    def _one_source(self) -> Self:
        if self.vectors is not None and self.method != "none":
            raise ValueError("`vectors` and `method` exclude each other: take one of them out")
        return self
