"""The bag of words: the model for sentiment, topics and any texts whose words say enough."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import keras

from keras_seq.zoo.classifier_parts import text_model
from keras_seq.zoo.encoders import Bag, Encoder, make_encoder
from keras_seq.zoo.registry import register_builder


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
    return text_model(
        vocabulary_size,
        num_classes,
        make_encoder(encoder or Bag()),
        embedding_dim=embedding_dim,
        features=features,
        wide=wide,
        hidden_units=hidden_units,
        dropout=dropout,
        activation=activation,
        name=name,
    )
