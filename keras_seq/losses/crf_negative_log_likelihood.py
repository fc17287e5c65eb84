"""The training loss of models that end in a conditional random field."""

from __future__ import annotations

from typing import Any

from keras import ops

from keras_seq.core.checks import check_integer, check_non_negative_number
from keras_seq.core.keras_calls import check_no_class_weight
from keras_seq.core.registration import register
from keras_seq.losses.cost_loss import CostLoss
from keras_seq.ops.crf import crf_log_partition, crf_score
from keras_seq.ops.masking import labels_of_real_steps

POTENTIALS = {4: "potentials (batch, steps, tags, tags)"}


@register
class CRFNegativeLogLikelihood(CostLoss):
    """Negative log-likelihood of tag sequences under `keras_seq.layers.CRF`, per real token.

    The mean over the real tokens of a batch, so that the value does not depend on how sentences are batched or padded,
    and is comparable with a cross-entropy per token.

    Masking: steps whose label is `ignored_label`, and steps that the Keras mask of `y_pred` calls padding, are no part
    of the chain. Where the labels tell the padding, no Keras mask is needed.

    Args:
        ignored_label: the label of padding.
        miss_cost: what it costs, in nats, to put tag 0 (`O`, outside) where another tag is right: while training, the
            score of `O` is raised by that much at such steps (a softmax margin). Above 0 the model finds more and is
            wrong more often: for data with few entities, where it would else keep silent. 0 is the plain likelihood.

    Call arguments:
        y_true: `(batch, steps)` integer tag ids, `-1` at padding. A label that is neither a tag nor `ignored_label`
            makes the loss NaN.
        y_pred: potentials `(batch, steps, tags, tags)`.
        sample_weight: optional weights: one number, or one for each row, `(batch,)` or `(batch, 1)`; a step has no
            cost of its own. They weigh the sum, which is divided by the number of real tokens, or with
            `reduction="mean_with_sample_weight"` by that of the tokens, each with the weight of its row.

    Returns:
        A scalar in nats; with `reduction="sum"` the sum over rows, with `reduction=None` one per row, `(batch,)`.
        Without any real token 0.

    Raises:
        TypeError: if an argument is of the wrong type.
        ValueError: if the shapes do not fit each other; if there are weights of steps; or if `class_weight` was given
            to `fit`.

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

    arguments = ("ignored_label", "miss_cost")

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

    def costs(self, y_true: Any, y_pred: Any, mask: Any) -> tuple[Any, Any]:
        if len(y_pred.shape) == 4 and None not in y_pred.shape[-2:] and y_pred.shape[-1] != y_pred.shape[-2]:
            raise ValueError(
                "`y_pred` must be potentials (batch, steps, tags, tags), as many tags before as after. "
                f"Received: y_pred.shape={tuple(y_pred.shape)}. Take them from `keras_seq.layers.CRF`."
            )
        labels = labels_of_real_steps(y_true, y_pred, self.ignored_label, mask=mask, forms=POTENTIALS)
        real = ops.not_equal(labels, self.ignored_label)
        if self.miss_cost:
            # The right path has no `O` at these steps: its score stays, those of its rivals rise.
            is_entity = ops.logical_and(real, ops.not_equal(labels, 0))
            is_outside = ops.arange(y_pred.shape[-1]) == 0
            cost = ops.logical_and(is_entity[..., None, None], is_outside)
            y_pred = y_pred + ops.cast(cost, y_pred.dtype) * self.miss_cost
        losses = crf_log_partition(y_pred, real) - crf_score(y_pred, labels, real)
        return losses, ops.sum(ops.cast(real, "int32"), axis=1)

    def check_weights(self, sample_weight: Any) -> None:
        check_no_class_weight("Give `sample_weight`, one number per row; `miss_cost` weighs entities that are missed.")
