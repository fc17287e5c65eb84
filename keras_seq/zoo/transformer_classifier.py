"""A transformer that reads a text, and the class of the whole."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import keras

from keras_seq.core.checks import check_positive_integer
from keras_seq.layers import PositionEncoding, TransformerBlock
from keras_seq.zoo.classifier_parts import check_sizes, classifier_dropout, head_layers, pooling_layer
from keras_seq.zoo.registry import register_builder
from keras_seq.zoo.token_vectors import check_features, check_keys, token_vectors, word_layers
from keras_seq.zoo.wide_part import wide_layers, with_wide_scores

TRANSFORMER_OPTIONS = ("num_blocks", "units", "num_heads", "feed_forward_units")


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
        pooling: how the steps become one vector: their `"mean"`; `"sqrt"`, the sum divided by the square root of their
            number; `"max"`, feature by feature; `"attention"`, a mean with learned weights; `"last"`, the last of them.
        hidden_units: sizes of the dense ReLU layers between the pooled vector and the output; may be empty.
        dropout: one rate for vectors and blocks, or rates by place: `tokens` (replaced by unknown), `ngrams` (whole
            subwords and bigrams), `embeddings` (of the token vectors), `recurrent` (here: in the blocks), `hidden`
            (before the output), `branches` (network, wide part, prior: each is left out of a text by itself); places
            not named have rate 0.
        activation: `"softmax"`; `"sigmoid"` where a text can have several classes; `"linear"` for numbers of any size,
            such as the logits themselves, or a score to be predicted.
        name: name of the model.

    Returns:
        An uncompiled functional model. Inputs, a dict, int32: `token_ids` `(batch, steps)` where words or bigrams are
        read, and as chosen `subword_ids` `(batch, steps, subwords)`, `character_ids` `(batch, steps, characters)` and
        `case_ids` `(batch, steps)`. Output: probabilities `(batch, num_classes)` float32. Its layers `pooling`,
        `text_vector` and `class_scores` have the weights of the tokens, the vector of the text, and the logits.

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
    # --- Layers
    check_sizes(vocabulary_size, num_classes, embedding_dim)
    rates = classifier_dropout(dropout)
    features = check_features(features, embedding_dim)
    words = word_layers(vocabulary_size, embedding_dim, rates["tokens"])
    encoder = _encoder_layers(transformer, embedding_dim, rates["recurrent"])
    pool = pooling_layer(pooling)
    *head, probabilities = head_layers(num_classes, hidden_units, rates["hidden"], activation)
    wide_part = wide_layers(wide, vocabulary_size, num_classes)

    # --- Functional graph
    inputs, x = token_vectors(words, features, rates)
    for layer in [*encoder, pool, *head]:
        x = layer(x)
    x = with_wide_scores(x, wide_part, inputs, rates["branches"])

    # --- Model
    return keras.Model(inputs, probabilities(x), name=name)


def _encoder_layers(transformer: Mapping[str, Any] | None, embedding_dim: int, rate: float) -> list[keras.layers.Layer]:
    """From the token vectors to what the blocks make of them, in their order."""
    options = {"num_blocks": 2, "units": embedding_dim, "num_heads": 4, **(transformer or {})}
    check_keys("transformer", options, TRANSFORMER_OPTIONS)
    for key, value in options.items():
        check_positive_integer(f"transformer.{key}", value)
    units, num_heads = options["units"], options["num_heads"]
    if units % num_heads:
        raise ValueError(
            "`transformer.num_heads` must divide `transformer.units` (by default `embedding_dim`). "
            f"Received: num_heads={num_heads}, units={units}. Change one of the two."
        )
    blocks = [
        TransformerBlock(
            num_heads, feed_forward_units=options.get("feed_forward_units"), dropout=rate, name=f"block_{index}"
        )
        for index in range(options["num_blocks"])
    ]
    return [
        keras.layers.Dense(units, name="projection"),
        PositionEncoding(scale_inputs=True, name="positions"),
        *blocks,
        # The blocks normalize what they read, not what they put out.
        keras.layers.LayerNormalization(epsilon=1e-5, name="final_norm"),
    ]
