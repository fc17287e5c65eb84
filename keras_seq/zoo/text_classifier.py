"""Recurrent layers that read a text, and the class of the whole."""

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
        "features": {
            "subwords": {"num_buckets": 30, "embedding_dim": 5},
            "bigrams": {"num_buckets": 30, "embedding_dim": 4},
            "characters": {"vocabulary_size": 20, "units": 6},
            "max_characters": 5,
            "num_cases": 4,
        },
        "recurrent": {"cell": "gru", "units": [6], "bidirectional": False},
        "pooling": "attention",
        "hidden_units": (7,),
    },
)
def text_classifier_model(
    vocabulary_size: int,
    num_classes: int,
    *,
    embedding_dim: int = 100,
    features: Mapping[str, Any] | None = None,
    wide: Mapping[str, Any] | None = None,
    recurrent: Mapping[str, Any] | None = None,
    encoder: Encoder | Mapping[str, Any] | None = None,
    pooling: str = "mean",
    hidden_units: int | Sequence[int] = (),
    dropout: float | Mapping[str, float] = 0.5,
    activation: str = "softmax",
    name: str = "text_classifier_model",
) -> keras.Model:
    """Classify a text that recurrent layers have read: Embedding, RNN, GRU or LSTM, pooling, softmax.

    The textbook model (Embedding, RNN, its last state, softmax) is `text_classifier_model(vocabulary_size, num_classes,
    recurrent={"cell": "simple_rnn", "bidirectional": False}, pooling="last", dropout=0)`.

    Masking: `token_ids` 0 is padding, on either side or inside; it never changes the output. A text of padding alone
    gives finite numbers. Train with `keras_seq.losses.ClassCrossEntropy`.

    Args:
        vocabulary_size: number of token ids, padding (0) and unknown (1) included.
        num_classes: number of classes.
        embedding_dim: size of the word vectors.
        features: what is read: see `keras_seq.zoo.sentiment_model`.
        wide: scores of classes straight from words, pairs and n-grams: see `keras_seq.zoo.sentiment_model`.
        recurrent: a mapping, every key optional: `cell`, `"simple_rnn"`, `"gru"` or `"lstm"` (the default); `units`,
            the sizes of the stacked layers per direction (`[128]`), an empty list for none: then it is a bag of words
            with a choice of pooling; `bidirectional` (True), whether each reads in both directions.
        encoder: in the place of `recurrent`, what reads the vectors of tokens: an encoder of `keras_seq.zoo.encoders`
            (`Bag`, `Recurrent`, `Convolutional`, `Transformer` or one of your own), or a mapping of its options with
            its name as `kind`, such as `{"kind": "transformer", "num_blocks": 1}`.
        pooling: how the states become one vector: their `"mean"`; `"sqrt"`, the sum divided by the square root of their
            number; `"max"`, feature by feature; `"attention"`, a mean with learned weights; `"last"`, the final state
            of each direction, of an encoder where that depends on the whole text.
        hidden_units: sizes of the dense ReLU layers between the pooled vector and the output; may be empty.
        dropout: one rate for vectors and states, or rates by place: `tokens` (replaced by unknown), `ngrams` (whole
            subwords and bigrams), `embeddings` (of the token vectors), `recurrent` (after each recurrent layer),
            `hidden` (before the output), `branches` (network, wide part, prior: each is left out of a text by itself);
            places not named have rate 0.
        activation: `"softmax"`; `"sigmoid"` where a text can have several classes; `"linear"` for numbers of any size,
            such as the logits themselves, or a score to be predicted.
        name: name of the model.

    Returns:
        An uncompiled functional model. Inputs, a dict, int32: `token_ids` `(batch, steps)` where words or bigrams are
        read, and as chosen `subword_ids` `(batch, steps, subwords)`, `character_ids` `(batch, steps, characters)` and
        `case_ids` `(batch, steps)`. Output: probabilities `(batch, num_classes)` float32.
        `keras_seq.zoo.parts` finds the weights of the tokens and the vector of the text.

    Raises:
        TypeError: if an argument has a wrong type.
        ValueError: if an argument is out of range, a key is unknown, or the encoder lacks what `pooling` needs.

    Example:
        >>> from keras_seq.zoo import text_classifier_model
        >>> model = text_classifier_model(vocabulary_size=20_000, num_classes=6, pooling="attention")
        >>> model.output_shape
        (None, 6)

    Reference:
        Graves, "Supervised Sequence Labelling with Recurrent Neural Networks", Springer 2012;
        Tang, Qin and Liu, "Document Modeling with Gated Recurrent Neural Network for Sentiment Classification",
        EMNLP 2015; Yang et al., "Hierarchical Attention Networks for Document Classification", NAACL 2016.
    """
    return text_model(
        vocabulary_size,
        num_classes,
        make_encoder(encoder, "recurrent", recurrent),
        embedding_dim=embedding_dim,
        features=features,
        wide=wide,
        pooling=pooling,
        hidden_units=hidden_units,
        dropout=dropout,
        activation=activation,
        name=name,
    )
