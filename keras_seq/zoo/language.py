"""Language models: the next character or word, from all before it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import keras
from keras import ops

from keras_seq.core.checks import check_boolean, check_positive_integer, check_rate
from keras_seq.layers import RecurrentStack, TiedEmbedding, TokenSoftmax
from keras_seq.zoo.registry import register_builder

Tensor = Any

STATE_NAMES = ("state_h", "state_c")


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
    cell: str = "lstm",
    units: int = 512,
    num_layers: int = 2,
    embedding_dim: int = 128,
    tie_weights: bool = False,
    adaptive_cutoffs: Sequence[int] = (),
    dropout: float = 0.0,
    weight_dropout: float = 0.0,
    name: str = "language_model",
) -> keras.Model:
    """A recurrent language model of characters or words: at each step the probabilities of the next token.

    Embedding -> dropout -> recurrent layers -> dropout -> (projection) -> softmax. The probability of a text is the
    product of the probabilities of its tokens, each given those before it; training lowers `-log` of it. Built for
    truncated back-propagation through time: `streaming_model` gives the same weights with states that go in and out.

    Masking: id 0 is padding, on either side; it has no probability, and never changes the output at a real step.

    Args:
        vocabulary_size: number of ids, padding among them, ordered by frequency where there are cutoffs.
        cell: `"simple_rnn"`, `"gru"` or `"lstm"`.
        units: size of the state of each layer.
        num_layers: number of recurrent layers.
        embedding_dim: size of the token vectors.
        tie_weights: whether the output reads the table of the embedding; where `units` differs from `embedding_dim`, a
            dense layer `projection` stands between.
        adaptive_cutoffs: first ids of clusters of rarer tokens, for an adaptive softmax; see
            `keras_seq.layers.TokenSoftmax`.
        dropout: rate, while training: of features of the token vectors and of the last states, the same ones at all
            steps, and of states between layers.
        weight_dropout: rate at which weights between states are dropped, while training.
        name: name of the model.

    Returns:
        An uncompiled functional model: `token_ids` int32 `(batch, steps)` -> float32 `(batch, steps, vocabulary_size)`,
        log-probabilities of the token *after* each step. Train it with `keras_seq.losses.MaskedCrossEntropy`.

    Raises:
        TypeError: if an argument has a wrong type.
        ValueError: if an argument is out of range.

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
    if tie_weights:
        embedding: Any = TiedEmbedding(vocabulary_size, embedding_dim, name="token_embedding")
    else:
        embedding = keras.layers.Embedding(vocabulary_size, embedding_dim, mask_zero=True, name="token_embedding")
    layers = {
        "token_embedding": embedding,
        "input_dropout": keras.layers.SpatialDropout1D(dropout, name="input_dropout"),
        "recurrent": RecurrentStack(
            cell,
            units,
            num_layers=num_layers,
            dropout=dropout,
            weight_dropout=weight_dropout,
            return_state=True,
            name="recurrent",
        ),
        "output_dropout": keras.layers.SpatialDropout1D(dropout, name="output_dropout"),
        "log_probs": TokenSoftmax(vocabulary_size, cutoffs=adaptive_cutoffs, name="log_probs"),
    }
    if tie_weights and units != embedding_dim:
        layers["projection"] = keras.layers.Dense(embedding_dim, name="projection")
    token_ids = keras.Input((None,), dtype="int32", name="token_ids")
    log_probs, _ = _connect(layers, token_ids)
    return keras.Model({"token_ids": token_ids}, log_probs, name=name)


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


