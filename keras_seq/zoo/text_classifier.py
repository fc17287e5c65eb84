"""Classifiers of texts: a bag of words, or any other encoder, and the class of the whole."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import keras

from keras_seq.core.checks import check_choice, check_positive_integer
from keras_seq.zoo.encoders import Bag, Encoder, connected, encoded, make_encoder
from keras_seq.zoo.heads import SCORES, pooling_layer
from keras_seq.zoo.registry import register_builder
from keras_seq.zoo.token_vectors import check_features, dropout_rates, token_vectors, word_layers
from keras_seq.zoo.wide_part import wide_layers, with_wide_scores

DROPOUTS = ("tokens", "ngrams", "embeddings", "recurrent", "hidden", "branches")


@register_builder(
    task="classifier",
    example={
        "vocabulary_size": 50,
        "embedding_dim": 8,
        "features": {"bigrams": {"num_buckets": 40}, "combine": "sum"},
        "wide": {"bigrams": 30, "prior": True},
        "hidden_units": (6,),
    },
)
def sentiment_model(
    vocabulary_size: int,
    num_classes: int = 3,
    *,
    embedding_dim: int = 100,
    features: Mapping[str, Any] | None = None,
    wide: Mapping[str, Any] | None = None,
    encoder: Encoder | Mapping[str, Any] | None = None,
    hidden_units: int | Sequence[int] = (64,),
    dropout: float | Mapping[str, float] = 0.5,
    activation: str = "softmax",
    name: str = "sentiment_model",
) -> keras.Model:
    """Classify a text by the mean of its word vectors: Embedding, MeanLayer, Dense, softmax.

    The quickest of the classifiers, and hard to beat where single words decide. Without bigrams it cannot see the order
    of words: give it `features={"bigrams": {"num_buckets": 20_000}}` for that.

    Masking: `token_ids` 0 is padding, on either side or inside; it never changes the output. A text of padding alone
    is classified by the biases. Train with `keras_seq.losses.ClassCrossEntropy`.

    Args:
        vocabulary_size: number of token ids, padding (0) and unknown (1) included.
        num_classes: number of classes.
        embedding_dim: size of the word vectors.
        features: what is read; every key is optional. `words` (True): word vectors, by `token_ids`. `subwords`: a
            mapping of `num_buckets`, `embedding_dim` and `combine` adds the input `subword_ids`, for
            `keras_seq.layers.SubwordEmbedding`. `bigrams`: a mapping of `num_buckets` and `embedding_dim` adds vectors
            of pairs of neighbouring tokens, which the model finds itself in `token_ids`. `characters`: arguments of
            `keras_seq.layers.CharacterEncoder` (at least `vocabulary_size`) add the input `character_ids`, of
            `max_characters` characters a token if that is given. `num_cases`: number of case classes adds the input
            `case_ids`, embedded in `case_dim` (8) dimensions. `combine`: `"concatenate"` or `"sum"`, how the vectors of
            a token become one; sizes that are not given are then those that fit.
        wide: `None`, or a mapping of what gives each class a score of its own, added to the network's (see
            `keras_seq.layers.WideScores`); every key is optional. `words` (True): the tokens. `bigrams` (0): number of
            buckets of pairs of neighbours. `subwords` (0): number of buckets of `subword_ids`. `scale` (6): factor of
            the scores. `dropout` (0.3): share of ids left out in training. `prior` (False): adds tables `prior_words`
            and `prior_bigrams` that are not trained here but before, on other texts.
        encoder: what reads the vectors of tokens before the mean, here nothing: see
            `keras_seq.zoo.text_classifier_model`.
        hidden_units: sizes of the dense ReLU layers between the mean and the output; may be empty.
        dropout: one rate for vectors, or rates by place: `tokens` (replaced by unknown), `ngrams` (whole subwords and
            bigrams), `embeddings` (of the token vectors), `hidden` (before the output), `branches`
            (network, wide part, prior: each is left out of a text by itself); places not named have rate 0.
            `recurrent` is for the encoder.
        activation: `"softmax"`; `"sigmoid"` where a text can have several classes; `"linear"` for numbers of any size,
            such as the logits themselves, or a score to be predicted.
        name: name of the model.

    Returns:
        An uncompiled functional model, with the inputs and outputs of `text_classifier_model`.

    Raises:
        TypeError: if an argument has a wrong type.
        ValueError: if an argument is out of range or a key is unknown.

    Example:
        >>> from keras_seq.zoo import sentiment_model
        >>> model = sentiment_model(vocabulary_size=20_000, features={"bigrams": {"num_buckets": 5_000}})
        >>> model.output_shape
        (None, 3)

    Reference:
        Iyyer et al., "Deep Unordered Composition Rivals Syntactic Methods for Text Classification", ACL 2015;
        Joulin et al., "Bag of Tricks for Efficient Text Classification", EACL 2017.
    """
    return _text_model(
        vocabulary_size,
        num_classes,
        make_encoder(Bag() if encoder is None else encoder),
        embedding_dim=embedding_dim,
        features=features,
        wide=wide,
        hidden_units=hidden_units,
        dropout=dropout,
        activation=activation,
        name=name,
    )


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
    return _text_model(
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
    return _text_model(
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


def _text_model(
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
