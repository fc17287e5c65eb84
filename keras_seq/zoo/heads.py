"""Heads: what makes the outputs of a model of the steps that an encoder gives, and how these are pooled before."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from typing import ClassVar

import keras

from keras_seq.core.checks import check_boolean, check_choice, check_positive_integer
from keras_seq.layers import CRF, AttentionPooling, LastStep, MaxPooling, MeanLayer, TokenSoftmax, UnitLength
from keras_seq.zoo.encoders import Encoder, check_needs, sizes_of

POOLINGS = ("mean", "sqrt", "max", "attention", "last")


def pooling_layer(pooling: str, encoder: Encoder) -> keras.layers.Layer:
    """The layer that makes one vector of the steps of an encoder; `"last"` takes the end of each direction.

    Raises:
        ValueError: if there is no such pooling, or the encoder has no last step that depends on all of them.
    """
    check_choice("pooling", pooling, POOLINGS)
    if pooling in ("mean", "sqrt"):
        return MeanLayer(scale=pooling, name="pooling")
    if pooling == "last":
        check_needs(encoder, ("reads_all",), "`pooling` 'last'")
        return LastStep(both_ends=encoder.both_ends, name="pooling")
    return (MaxPooling if pooling == "max" else AttentionPooling)(name="pooling")


class Head:
    """Base of heads: a frozen dataclass of options. `needs` is what its encoder must be able to do."""

    needs: ClassVar[tuple[str, ...]] = ()

    def layers(self, rate: float) -> list[keras.layers.Layer]:
        """The layers in their order; the last one gives the outputs.

        Args:
            rate: of the dropout in the head, where it has one.
        """
        raise NotImplementedError


@dataclasses.dataclass(frozen=True)
class Tags(Head):
    """A tag of every step: log-probabilities, or the potentials of a conditional random field.

    Args:
        num_tags: number of tags, or their names in id order: then the CRF never decodes a move that the tag scheme
            forbids.
        crf: whether a CRF follows.
    """

    num_tags: int | Sequence[str]
    crf: bool = True

    def __post_init__(self) -> None:
        check_positive_integer("num_tags", self.count)
        check_boolean("crf", self.crf)

    @property
    def count(self) -> int:
        """The number of tags."""
        return self.num_tags if isinstance(self.num_tags, int) else len(self.num_tags)

    def layers(self, rate: float = 0.0) -> list[keras.layers.Layer]:
        scores = keras.layers.Dense(self.count, name="tag_scores")
        if not self.crf:
            return [scores, keras.layers.Activation("log_softmax", name="log_softmax", dtype="float32")]
        names = None if isinstance(self.num_tags, int) else list(self.num_tags)
        return [scores, CRF(self.count, tag_names=names, name="crf")]


@dataclasses.dataclass(frozen=True)
class Number(Head):
    """Numbers of any size of a whole text: scores to be predicted, or the logits themselves.

    The layer before the last two gives the vector of the text, the one before the last the logits.

    Args:
        num_classes: how many numbers.
        hidden_units: sizes of the dense ReLU layers before them; may be empty.
    """

    activation: ClassVar[str] = "linear"
    num_classes: int
    hidden_units: int | Sequence[int] = ()

    def __post_init__(self) -> None:
        check_positive_integer("num_classes", self.num_classes)
        object.__setattr__(self, "hidden_units", sizes_of("hidden_units", self.hidden_units))

    def layers(self, rate: float) -> list[keras.layers.Layer]:
        hidden = [
            keras.layers.Dense(size, activation="relu", name=f"hidden_{index}")
            for index, size in enumerate(sizes_of("hidden_units", self.hidden_units))
        ]
        return [
            *hidden,
            keras.layers.Dropout(rate, name="drop_hidden"),
            keras.layers.Activation("linear", name="text_vector"),
            keras.layers.Dense(self.num_classes, name="class_scores", dtype="float32"),
            keras.layers.Activation(self.activation, name="probabilities", dtype="float32"),
        ]


class Sigmoids(Number):
    """Probabilities of the classes of a text that can have several; arguments as of `Number`."""

    activation = "sigmoid"


class Classes(Number):
    """Probabilities of the classes of a text that has one; arguments as of `Number`."""

    activation = "softmax"

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.num_classes == 1:
            raise ValueError(
                "`num_classes` must be at least 2 with `activation='softmax'`: of one class the probability is always "
                "1. Received: num_classes=1. Pass 2, or `activation='sigmoid'`."
            )


SCORES = {head.activation: head for head in (Classes, Sigmoids, Number)}


@dataclasses.dataclass(frozen=True)
class Vector(Head):
    """A vector of length 1 of a whole text.

    Args:
        projection_units: sizes of the dense layers before it, tanh but for the last, which is linear; may be empty.
    """

    projection_units: int | Sequence[int] = ()

    def layers(self, rate: float = 0.0) -> list[keras.layers.Layer]:
        sizes = sizes_of("projection_units", self.projection_units)
        projections = [
            keras.layers.Dense(size, activation="tanh" if index < len(sizes) - 1 else None, name=f"projection_{index}")
            for index, size in enumerate(sizes)
        ]
        return [*projections, UnitLength(dtype="float32", name="vector")]


@dataclasses.dataclass(frozen=True)
class Symbols(Head):
    """Log-probabilities of the token after each step.

    Args:
        vocabulary_size: number of ids, padding among them.
        cutoffs: first ids of clusters of rarer tokens: see `keras_seq.layers.TokenSoftmax`.
        projection_units: size of a dense layer before it; 0 = none.
    """

    needs = ("causal",)
    vocabulary_size: int
    cutoffs: Sequence[int] = ()
    projection_units: int = 0

    def layers(self, rate: float) -> list[keras.layers.Layer]:
        dropout = keras.layers.SpatialDropout1D(rate, name="output_dropout")
        softmax = TokenSoftmax(self.vocabulary_size, cutoffs=self.cutoffs, name="log_probs")
        if not self.projection_units:
            return [dropout, softmax]
        return [dropout, keras.layers.Dense(self.projection_units, name="projection"), softmax]
