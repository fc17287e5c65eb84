"""What models of whole texts share around their middle: arguments, recurrent layers, pooling, way to probabilities.

Private to the room. Every classifier has layers named `pooling`, `text_vector`, `class_scores` and `probabilities`, so
that exports find them.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import keras

from keras_seq.core.checks import check_boolean, check_choice, check_positive_integer
from keras_seq.layers import (
    GRU,
    LSTM,
    AttentionPooling,
    Bidirectional,
    LastStep,
    MaxPooling,
    MeanLayer,
    SimpleRNN,
)
from keras_seq.zoo.token_vectors import check_keys, dropout_rates

CELLS = {"simple_rnn": SimpleRNN, "gru": GRU, "lstm": LSTM}
POOLINGS = ("mean", "sqrt", "max", "attention", "last")
DROPOUTS = ("tokens", "ngrams", "embeddings", "recurrent", "hidden", "branches")


def classifier_dropout(dropout: float | Mapping[str, float]) -> dict[str, float]:
    """The rate of every place; one rate is for vectors and states: tokens and n-grams stay."""
    return dropout_rates(dropout, DROPOUTS, ("embeddings", "recurrent", "hidden"))


def sizes_of(name: str, units: int | Sequence[int]) -> list[int]:
    """One size or several as a list of positive integers."""
    sizes = list(units) if isinstance(units, Sequence) and not isinstance(units, str) else [units]
    for size in sizes:
        check_positive_integer(name, size)
    return sizes


def check_sizes(vocabulary_size: int, num_classes: int, embedding_dim: int) -> None:
    """Raise unless all are positive integers."""
    check_positive_integer("vocabulary_size", vocabulary_size)
    check_positive_integer("num_classes", num_classes)
    check_positive_integer("embedding_dim", embedding_dim)


def pooling_layer(pooling: str, *, both_ends: bool = False) -> keras.layers.Layer:
    """The layer named `pooling`; `both_ends`: `"last"` takes the end of each direction."""
    check_choice("pooling", pooling, POOLINGS)
    if pooling in ("mean", "sqrt"):
        return MeanLayer(scale=pooling, name="pooling")
    if pooling == "last":
        return LastStep(both_ends=both_ends, name="pooling")
    return (MaxPooling if pooling == "max" else AttentionPooling)(name="pooling")


def recurrent_layers(recurrent: Mapping[str, Any] | None) -> tuple[list[keras.layers.Layer], bool]:
    """The stack, and whether its last layer puts out a state of each direction."""
    options = {"cell": "lstm", "units": [128], "bidirectional": True, **(recurrent or {})}
    check_keys("recurrent", options, ("cell", "units", "bidirectional"))
    check_choice("recurrent.cell", options["cell"], tuple(CELLS))
    check_boolean("recurrent.bidirectional", options["bidirectional"])
    layers = []
    for index, size in enumerate(sizes_of("recurrent.units", options["units"])):
        layer = CELLS[options["cell"]](size, return_sequences=True, name=f"{options['cell']}_{index}")
        layers.append(Bidirectional(layer, name=f"bidirectional_{index}") if options["bidirectional"] else layer)
    return layers, bool(layers) and options["bidirectional"]


def head_layers(
    num_classes: int, hidden_units: int | Sequence[int], rate: float, activation: str
) -> list[keras.layers.Layer]:
    """The layers from the pooled vector to probabilities, in their order."""
    check_choice("activation", activation, ("softmax", "sigmoid", "linear"))
    if activation == "softmax" and num_classes == 1:
        raise ValueError(
            "`num_classes` must be at least 2 with `activation='softmax'`: of one class the probability is always 1. "
            "Received: num_classes=1. Pass 2, or `activation='sigmoid'`."
        )
    hidden = [
        keras.layers.Dense(size, activation="relu", name=f"hidden_{index}")
        for index, size in enumerate(sizes_of("hidden_units", hidden_units))
    ]
    return [
        *hidden,
        keras.layers.Dropout(rate, name="drop_hidden"),
        keras.layers.Activation("linear", name="text_vector"),
        keras.layers.Dense(num_classes, name="class_scores", dtype="float32"),
        keras.layers.Activation(activation, name="probabilities", dtype="float32"),
    ]
