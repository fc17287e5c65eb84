"""Dropout on whole tokens."""

from __future__ import annotations

from typing import Any

import keras
from keras import ops

from keras_seq.core.checks import check_rate
from keras_seq.core.registration import register


@register
class TokenDropout(keras.layers.Layer):
    """Word dropout: replaces a share of token ids with the unknown token while training.

    Every id in the training text is known, so the vector of the unknown token would never be trained, and a model would
    lean on words it has seen instead of their spelling and neighbours. Put it between the ids and the embedding. With
    `unknown_id=0` what is dropped becomes padding: whole n-grams of a token, before `SubwordEmbedding`.

    Masking: padding (id 0) stays padding; the ids carry no mask yet.

    Args:
        rate: share of tokens to replace, in [0, 1).
        unknown_id: the id put in their place.
        seed: seed of the random numbers.

    Call arguments:
        token_ids: integer, any shape.
        training: whether to drop.

    Returns:
        Token ids of the same shape and dtype.

    Raises:
        ValueError: if `rate` is outside [0, 1).

    Example:
        >>> import numpy as np
        >>> from keras_seq.layers import TokenDropout
        >>> TokenDropout(0.5)(np.array([[5, 6, 0]])).numpy().tolist()  # not training: unchanged
        [[5, 6, 0]]

    Reference:
        Lample et al., "Neural Architectures for Named Entity Recognition", NAACL 2016, section 4 (singletons);
        Iyyer et al., "Deep Unordered Composition Rivals Syntactic Methods", ACL 2015, section 3.1.
    """

    def __init__(self, rate: float, *, unknown_id: int = 1, seed: int | None = None, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        check_rate("rate", rate)
        self.rate = rate
        self.unknown_id = unknown_id
        self.seed = seed
        self.seed_generator = keras.random.SeedGenerator(seed)
        self.supports_masking = True
        self.built = True

    def call(self, token_ids: Any, training: bool = False) -> Any:
        if not (training and self.rate):
            return token_ids
        dropped = keras.random.uniform(ops.shape(token_ids), seed=self.seed_generator) < self.rate
        dropped = ops.logical_and(dropped, ops.not_equal(token_ids, 0))
        return ops.where(dropped, ops.cast(self.unknown_id, token_ids.dtype), token_ids)

    def compute_output_shape(self, input_shape: tuple) -> tuple:
        return input_shape

    def compute_output_spec(self, token_ids: Any, training: bool = False) -> keras.KerasTensor:
        return keras.KerasTensor(token_ids.shape, dtype=token_ids.dtype)

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "rate": self.rate, "unknown_id": self.unknown_id, "seed": self.seed}