def streaming_model(
    model: keras.Model, *, with_targets: bool = False, batch_size: int | None = None, steps: int | None = None
) -> keras.Model:
    """The same weights with states that go in and out, so that a text can be read piece by piece, or step by step.

    Reading a text in pieces, each from the state in which the last one ended, gives the numbers of reading it whole.

    Args:
        model: a model of `language_model` or `name_generator_model`, or one that was loaded from a file.
        with_targets: whether the model takes `target_ids` and gives their log-probabilities alone, which is quicker
            with an adaptive softmax.
        batch_size, steps: the shape of the inputs, where it is fixed.

    Returns:
        A functional model. Inputs: `token_ids` `(batch, steps)`, `state_h` and, of an LSTM, `state_c`, each
        `(batch, num_layers, units)`, zeros before the first step; `target_ids` `(batch, steps)`. Outputs, a dictionary:
        `log_probs` `(batch, steps, vocabulary_size)`, of targets `(batch, steps)`, and the new states.

    Raises:
        ValueError: if the model is none of these.

    Example:
        >>> import numpy as np
        >>> from keras_seq.zoo import language_model, streaming_model
        >>> stream = streaming_model(language_model(30, cell="gru", units=16, embedding_dim=8, num_layers=1))
        >>> state = np.zeros((1, 1, 16), "float32")
        >>> sorted(stream({"token_ids": np.array([[3]]), "state_h": state}))
        ['log_probs', 'state_h']
    """
    layers = _layers_of(model)
    stack = layers["recurrent"]
    inputs = {"token_ids": keras.Input((steps,), batch_size, dtype="int32", name="token_ids")}
    if with_targets:
        inputs["target_ids"] = keras.Input((steps,), batch_size, dtype="int32", name="target_ids")
    states = {
        name: keras.Input((stack.num_layers, stack.units), batch_size, name=name)
        for name in STATE_NAMES[: stack.num_states]
    }
    log_probs, new_states = _connect(layers, inputs["token_ids"], list(states.values()), inputs.get("target_ids"))
    outputs = {"log_probs": log_probs, **dict(zip(states, new_states, strict=True))}
    return keras.Model({**inputs, **states}, outputs, name=f"{model.name}_streaming")


def target_model(model: keras.Model) -> keras.Model:
    """The same weights, giving the log-probabilities of given targets alone, for texts that stand alone.

    Args:
        model: as of `streaming_model`.

    Returns:
        A functional model: `token_ids` and `target_ids` int32 `(batch, steps)` -> float32 `(batch, steps)`, 0 where the
        target is padding.

    Raises:
        ValueError: if the model is of another kind.

    Example:
        >>> import numpy as np
        >>> from keras_seq.zoo import name_generator_model, target_model
        >>> ids = np.array([[2, 7, 9]], "int32")
        >>> target_model(name_generator_model(30, units=16))({"token_ids": ids, "target_ids": ids}).shape
        TensorShape([1, 3])
    """
    layers = _layers_of(model)
    inputs = {name: keras.Input((None,), dtype="int32", name=name) for name in ("token_ids", "target_ids")}
    log_probs, _ = _connect(layers, inputs["token_ids"], target_ids=inputs["target_ids"])
    return keras.Model(inputs, log_probs, name=model.name)


def _layers_of(model: keras.Model) -> dict[str, Any]:
    layers = {layer.name: layer for layer in model.layers}
    if not isinstance(layers.get("recurrent"), RecurrentStack) or not isinstance(layers.get("log_probs"), TokenSoftmax):
        raise ValueError(
            "`model` must come from `language_model` or `name_generator_model`. "
            f"Received: model={model.name!r} with the layers {', '.join(layers)}. Build it with one of them."
        )
    return layers


def _connect(
    layers: dict[str, Any], token_ids: Tensor, states: Sequence[Tensor] = (), target_ids: Tensor = None
) -> tuple[Tensor, list[Tensor]]:
    """Log-probabilities and new states, `(batch, layers, units)`, as the given ones."""
    tied = isinstance(layers["token_embedding"], TiedEmbedding)
    embedded = layers["token_embedding"](token_ids)
    vectors, table = embedded if tied else (embedded, None)
    # The stack puts layers first, servers batch by the first axis.
    initial = [ops.transpose(state, (1, 0, 2)) for state in states] or None
    features, *new_states = layers["recurrent"](layers["input_dropout"](vectors), initial_state=initial)
    features = layers["output_dropout"](features)
    if "projection" in layers:
        features = layers["projection"](features)
    log_probs = layers["log_probs"](features, table=table, target_ids=target_ids)
    return log_probs, [ops.transpose(state, (1, 0, 2)) for state in new_states]
