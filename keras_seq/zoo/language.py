"""Language models: the next character or word, from all before it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import keras

from keras_seq.core.checks import check_boolean, check_positive_integer, check_rate
from keras_seq.layers import RecurrentStack, TiedEmbedding
from keras_seq.zoo.encoders import Encoder, connected, encoded
from keras_seq.zoo.heads import Symbols
from keras_seq.zoo.registry import register_builder
from keras_seq.zoo.streaming import streaming_encoder


@register_builder(
    task="language_model",
    example={
        "vocabulary_size": 20,
        "units": 6,
        "num_layers": 2,
        "embedding_dim": 5,
        "tie_weights": True,
        "adaptive_cutoffs": (8, 14),
    },
)
def language_model(
    vocabulary_size: int,
    *,
    cell: str | None = None,
    units: int | None = None,
    num_layers: int | None = None,
    encoder: Encoder | Mapping[str, Any] | None = None,
    embedding_dim: int = 128,
    tie_weights: bool = False,
    adaptive_cutoffs: Sequence[int] = (),
    dropout: float = 0.0,
    weight_dropout: float = 0.0,
    name: str = "language_model",
) -> keras.Model:
    """A language model of characters or words: at each step the probabilities of the next token.

    Embedding -> dropout -> recurrent layers, or another causal encoder -> dropout -> (projection) -> softmax. The
    probability of a text is the product of the probabilities of its tokens, each given those before it; training lowers
    `-log` of it. Built for truncated back-propagation through time: `streaming_model` gives the same weights with
    states that go in and out.

    Masking: id 0 is padding, on either side; it has no probability, and never changes the output at a real step.

    Args:
        vocabulary_size: number of ids, padding among them, ordered by frequency where there are cutoffs.
        cell: `"simple_rnn"`, `"gru"` or `"lstm"` (an LSTM).
        units: size of the state of each layer (512).
        num_layers: number of recurrent layers (2).
        encoder: in the place of these three, an encoder of `keras_seq.zoo.encoders` that streams, or a mapping of its
            options with its name as `kind`: `{"kind": "transformer", "causal": True, "window": 256}`.
        embedding_dim: size of the token vectors.
        tie_weights: whether the output reads the table of the embedding; where `units` differs from `embedding_dim`,
            and behind an encoder, a dense layer `projection` stands between.
        adaptive_cutoffs: first ids of clusters of rarer tokens, for an adaptive softmax; see
            `keras_seq.layers.TokenSoftmax`.
        dropout: rate, while training: of features of the token vectors and of the last states, the same ones at all
            steps, and of states between layers; of an encoder, within it.
        weight_dropout: rate at which weights between states are dropped, while training; without an encoder alone.
        name: name of the model.

    Returns:
        An uncompiled functional model: `token_ids` int32 `(batch, steps)` -> float32 `(batch, steps, vocabulary_size)`,
        log-probabilities of the token *after* each step. Train it with `keras_seq.losses.MaskedCrossEntropy`.

    Raises:
        TypeError: if an argument has a wrong type.
        ValueError: if an argument is out of range, or the encoder sees what it is to predict, or does not stream.

    Example:
        >>> import numpy as np
        >>> from keras_seq.zoo import language_model
        >>> model = language_model(30, units=16, embedding_dim=8)
        >>> model({"token_ids": np.array([[3, 7, 9]])}).shape
        TensorShape([1, 3, 30])

    Reference:
        Mikolov et al., "Recurrent neural network based language model", Interspeech 2010; Zaremba, Sutskever and
        Vinyals, "Recurrent Neural Network Regularization", 2014.
    """
    check_positive_integer("vocabulary_size", vocabulary_size)
    check_positive_integer("embedding_dim", embedding_dim)
    check_boolean("tie_weights", tie_weights)
    check_rate("dropout", dropout)
    # --- Layers
    if tie_weights:
        embedding: Any = TiedEmbedding(vocabulary_size, embedding_dim, name="token_embedding")
    else:
        embedding = keras.layers.Embedding(vocabulary_size, embedding_dim, mask_zero=True, name="token_embedding")
    input_dropout = keras.layers.SpatialDropout1D(dropout, name="input_dropout")
    own = {
        "cell": (cell, "lstm"),
        "units": (units, 512),
        "num_layers": (num_layers, 2),
        "weight_dropout": (weight_dropout or None, 0.0),
    }
    connect = streaming_encoder("a language model", encoder, own, dropout, Symbols.needs)
    size = connect.units if isinstance(connect, RecurrentStack) else None
    head = Symbols(vocabulary_size, adaptive_cutoffs, embedding_dim if tie_weights and size != embedding_dim else 0)
    # An encoder drops what it gives itself.
    *between, softmax = head.layers(dropout if encoder is None else 0.0)

    # --- Functional graph
    token_ids = keras.Input((None,), dtype="int32", name="token_ids")
    vectors, table = embedding(token_ids) if tie_weights else (embedding(token_ids), None)
    x = connected(between, encoded(connect, input_dropout(vectors)))

    # --- Model
    return keras.Model({"token_ids": token_ids}, softmax(x, table=table), name=name)


@register_builder(task="language_model", example={"vocabulary_size": 20, "units": 6, "embedding_dim": 5})
def name_generator_model(
    vocabulary_size: int,
    *,
    cell: str = "gru",
    units: int = 256,
    num_layers: int = 1,
    embedding_dim: int = 32,
    dropout: float = 0.0,
    name: str = "name_generator_model",
) -> keras.Model:
    """A small character model that makes up names: begin mark, letters, end mark.

    A `language_model` of short texts that stand alone: it learns where a name may begin and end. Generation begins with
    the begin mark, or with given letters, and stops at the end mark.

    Masking: as of `language_model`.

    Args:
        vocabulary_size: number of ids: padding, unknown, begin mark, end mark, and the characters.
        cell: `"simple_rnn"`, `"gru"` or `"lstm"`.
        units: size of the state of each layer.
        num_layers: number of recurrent layers.
        embedding_dim: size of the character vectors.
        dropout: rate, as of `language_model`.
        name: name of the model.

    Returns:
        An uncompiled functional model: `token_ids` int32 `(batch, steps)` -> float32 `(batch, steps, vocabulary_size)`,
        log-probabilities of the character after each step.

    Raises:
        TypeError: if an argument has a wrong type.
        ValueError: if an argument is out of range.

    Example:
        >>> import numpy as np
        >>> from keras_seq.zoo import name_generator_model
        >>> model = name_generator_model(30, units=16)
        >>> model({"token_ids": np.array([[2, 7, 9]])}).shape
        TensorShape([1, 3, 30])

    Reference:
        Sutskever, Martens and Hinton, "Generating Text with Recurrent Neural Networks", ICML 2011.
    """
    return language_model(
        vocabulary_size,
        cell=cell,
        units=units,
        num_layers=num_layers,
        embedding_dim=embedding_dim,
        dropout=dropout,
        name=name,
    )
