"""The sections of a recipe that say how a Keras model is fitted: batches, optimizer, length of training."""

from typing import Any, Literal, Self

from pydantic import Field, field_validator, model_validator

from keras_seq.training.recipe_section import Section


class ModelSection(Section):
    """Which builder of the zoo, and its keyword arguments."""

    builder: str = Field(min_length=1, description="a builder of the zoo; `keras-seq list` shows them")
    arguments: dict[str, Any] = Field(
        default_factory=dict, description="keyword arguments of the builder, but for those that follow from the data"
    )


class RowsSection(Section):
    """How many examples make a batch."""

    batch_size: int = Field(default=32, ge=1, description="rows of a batch at most")


class BatchingSection(RowsSection):
    """How examples become batches: those of like length together."""

    tokens_per_batch: int = Field(default=0, ge=0, description="padded tokens of a batch at most; 0 = any number")
    bucket_boundaries: tuple[int, ...] = Field(
        default=(), strict=False, description="lengths that batches are padded to; none = chosen from the data"
    )

    @field_validator("bucket_boundaries")
    @classmethod
    def _increasing(cls, boundaries: tuple[int, ...]) -> tuple[int, ...]:
        if any(boundary < 1 for boundary in boundaries) or list(boundaries) != sorted(set(boundaries)):
            raise ValueError("must be lengths of at least 1, each larger than the one before")
        return boundaries


class OptimizerSection(Section):
    """The optimizer, its schedule, clipping by the global norm, and the averaging of weights."""

    name: Literal["adam", "adamw", "nadam", "sgd"] = Field(default="adam", description="the rule of the step")
    learning_rate: float = Field(default=1e-3, gt=0, description="the largest of the schedule")
    weight_decay: float = Field(default=0.0, ge=0, description="not of biases and normalization scales")
    betas: tuple[float, float] = Field(
        default=(0.9, 0.999), strict=False, description="decay rates of the two moments; not of sgd"
    )
    momentum: float = Field(default=0.9, ge=0, lt=1, description="of sgd only")
    clip_norm: float = Field(default=5.0, ge=0, description="largest global norm of the gradient; 0 = no clipping")
    schedule: Literal["constant", "cosine", "linear", "inverse_sqrt"] = Field(
        default="constant", description="how the learning rate changes after the warm-up"
    )
    warmup_steps: int = Field(default=0, ge=0, description="steps in which the learning rate rises from 0")
    warmup_fraction: float = Field(default=0.0, ge=0, lt=1, description="the same, as a share of all steps")
    final_fraction: float = Field(default=0.0, ge=0, le=1, description="of the learning rate, reached at the last step")
    ema: float = Field(default=0.0, ge=0, lt=1, description="decay of the weight average; 0 = no averaging")

    @field_validator("betas")
    @classmethod
    def _rates(cls, betas: tuple[float, float]) -> tuple[float, float]:
        if any(not 0 <= beta < 1 for beta in betas):
            raise ValueError("must be two rates, each at least 0 and below 1")
        return betas

    @model_validator(mode="after")
    def _one_warmup(self) -> Self:
        if self.warmup_steps and self.warmup_fraction:
            raise ValueError("`warmup_steps` and `warmup_fraction` exclude each other: set one of them to 0")
        return self


class FitSection(Section):
    """How long to train, and which score decides what is kept."""

    epochs: int = Field(default=20, ge=1, description="passes over the training data at most")
    monitor: str = Field(
        default="", description="the score of the validation data that decides; empty = that of the task"
    )
    direction: Literal["max", "min"] | None = Field(
        default=None, description="whether more or less of that score is better; by default as it is known of it"
    )
    patience: int = Field(default=0, ge=0, description="evaluations without a better score that end it; 0 = never")
    evaluate_every: int = Field(default=1, ge=1, description="epochs from one evaluation to the next")
    jit_compile: bool | Literal["auto"] = Field(
        default=False,
        description="whole steps by XLA; recurrent loops are compiled either way, and on JAX everything is",
    )
    checkpoint_seconds: float = Field(default=60.0, gt=0, description="seconds from one checkpoint to the next")
    checkpoint_batches: int = Field(default=0, ge=0, description="the same, in batches; 0 = by the clock only")


class TensorBoardSection(Section):
    """What TensorBoard shows beside the curves."""

    gradient_norms: bool = Field(
        default=False, description="the norm of dL/dh_t at every step of the recurrent layers, after each epoch"
    )
