"""Two recurrent layers, one reading forwards and one backwards."""

from __future__ import annotations

from typing import Any

import keras
from keras import ops

from keras_seq.core.registration import register
from keras_seq.layers.lstm import LSTM, mask_outputs
from keras_seq.ops.recurrence import lstm


@register
class Bidirectional(keras.layers.Bidirectional):
    """`keras.layers.Bidirectional` that runs both directions of a `keras_seq.layers.LSTM` in one loop.

    Same constructor, weights and outputs as the stock wrapper. Any other wrapped layer, and any setting that the quick
    loop does not cover (an initial state, `stateful`, `return_state`), runs the stock code.

    Masking: as `keras_seq.layers.LSTM`; outputs at masked steps are zero, as in the stock wrapper.

    Args:
        layer: the recurrent layer to run in both directions. All further arguments are those of the stock wrapper.

    Call arguments:
        sequences: `(batch, steps, features)`, floating.
        mask: `(batch, steps)` boolean, `True` = real step.
        training: whether dropout acts.

    Returns:
        `(batch, steps, 2 * units)` with `merge_mode="concat"` and `return_sequences`.

    Example:
        >>> import numpy as np
        >>> from keras_seq.layers import LSTM, Bidirectional
        >>> Bidirectional(LSTM(8, return_sequences=True))(np.ones((2, 5, 3), "float32")).shape
        TensorShape([2, 5, 16])

    Reference:
        Schuster and Paliwal, "Bidirectional Recurrent Neural Networks", IEEE Trans. Signal Processing 45(11), 1997.
    """

    def call(self, sequences: Any, initial_state: Any = None, mask: Any = None, training: bool | None = None) -> Any:
        if initial_state is not None or not self._is_fused():
            return super().call(sequences, initial_state=initial_state, mask=mask, training=training)
        layers = [self.forward_layer, self.backward_layer]
        sequences = ops.cast(sequences, self.compute_dtype)
        batch = ops.shape(sequences)[0]
        zeros = ops.zeros((batch, layers[0].units), sequences.dtype)
        outputs, _ = lstm(
            sequences,
            [(zeros, zeros)] * 2,
            [layer.weights_of_direction() for layer in layers],
            reverse=[layer.go_backwards for layer in layers],
            mask=mask,
        )
        if self.return_sequences:
            outputs = [mask_outputs(output, mask, layers[0].zero_output_for_mask) for output in outputs]
        else:
            last = [0 if layer.go_backwards else -1 for layer in layers]
            outputs = [output[:, index] for output, index in zip(outputs, last, strict=True)]
        return ops.concatenate(outputs, axis=-1)

    def _is_fused(self) -> bool:
        layers = (self.forward_layer, self.backward_layer)
        return (
            all(isinstance(layer, LSTM) and layer.is_standard and not layer.dropout for layer in layers)
            and layers[0].units == layers[1].units
            and self.merge_mode == "concat"
            and not self.stateful
            and not self.return_state
        )
