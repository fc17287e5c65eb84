"""What the models of whole texts share: pooling, and the way from the inputs to scores.

Private to the room.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import keras

from keras_seq.core.checks import check_choice, check_positive_integer
from keras_seq.layers import AttentionPooling, LastStep, MaxPooling, MeanLayer
from keras_seq.zoo.encoders import Encoder, check_needs, connected, encoded
from keras_seq.zoo.heads import SCORES
from keras_seq.zoo.token_vectors import check_features, dropout_rates, token_vectors, word_layers
from keras_seq.zoo.wide_part import wide_layers, with_wide_scores

POOLINGS = ("mean", "sqrt", "max", "attention", "last")
DROPOUTS = ("tokens", "ngrams", "embeddings", "recurrent", "hidden", "branches")


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


def text_model(
    vocabulary_size: int,
    num_classes: int,
    encoder: Encoder,
    *,
    embedding_dim: int,
    features: Mapping[str, Any] | None,
    wide: Mapping[str, Any] | None,
    pooling: str = "mean",
    hidden_units: int | Sequence[int],
    dropout: float | Mapping[str, float],
    activation: str,
    name: str,
) -> keras.Model:
    """The model that reads a text by an encoder, pools its steps and gives scores of classes, or other numbers.

    The arguments are those of `keras_seq.zoo.text_classifier_model`.
    """
    # --- Layers
    check_positive_integer("vocabulary_size", vocabulary_size)
    check_positive_integer("embedding_dim", embedding_dim)
    check_choice("activation", activation, tuple(SCORES))
    head = SCORES[activation](num_classes, hidden_units)
    # One rate is for vectors and states: tokens and n-grams stay.
    rates = dropout_rates(dropout, DROPOUTS, ("embeddings", "recurrent", "hidden"))
    features = check_features(features, embedding_dim)
    words = word_layers(vocabulary_size, embedding_dim, rates["tokens"])
    connect = encoder.prepare(rates)
    pool = pooling_layer(pooling, encoder)
    *scores, answer = head.layers(rates["hidden"])
    wide_part = wide_layers(wide, vocabulary_size, num_classes)

    # --- Functional graph
    inputs, x = token_vectors(words, features, rates)
    x = connected(scores, pool(encoded(connect, x)))
    x = with_wide_scores(x, wide_part, inputs, rates["branches"])

    # --- Model
    return keras.Model(inputs, answer(x), name=name)
