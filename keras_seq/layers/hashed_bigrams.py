"""Pairs of neighbouring tokens as ids."""

from __future__ import annotations

from typing import Any

import keras
from keras import ops

from keras_seq.core.checks import check_positive_integer
from keras_seq.core.registration import register
from keras_seq.ops.pooling import real_positions

Tensor = Any

# A pair is hashed modulo two primes. No product of a remainder and a factor is above the largest int32, nor is the
# number that both hashes make together: the second prime is below 2^15.
_PRIMES = (46_337, 32_749)
_FACTORS = ((31_267, 17_911, 5_003), (12_157, 27_427, 9_371))  # of the token, of the one before it, and a constant


@register
class HashedBigrams(keras.layers.Layer):
    """Gives each token the id of a bucket that it shares with few other pairs of a token and the one before it.

    A bag of words cannot tell "not good" from "good, not": with the pairs it can. Embed the ids with `SubwordEmbedding`
    or `keras.layers.Embedding`, of `num_buckets + 1` rows. The same pair has the same id everywhere: on any machine,
    backend and in any version.

    Masking: padding (id 0) stays 0. The token before is the one before among the real tokens, wherever padding stands
    between them; the first has 0 before it. The ids carry no mask.

    Args:
        num_buckets: number of ids, besides 0.

    Call arguments:
        token_ids: `(batch, steps)` integer, 0 is padding.

    Returns:
        `(batch, steps)` int32: 1 to `num_buckets`, 0 at padding.

    Raises:
        TypeError: if `num_buckets` is not an integer.
        ValueError: if `num_buckets` is not positive, or the ids have not two axes.

    Example:
        >>> import numpy as np
        >>> from keras_seq.layers import HashedBigrams
        >>> HashedBigrams(1000)(np.array([[5, 8, 5, 8, 0], [5, 0, 0, 8, 5]])).numpy().tolist()
        [[795, 800, 453, 800, 0], [795, 0, 0, 800, 453]]

    Reference:
        Joulin et al., "Bag of Tricks for Efficient Text Classification", EACL 2017.
    """

    def __init__(self, num_buckets: int, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        check_positive_integer("num_buckets", num_buckets)
        self.num_buckets = num_buckets

    def build(self, input_shape: tuple) -> None:
        if len(input_shape) != 2:
            raise ValueError(
                "`token_ids` must have the shape (batch, steps). "
                f"Received: token_ids.shape={tuple(input_shape)}. Give one id per token."
            )
        self.built = True

    def call(self, token_ids: Tensor) -> Tensor:
        token_ids = ops.cast(token_ids, "int32")
        real = ops.not_equal(token_ids, 0)
        return ops.where(real, self._hash(token_ids, _tokens_before(token_ids, real)), 0)

    def _hash(self, token_ids: Tensor, before: Tensor) -> Tensor:
        hashes = []
        for prime, (factor, factor_before, constant) in zip(_PRIMES, _FACTORS, strict=True):
            product = ops.mod(ops.mod(token_ids, prime) * factor, prime)
            product_before = ops.mod(ops.mod(before, prime) * factor_before, prime)
            hashes.append(ops.mod(product + product_before + constant, prime))
        return ops.mod(hashes[0] * 2**15 + hashes[1], self.num_buckets) + 1

    def compute_output_shape(self, input_shape: tuple) -> tuple:
        return input_shape

    def compute_output_spec(self, token_ids: Any) -> keras.KerasTensor:
        return keras.KerasTensor(token_ids.shape, dtype="int32")

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "num_buckets": self.num_buckets}


def _tokens_before(token_ids: Tensor, real: Tensor) -> Tensor:
    """The real token before each real one, 0 before the first."""
    steps = ops.shape(token_ids)[1]
    places = ops.arange(steps, dtype="int32")[None, :]
    # Where the k-th real token stands. No two keys are equal, so that any sort gives one order.
    order = ops.argsort(ops.where(real, places, places + steps), axis=1)
    tokens = ops.pad(ops.take_along_axis(token_ids, order, axis=1), ((0, 0), (1, 0)))
    return ops.take_along_axis(tokens, real_positions(real), axis=1)
