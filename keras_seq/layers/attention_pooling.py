"""A weighted mean of the steps, with learned weights."""

from __future__ import annotations

from typing import Any

from keras import ops

from keras_seq.core.checks import check_positive_integer
from keras_seq.core.registration import register
from keras_seq.layers.step_pooling import StepPooling, check_sequences_shape
from keras_seq.ops.pooling import softmax_weights

Tensor = Any


@register
class AttentionPooling(StepPooling):
    """The mean of the real steps, each weighed by how much it resembles a learned question: what matters here?

        u_t = tanh(W x_t + b)
        a_t = exp(u_t . c) / (exp(u_1 . c) + ... + exp(u_n . c))
        v = a_1 x_1 + ... + a_n x_n

    | letter | weight |
    |---|---|
    | W | `kernel`, transposed |
    | b | `bias` |
    | c | `context` |

    Masking: padding has no weight; a row without a real step gives zeros. The mask ends here.

    `step_weights` is a.

    Args:
        units: size of u; `None`: that of the steps.

    Call arguments:
        sequences: `(batch, steps, features)` floating.
        mask: `(batch, steps)` boolean, `True` = real step.

    Returns:
        `(batch, features)`.

    Raises:
        TypeError: if `units` is not an integer.
        ValueError: if `units` is not positive, or the input is not a batch of sequences of vectors.

    Example:
        >>> import numpy as np
        >>> from keras_seq.layers import AttentionPooling
        >>> pooling, states = AttentionPooling(units=4), np.random.default_rng(0).normal(size=(2, 5, 3))
        >>> pooling(states).shape
        TensorShape([2, 3])
        >>> pooling.step_weights(states).numpy().sum(axis=1).round(4).tolist()
        [1.0, 1.0]

    Reference:
        Yang et al., "Hierarchical Attention Networks for Document Classification", NAACL 2016, section 2.2.
    """

    def __init__(self, units: int | None = None, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        if units is not None:
            check_positive_integer("units", units)
        self.units = units

    def build(self, input_shape: tuple) -> None:
        check_sequences_shape(input_shape)
        features = input_shape[-1]
        units = features if self.units is None else self.units
        self.kernel = self.add_weight(shape=(features, units), initializer="glorot_uniform", name="kernel")
        self.bias = self.add_weight(shape=(units,), initializer="zeros", name="bias")
        self.context = self.add_weight(shape=(units, 1), initializer="glorot_uniform", name="context")
        self.built = True

    def _weights(self, sequences: Tensor, real: Tensor) -> Tensor:
        kernel, bias, context = (ops.cast(w, self.compute_dtype) for w in (self.kernel, self.bias, self.context))
        u = ops.tanh(ops.matmul(sequences, kernel) + bias)
        return softmax_weights(ops.matmul(u, context)[..., 0], real)

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "units": self.units}
