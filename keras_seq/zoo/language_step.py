"""The step of a language model, as quick as generation needs it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import keras
from keras import ops

from keras_seq.layers import TiedEmbedding
from keras_seq.layers.token_softmax import NEVER
from keras_seq.ops.recurrent_decoding import LayerStates, stack_step

Tensor = Any


def language_step(model: keras.Model) -> Callable[[Tensor, LayerStates], tuple[Tensor, LayerStates]]:
    """The numbers of `streaming_model` at one step, in a fraction of the time.

    For `keras_seq.ops.decoding.sample_ids`. Call it in the function that holds the loop, outside of the loop: what all
    steps share is computed here.

    Args:
        model: a model of `language_model` or `name_generator_model`.

    Returns:
        `step(token_ids, states) -> (log_probs, states)`: token_ids int32 `(batch,)`, log_probs float32
        `(batch, vocabulary)`. States are those of `keras_seq.ops.recurrent_decoding.states_of_layers`.

    Raises:
        ValueError: if the model is of another kind.

    Example:
        >>> import numpy as np
        >>> from keras_seq.ops.recurrent_decoding import states_of_layers
        >>> from keras_seq.zoo import language_model
        >>> from keras_seq.zoo.language_step import language_step
        >>> step = language_step(language_model(30, cell="gru", units=16, embedding_dim=8, num_layers=1))
        >>> log_probs, states = step(np.array([3]), states_of_layers([np.zeros((1, 1, 16), "float32")]))
        >>> log_probs.shape
        TensorShape([1, 30])
    """
    layers = {layer.name: layer for layer in model.layers}
    missing = {"token_embedding", "recurrent", "log_probs"} - set(layers)
    if missing:
        raise ValueError(
            "`model` must come from `language_model` or `name_generator_model`. "
            f"Received: model={model.name!r} without the layers {sorted(missing)}. Build it with one of them."
        )
    embedding, softmax, projection = layers["token_embedding"], layers["log_probs"], layers.get("projection")
    embeddings = ops.convert_to_tensor(embedding.embeddings)
    table = ops.cast(embeddings, embedding.compute_dtype) if isinstance(embedding, TiedEmbedding) else None

    def by_layers(features: Tensor) -> Tensor:
        """With an adaptive softmax the layer itself answers."""
        return softmax(ops.expand_dims(features, 1), table=table)[:, 0]

    rows = softmax.kernel if table is None else table
    kernel = ops.cast(ops.transpose(rows), softmax.compute_dtype)
    never = [NEVER] + [0.0] * (softmax.vocabulary_size - 1)
    bias = ops.cast(softmax.bias, "float32") + ops.convert_to_tensor(never, "float32")

    def at_once(features: Tensor) -> Tensor:
        return ops.log_softmax(ops.add(ops.cast(ops.matmul(features, kernel), "float32"), bias))

    def output(features: Tensor) -> Tensor:
        if projection is not None:
            features = projection(features)
        return by_layers(features) if softmax.cutoffs else at_once(features)

    return stack_step(layers["recurrent"], embeddings, output)
