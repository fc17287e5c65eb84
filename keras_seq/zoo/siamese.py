"""The siamese network: one tower reads both texts, and the cosine of the two vectors says how alike they are."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import keras

from keras_seq.core.checks import check_positive_integer
from keras_seq.zoo.encoders import Encoder, connected, encoded, make_encoder
from keras_seq.zoo.heads import Vector, pooling_layer
from keras_seq.zoo.registry import register_builder
from keras_seq.zoo.token_vectors import check_features, dropout_rates, token_vectors, word_layers
from keras_seq.zoo.twins import TOWER, twin_model

_DROPOUTS = ("tokens", "ngrams", "embeddings", "recurrent", "pooled")


@register_builder(
    task="pair_matcher",
    example={
        "vocabulary_size": 50,
        "embedding_dim": 8,
        "features": {"subwords": {"num_buckets": 30, "embedding_dim": 5}},
        "recurrent": {"cell": "gru", "units": [6]},
        "projection_units": (7,),
    },
)
def siamese_model(
    vocabulary_size: int,
    *,
    embedding_dim: int = 128,
    features: Mapping[str, Any] | None = None,
    recurrent: Mapping[str, Any] | None = None,
    encoder: Encoder | Mapping[str, Any] | None = None,
    pooling: str = "mean",
    projection_units: int | Sequence[int] = (),
    dropout: float | Mapping[str, float] = 0.2,
    name: str = "siamese_model",
) -> keras.Model:
    """Say how alike two texts are: one tower for both, Embedding, LSTM, mean, unit length; then the cosine.

    For duplicate questions, paraphrases, relatedness, and for finding the most similar among many: the vectors of all
    texts are computed once, a query is compared with each by one product of matrices.

    Masking: id 0 is padding, on either side or inside; it never changes the output. A text of padding alone has a
    finite vector, of zeros where there is no projection, and then the similarity 0 to everything.

    Args:
        vocabulary_size: number of token ids, padding (0) and unknown (1) included.
        embedding_dim: size of the word vectors.
        features: what is read: see `keras_seq.zoo.sentiment_model`.
        recurrent: as of `keras_seq.zoo.text_classifier_model`: `cell` (`"lstm"`), `units` per direction (`[128]`; an
            empty list for none, a bag of words), `bidirectional` (here False).
        encoder: in its place: see `keras_seq.zoo.text_classifier_model`.
        pooling: how the states become one vector: `"mean"`, `"sqrt"`, `"max"`, `"attention"` or `"last"`.
        projection_units: sizes of the dense layers between the pooled vector and the unit vector, tanh but for the
            last, which is linear; may be empty.
        dropout: one rate for vectors and states, or rates by place: `tokens` (replaced by unknown), `ngrams` (whole
            subwords and bigrams), `embeddings` (of the token vectors), `recurrent` (after each recurrent layer),
            `pooled` (of the pooled vector); places not named have rate 0.
        name: name of the model.

    Returns:
        An uncompiled functional model. Inputs, a dict, int32: those of `text_classifier_model` for each side, such as
        `token_ids_a` and `token_ids_b` `(batch, steps)`; the sides may have different numbers of steps. Output:
        `similarity` float32 `(batch,)`, from -1 to 1. `keras_seq.zoo.parts.tower_of(model)` is the model of one side,
        whose output is `(batch, features)` of length 1. Train it with the losses of pairs on
        `keras_seq.zoo.stacked_twins(model)`.

    Raises:
        TypeError: if an argument has a wrong type.
        ValueError: if an argument is out of range or a key is unknown.

    Example:
        >>> from keras_seq.zoo import siamese_model
        >>> from keras_seq.zoo.parts import tower_of
        >>> model = siamese_model(vocabulary_size=20_000)
        >>> model.output_shape, tower_of(model).output_shape
        ((None,), (None, 128))

    Reference:
        Bromley et al., "Signature Verification using a Siamese Time Delay Neural Network", NIPS 1993;
        Mueller and Thyagarajan, "Siamese Recurrent Architectures for Learning Sentence Similarity", AAAI 2016.
    """
    # --- Layers
    check_positive_integer("vocabulary_size", vocabulary_size)
    check_positive_integer("embedding_dim", embedding_dim)
    rates = dropout_rates(dropout, _DROPOUTS, ("embeddings", "recurrent", "pooled"))
    features = check_features(features, embedding_dim)
    reader = make_encoder(encoder, "recurrent", recurrent, bidirectional=False)
    words = word_layers(vocabulary_size, embedding_dim, rates["tokens"])
    connect = reader.prepare(rates)
    pool = pooling_layer(pooling, reader)
    head = Vector(projection_units).layers()

    # --- Functional graph
    inputs, x = token_vectors(words, features, rates)
    x = pool(encoded(connect, x))
    x = connected(head, keras.layers.Dropout(rates["pooled"], name="drop_pooled")(x))

    # --- Model
    return twin_model(keras.Model(inputs, x, name=TOWER), name)
