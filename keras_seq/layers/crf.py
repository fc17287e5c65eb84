"""The conditional random field layer."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import keras
from keras import ops

from keras_seq.core.checks import check_positive_integer
from keras_seq.core.registration import register
from keras_seq.ops.tag_transitions import allowed_transitions

# Forbidden moves cost this much: far more than trained scores ever reach, yet exact in float32 sums.
FORBIDDEN = -1e4


@register
class CRF(keras.layers.Layer):
    """Linear-chain conditional random field: turns per-step tag scores into the potentials of a chain.

    Put it on top of a dense layer that gives one score per tag. Its output is all that the loss
    (`keras_seq.losses.CRFNegativeLogLikelihood`), the decoder (`keras_seq.ops.crf.crf_viterbi`) and the confidences
    (`keras_seq.ops.crf.crf_marginals`) need, so that a model with a CRF is an ordinary functional model: one tensor in,
    one tensor out, saved and loaded without custom objects.

    Weights: `transitions` `(num_tags, num_tags)` (row: previous tag), `start_scores` and `end_scores` `(num_tags,)`.

    Masking: any mask. The start scores act at the first real step of a row, the end scores at the last one; what stands
    at masked steps is ignored by the functions above. The mask is passed on: the loss, and the metrics that decode
    potentials, count no step that it calls padding. (A loss of your own with one number per row must take it off, for
    Keras would weigh the row by its steps: `keras.ops.copy(y_pred)`.)

    Args:
        num_tags: number of tags.
        tag_names: the tags in id order, such as `["O", "B-PER", "I-PER"]` (BIO, IOB1 or BIOES). Moves that the scheme
            forbids are then never decoded. `None`: every move is allowed.
        transition_initializer: initializer of the three weights.

    Call arguments:
        scores: `(batch, steps, num_tags)`, floating.
        mask: `(batch, steps)` boolean, `True` = real step.

    Returns:
        Potentials `(batch, steps, num_tags, num_tags)`, float32 or wider, as `keras_seq.ops.crf` describes them.

    Raises:
        ValueError: if `tag_names` has another length than `num_tags`, or the scores have another last axis.

    Example:
        >>> import numpy as np
        >>> from keras_seq.layers import CRF
        >>> CRF(3, tag_names=["O", "B-PER", "I-PER"])(np.zeros((2, 5, 3), "float32")).shape
        TensorShape([2, 5, 3, 3])

    Reference:
        Lafferty, McCallum and Pereira, "Conditional Random Fields", ICML 2001;
        Lample et al., "Neural Architectures for Named Entity Recognition", NAACL 2016.
    """

    def __init__(
        self,
        num_tags: int,
        *,
        tag_names: Sequence[str] | None = None,
        transition_initializer: Any = "zeros",
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        check_positive_integer("num_tags", num_tags)
        if tag_names is not None and len(tag_names) != num_tags:
            raise ValueError(
                f"`tag_names` must name each of the `num_tags={num_tags}` tags. "
                f"Received: {len(tag_names)} names, tag_names={list(tag_names)}. Give one per tag id, in id order."
            )
        self.num_tags = num_tags
        self.tag_names = None if tag_names is None else list(tag_names)
        self.transition_initializer = keras.initializers.get(transition_initializer)
        self.supports_masking = True

    def build(self, input_shape: tuple) -> None:
        if input_shape[-1] != self.num_tags:
            raise ValueError(
                f"The last axis of `scores` must hold one score per tag, `num_tags={self.num_tags}`. "
                f"Received: scores.shape={tuple(input_shape)}. Put `Dense({self.num_tags})` before the CRF."
            )

        def add(name: str, shape: tuple) -> Any:
            return self.add_weight(name=name, shape=shape, initializer=self.transition_initializer)

        self.transitions = add("transitions", (self.num_tags, self.num_tags))
        self.start_scores = add("start_scores", (self.num_tags,))
        self.end_scores = add("end_scores", (self.num_tags,))
        self._penalties = None
        if self.tag_names is not None:
            self._penalties = [
                (~allowed).astype("float32") * FORBIDDEN for allowed in allowed_transitions(self.tag_names)
            ]
        self.built = True

    def call(self, scores: Any, mask: Any = None) -> Any:
        dtype = "float64" if keras.backend.standardize_dtype(scores.dtype) == "float64" else "float32"
        scores = ops.cast(scores, dtype)
        weights = [ops.cast(w, dtype) for w in (self.start_scores, self.end_scores, self.transitions)]
        if self._penalties is not None:
            weights = [
                weight + ops.cast(penalty, dtype) for weight, penalty in zip(weights, self._penalties, strict=True)
            ]
        starts, ends, transitions = weights
        if mask is None:
            mask = ops.ones_like(scores[..., 0], dtype="bool")
        real = ops.cast(mask, "int32")
        position = ops.cumsum(real, axis=1)
        is_first = ops.logical_and(mask, position == 1)
        is_last = ops.logical_and(mask, position == ops.sum(real, axis=1, keepdims=True))
        scores = scores + ops.where(is_last[..., None], ends, 0.0)
        into = ops.where(is_first[..., None, None], starts[None, :], transitions)
        return scores[:, :, None, :] + into

    def compute_mask(self, inputs: Any, previous_mask: Any = None) -> Any:
        return previous_mask

    def compute_output_shape(self, input_shape: tuple) -> tuple:
        return (*input_shape[:-1], self.num_tags, self.num_tags)

    def compute_output_spec(self, scores: Any, mask: Any = None) -> keras.KerasTensor:
        dtype = "float64" if keras.backend.standardize_dtype(scores.dtype) == "float64" else "float32"
        return keras.KerasTensor(self.compute_output_shape(scores.shape), dtype=dtype)

    def get_config(self) -> dict[str, Any]:
        return {
            **super().get_config(),
            "num_tags": self.num_tags,
            "tag_names": self.tag_names,
            "transition_initializer": keras.initializers.serialize(self.transition_initializer),
        }
