"""The long short-term memory layer."""

from __future__ import annotations

from typing import Any

import keras
from keras import ops

from keras_seq.core.registration import register
from keras_seq.ops.recurrence import LSTMWeights, lstm


@register
class LSTM(keras.layers.LSTM):
    """Long short-term memory: `keras.layers.LSTM` with a quicker training step and any mask.

    Same constructor, same weights in the same order, same outputs: `set_weights(stock.get_weights())` gives the numbers
    of the stock layer. Use it wherever the stock layer stands. The quick loop serves the default activations (tanh,
    sigmoid) without recurrent dropout and unrolling; every other setting runs the stock code.

    Notation: with `W, U, b` in Keras' gate order i, f, c, o (input, forget, candidate, output),

        i = sigmoid(x W_i + h U_i + b_i)          g = tanh(x W_c + h U_c + b_c)
        f = sigmoid(x W_f + h U_f + b_f)          c' = f * c + i * g
        o = sigmoid(x W_o + h U_o + b_o)          h' = o * tanh(c')

    Masking: a masked step carries the state on, wherever it stands; its output is the last real output (zeros if there
    is none yet, or everywhere with `zero_output_for_mask`). Left, right and inner padding never change a real step.

    Args:
        units: size of the state. All further arguments are those of `keras.layers.LSTM`.

    Call arguments:
        sequences: `(batch, steps, features)`, floating.
        initial_state: list `[h, c]`, each `(batch, units)`; zeros if `None`.
        mask: `(batch, steps)` boolean, `True` = real step.
        training: whether dropout acts.

    Returns:
        `(batch, steps, units)` with `return_sequences`, else `(batch, units)`; with `return_state` also `h` and `c`.

    Example:
        >>> import numpy as np
        >>> from keras_seq.layers import LSTM
        >>> LSTM(8, return_sequences=True)(np.ones((2, 5, 3), "float32")).shape
        TensorShape([2, 5, 8])

    Reference:
        Hochreiter and Schmidhuber, "Long Short-Term Memory", Neural Computation 9(8), 1997.
    """

    def __init__(self, units: int, **kwargs: Any) -> None:
        super().__init__(units, **kwargs)
        # The stock layer turns this off in case it calls cuDNN; the loop here is compiled.
        self.supports_jit = True

    @property
    def is_standard(self) -> bool:
        """Whether the quick loop computes this setting."""
        return (
            self.activation is keras.activations.tanh
            and self.recurrent_activation is keras.activations.sigmoid
            and not self.recurrent_dropout
            and not self.unroll
        )

    def weights_of_direction(self) -> LSTMWeights:
        """The weights in the form that `keras_seq.ops.recurrence.lstm` takes."""
        cell = self.cell
        return LSTMWeights(cell.kernel, cell.recurrent_kernel, cell.bias if self.use_bias else None)

    def drop_inputs(self, sequences: Any, training: bool) -> Any:
        """Input dropout with one mask for all steps, as the stock cell does it."""
        if not (training and self.dropout):
            return sequences
        return sequences * ops.expand_dims(self.cell.get_dropout_mask(sequences[:, 0, :]), 1)

    def inner_loop(self, sequences: Any, initial_state: Any, mask: Any, training: bool = False) -> Any:
        if isinstance(mask, (list, tuple)):
            mask = mask[0]
        if not self.is_standard:
            # Not `super()`: the stock LSTM may call cuDNN, which takes no left-padded mask and cannot be served on a
            # CPU.
            return keras.layers.RNN.inner_loop(self, sequences, initial_state, mask, training=training)
        (outputs,), (state,) = lstm(
            self.drop_inputs(sequences, training),
            [tuple(initial_state)],
            [self.weights_of_direction()],
            reverse=[self.go_backwards],
            mask=mask,
        )
        if self.go_backwards:
            outputs = ops.flip(outputs, axis=1)
            mask = None if mask is None else ops.flip(mask, axis=1)
        outputs = mask_outputs(outputs, mask, self.zero_output_for_mask)
        return outputs[:, -1], outputs, list(state)


def mask_outputs(outputs: Any, mask: Any, zero_output_for_mask: bool) -> Any:
    """Zero the outputs `(batch, steps, units)` that no real step stands behind."""
    if mask is None:
        return outputs
    shown = mask if zero_output_for_mask else ops.cumsum(ops.cast(mask, "int32"), axis=1) > 0
    return ops.where(ops.expand_dims(shown, -1), outputs, ops.zeros_like(outputs))
