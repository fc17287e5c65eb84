"""The training loss of models that end in a conditional random field."""

from __future__ import annotations

from typing import Any

import keras
from keras import ops

from keras_seq.core.checks import check_integer, check_non_negative_number
from keras_seq.core.registration import register
from keras_seq.ops.crf import crf_log_partition, crf_score


@register
class CRFNegativeLogLikelihood(keras.losses.Loss):
    """Negative log-likelihood of tag sequences under `keras_seq.layers.CRF`, per real token.

    The mean over the real tokens of a batch, so that the value does not depend on how sentences are batched or padded,
    and is comparable with a cross-entropy per token.

    Masking: steps whose label is `ignored_label` are no part of the chain; the Keras mask is not needed. Sample weights
    are applied per row.

    Args:
        ignored_label: the label of padding.
        miss_cost: what it costs, in nats, to put tag 0 (`O`, outside) where another tag is right: while training, the
            score of `O` is raised by that much at such steps (a softmax margin). Above 0 the model finds more and is
            wrong more often: for data with few entities, where it would else keep silent. 0 is the plain likelihood.

    Call arguments:
        y_true: `(batch, steps)` integer tag ids, `-1` at padding.
        y_pred: potentials `(batch, steps, tags, tags)`.

    Returns:
        A scalar in nats; with `reduction="sum"` the sum over rows, with `reduction=None` one per row, `(batch,)`.

    Example:
        >>> import numpy as np
        >>> from keras_seq.losses import CRFNegativeLogLikelihood
        >>> loss = CRFNegativeLogLikelihood()(np.array([[0, 1, -1]]), np.zeros((1, 3, 2, 2), "float32"))
        >>> round(float(loss), 4)  # two tags, nothing known: ln 2
        0.6931

    Reference:
        Lample et al., "Neural Architectures for Named Entity Recognition", NAACL 2016, section 2.2;
        Gimpel and Smith, "Softmax-Margin CRFs", NAACL 2010; Mohit et al., "Recall-Oriented Learning of Named Entities
        in Arabic Wikipedia", EACL 2012 (`miss_cost`).
    """

    def __init__(
        self,
        *,
        ignored_label: int = -1,
        miss_cost: float = 0.0,
        name: str = "crf_negative_log_likelihood",
        **kwargs: Any,
    ) -> None:
        super().__init__(name=name, **kwargs)
        check_integer("ignored_label", ignored_label)
        check_non_negative_number("miss_cost", miss_cost)
        self.ignored_label = ignored_label
        self.miss_cost = miss_cost

    def call(self, y_true: Any, y_pred: Any) -> Any:
        real = ops.not_equal(y_true, self.ignored_label)
        if self.miss_cost:
            # The right path has no `O` at these steps: its score stays, those of its rivals rise.
            is_entity = ops.logical_and(real, ops.not_equal(y_true, 0))
            is_outside = ops.arange(y_pred.shape[-1]) == 0
            cost = ops.logical_and(is_entity[..., None, None], is_outside)
            y_pred = y_pred + ops.cast(cost, y_pred.dtype) * self.miss_cost
        losses = crf_log_partition(y_pred, real) - crf_score(y_pred, y_true, real)
        if self.reduction in (None, "none", "sum"):
            return losses
        # Scaled so that the mean over rows, which the base class takes, is the mean over tokens.
        tokens = ops.cast(ops.sum(ops.cast(real, "int32")), losses.dtype)
        rows = ops.cast(ops.shape(losses)[0], losses.dtype)
        return losses * rows / ops.maximum(tokens, 1.0)

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "ignored_label": self.ignored_label, "miss_cost": self.miss_cost}
