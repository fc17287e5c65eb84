"""The last layer of a language model: log-probabilities of tokens, over all of them or cluster by cluster."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import keras
from keras import ops

from keras_seq.core.checks import check_integer, check_positive_integer
from keras_seq.core.registration import register

Tensor = Any

# The logit of padding: nothing predicts it.
NEVER = -1e9


@register
class TokenSoftmax(keras.layers.Layer):
    """Log-probabilities of the next token, with an adaptive softmax for large vocabularies.

    With `cutoffs` the ids, which must be ordered by frequency, fall into a head and clusters of rarer tokens:

        log p(w) = log p_head(w)                                 w in the head
        log p(w) = log p_head(cluster of w) + log p_cluster(w)   w in a cluster

    A text needs the logits of a cluster only where one of its tokens stands in it. So training with `target_ids` takes
    a fraction of the time that all logits take; log-probabilities of all tokens are there when asked for. Probabilities
    sum to 1. Unlike in the paper, tail tokens keep vectors of full size, so that weights can be tied.

    Masking: id 0, padding, has no probability. A mask is passed on.

    Args:
        vocabulary_size: number of ids, padding among them.
        cutoffs: the first id of each cluster, ascending; none means one softmax over all ids.

    Call arguments:
        features: `(batch, steps, features)`, floating.
        table: `(vocabulary_size, features)`, from `TiedEmbedding`; without it the layer has a kernel of its own.
        target_ids: `(batch, steps)` integer, 0 or less at padding.

    Returns:
        float32 `(batch, steps, vocabulary_size)`, natural logarithms; with `target_ids` those of the targets alone,
        `(batch, steps)`, 0 at padding.

    Raises:
        TypeError: if an argument has a wrong type.
        ValueError: if a cutoff is out of order or out of range, or the table does not fit.

    Example:
        >>> import numpy as np
        >>> from keras_seq.layers import TokenSoftmax
        >>> softmax = TokenSoftmax(10, cutoffs=(4,))
        >>> log_probs = softmax(np.ones((1, 2, 8), "float32"))
        >>> np.exp(log_probs).sum(-1).round(4).tolist()
        [[1.0, 1.0]]

    Reference:
        Grave et al., "Efficient softmax approximation for GPUs", ICML 2017; Goodman, "Classes for fast maximum entropy
        training", ICASSP 2001.
    """

    def __init__(self, vocabulary_size: int, *, cutoffs: Sequence[int] = (), **kwargs: Any) -> None:
        super().__init__(**kwargs)
        check_positive_integer("vocabulary_size", vocabulary_size)
        for cutoff in cutoffs:
            check_integer("cutoffs", cutoff)
        ordered = [1, *cutoffs, vocabulary_size - 1]
        if any(a >= b for a, b in zip(ordered[:-1], ordered[1:], strict=True) if cutoffs):
            raise ValueError(
                f"`cutoffs` must be ascending ids between 2 and vocabulary_size - 2 = {vocabulary_size - 2}. "
                f"Received: cutoffs={tuple(cutoffs)!r}. Give the first id of each cluster of rarer tokens."
            )
        self.vocabulary_size = vocabulary_size
        self.cutoffs = tuple(cutoffs)
        self.supports_masking = True

    def build(self, features_shape: Any, table_shape: Any = None, target_ids_shape: Any = None) -> None:
        size = features_shape[-1]
        if len(features_shape) != 3 or size is None:
            raise ValueError(
                "`features` must have the shape (batch, steps, features), the last of a known size. "
                f"Received: features.shape={tuple(features_shape)}. Give one vector a step."
            )
        if table_shape is not None and tuple(table_shape) != (self.vocabulary_size, size):
            raise ValueError(
                f"`table` must have the shape (vocabulary_size, features) = {(self.vocabulary_size, size)}. "
                f"Received: table.shape={tuple(table_shape)}. Project the features to the size of the embedding."
            )
        if table_shape is None:
            # One row a token, as in a table, so that a cluster is a slice.
            self.kernel = self.add_weight(
                shape=(self.vocabulary_size, size), initializer="glorot_uniform", name="kernel"
            )
        self.bias = self.add_weight(shape=(self.vocabulary_size,), initializer="zeros", name="bias")
        if self.cutoffs:
            self.cluster_kernel = self.add_weight(
                shape=(len(self.cutoffs), size), initializer="glorot_uniform", name="cluster_kernel"
            )
            self.cluster_bias = self.add_weight(shape=(len(self.cutoffs),), initializer="zeros", name="cluster_bias")
        self.built = True

    def call(self, features: Tensor, table: Tensor = None, target_ids: Tensor = None) -> Tensor:
        table = self.kernel if table is None else table
        if target_ids is None:
            return self._all(features, table)
        shape = ops.shape(target_ids)
        targets = ops.cast(ops.reshape(target_ids, (-1,)), "int32")
        flat = ops.reshape(features, (-1, features.shape[-1]))
        if self.cutoffs:
            log_probs = self._of_targets_by_cluster(flat, table, targets)
        else:
            log_probs = _pick(self._head(flat, table, self.bias), ops.maximum(targets, 0))
        return ops.reshape(ops.where(targets > 0, log_probs, 0.0), shape)

    def compute_output_spec(self, features: Tensor, table: Tensor = None, target_ids: Tensor = None) -> Any:
        shape = (*features.shape[:2], self.vocabulary_size) if target_ids is None else tuple(target_ids.shape)
        return keras.KerasTensor(shape, dtype="float32")

    def compute_output_shape(self, features_shape: Any, table_shape: Any = None, target_ids_shape: Any = None) -> Any:
        return (*features_shape[:2], self.vocabulary_size) if target_ids_shape is None else tuple(target_ids_shape)

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "vocabulary_size": self.vocabulary_size, "cutoffs": list(self.cutoffs)}

    def _head(self, features: Tensor, rows: Tensor, bias: Tensor) -> Tensor:
        """Log-probabilities of the ids of the head, then those of the clusters."""
        never = ops.convert_to_tensor([NEVER] + [0.0] * (rows.shape[0] - 1), "float32")
        logits = _logits(features, rows, bias) + never
        if self.cutoffs:
            of_clusters = _logits(features, self.cluster_kernel, self.cluster_bias)
            logits = ops.concatenate([logits, of_clusters], axis=-1)
        return ops.log_softmax(logits)

    def _all(self, features: Tensor, table: Tensor) -> Tensor:
        rows, biases = self._split(table)
        head = self._head(features, rows[0], biases[0])
        if not self.cutoffs:
            return head
        size = self.cutoffs[0]
        parts = [head[..., :size]]
        for index in range(len(self.cutoffs)):
            within = ops.log_softmax(_logits(features, rows[index + 1], biases[index + 1]))
            parts.append(head[..., size + index : size + index + 1] + within)
        return ops.concatenate(parts, axis=-1)

    def _of_targets_by_cluster(self, features: Tensor, table: Tensor, targets: Tensor) -> Tensor:
        rows, biases = self._split(table)
        size = self.cutoffs[0]
        clusters = list(zip(self.cutoffs, (*self.cutoffs[1:], self.vocabulary_size), strict=True))
        places = ops.clip(targets, 0, size - 1)
        for index, (first, end) in enumerate(clusters):
            places = ops.where((targets >= first) & (targets < end), size + index, places)
        log_probs = _pick(self._head(features, rows[0], biases[0]), places)
        for index, (first, end) in enumerate(clusters):
            inside = (targets >= first) & (targets < end)
            of_cluster = rows[index + 1], biases[index + 1]
            if keras.backend.backend() == "tensorflow":
                # Only the steps whose token stands in the cluster; how many is known when the graph runs.
                (steps,) = ops.nonzero(inside)
                steps = ops.cast(steps, "int32")
                within = ops.log_softmax(_logits(ops.take(features, steps, axis=0), *of_cluster))
                found = _pick(within, ops.take(targets, steps, axis=0) - first)
                log_probs += ops.scatter(ops.expand_dims(steps, -1), found, ops.shape(targets))
            else:
                within = ops.log_softmax(_logits(features, *of_cluster))
                log_probs += ops.where(inside, _pick(within, ops.clip(targets - first, 0, end - first - 1)), 0.0)
        return log_probs

    def _split(self, table: Tensor) -> tuple[list[Tensor], list[Tensor]]:
        """The rows and biases of the head and of each cluster. (Slices would each have a gradient of full size.)"""
        if not self.cutoffs:
            return [table], [self.bias]
        places = list(self.cutoffs)
        return ops.split(table, places, axis=0), ops.split(self.bias, places, axis=0)


def _logits(features: Tensor, rows: Tensor, bias: Tensor) -> Tensor:
    # With more than two axes, TensorFlow works out at every call how they are to be turned.
    flat = ops.reshape(features, (-1, rows.shape[1]))
    logits = ops.cast(ops.matmul(flat, ops.transpose(ops.cast(rows, features.dtype))), "float32")
    shape = (-1, *features.shape[1:-1]) if all(features.shape[1:-1]) else ops.shape(features)[:-1]
    return ops.reshape(logits + ops.cast(bias, "float32"), (*shape, rows.shape[0]))


def _pick(values: Tensor, places: Tensor) -> Tensor:
    """One value of each row."""
    return ops.squeeze(ops.take_along_axis(values, ops.expand_dims(places, -1), axis=-1), -1)
