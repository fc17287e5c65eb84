"""A transformer that reads a text, and the class of the whole."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import keras

from keras_seq.zoo.classifier_parts import text_model
from keras_seq.zoo.encoders import Encoder, make_encoder
from keras_seq.zoo.registry import register_builder


@register_builder(
    task="classifier",
    example={
        "vocabulary_size": 50,
        "num_classes": 4,
        "embedding_dim": 8,
        "features": {"subwords": {"num_buckets": 30, "combine": "sqrt"}},
        "transformer": {"num_blocks": 1, "num_heads": 2, "feed_forward_units": 12},
        "activation": "sigmoid",
    },
)
def transformer_classifier_model(
    vocabulary_size: int,
    num_classes: int,
    *,
    embedding_dim: int = 128,
    features: Mapping[str, Any] | None = None,
    wide: Mapping[str, Any] | None = None,
    transformer: Mapping[str, Any] | None = None,
    encoder: Encoder | Mapping[str, Any] | None = None,
    pooling: str = "mean",
    hidden_units: int | Sequence[int] = (),
    dropout: float | Mapping[str, float] = 0.1,
    activation: str = "softmax",
    name: str = "transformer_classifier_model",
) -> keras.Model:
    """Classify a text that a small transformer has read: Embedding, positions, blocks of self-attention, pooling.

    It begins from nothing but word vectors: on small data it needs more examples than a recurrent layer does.

    Masking: `token_ids` 0 is padding, on either side or inside; it never changes the output. A text of padding alone
    gives finite numbers. Train with `keras_seq.losses.ClassCrossEntropy`.

    Args:
        vocabulary_size: number of token ids, padding (0) and unknown (1) included.
        num_classes: number of classes.
        embedding_dim: size of the word vectors.
        features: what is read: see `keras_seq.zoo.sentiment_model`.
        wide: scores of classes straight from words, pairs and n-grams: see `keras_seq.zoo.sentiment_model`.
        transformer: a mapping, every key optional: `num_blocks` (2); `units`, the size of a step, to which a dense
            layer brings the token vectors (`embedding_dim`); `num_heads` (4), a divisor of `units`;
            `feed_forward_units` (four times `units`).
        encoder, pooling, hidden_units, dropout, activation: see `keras_seq.zoo.text_classifier_model`; `dropout` of the
            place `recurrent` is that in the blocks.
        name: name of the model.

    Returns:
        An uncompiled functional model, with the inputs and outputs of `text_classifier_model`.

    Raises:
        TypeError: if an argument has a wrong type.
        ValueError: if an argument is out of range or a key is unknown.

    Example:
        >>> from keras_seq.zoo import transformer_classifier_model
        >>> model = transformer_classifier_model(vocabulary_size=20_000, num_classes=6)
        >>> model.output_shape
        (None, 6)

    Reference:
        Vaswani et al., "Attention Is All You Need", NIPS 2017;
        Xiong et al., "On Layer Normalization in the Transformer Architecture", ICML 2020.
    """
    return text_model(
        vocabulary_size,
        num_classes,
        make_encoder(encoder, "transformer", transformer, units=embedding_dim),
        embedding_dim=embedding_dim,
        features=features,
        wide=wide,
        pooling=pooling,
        hidden_units=hidden_units,
        dropout=dropout,
        activation=activation,
        name=name,
    )
