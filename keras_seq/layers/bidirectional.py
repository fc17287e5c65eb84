"""Two recurrent layers, one reading forwards and one backwards."""

from __future__ import annotations

from typing import Any

import keras
from keras import ops

from keras_seq.core.registration import register
from keras_seq.layers.recurrent_layer import RecurrentLayer, check_initial_state, step_mask, turned_round


@register
class Bidirectional(keras.layers.Bidirectional):
    """`keras.layers.Bidirectional` whose directions, layers of this package, share the cores.

    Same constructor, weights and outputs as the stock wrapper. The wrapped layers are called as layers: what Keras does
    around a call, and a `call` of a subclass, hold within the wrapper. It may wrap any layer that the stock one wraps.

    Masking: as the wrapped layer.

    Args:
        layer: the recurrent layer to run in both directions.
        merge_mode: how the two outputs become one: `"concat"` (`[h_forward, h_backward]`), `"sum"`, `"ave"`, `"mul"`,
            or `None` for a pair. All further arguments are those of the stock wrapper.

    Call arguments:
        sequences: `(batch, steps, features)`, floating.
        initial_state: the states of the forward direction, then those of the backward one, `(batch, units)` each.
        mask: `(batch, steps)` boolean, `True` = real step.
        training: whether dropout acts.
        sequences_mask: filled in by Keras: the mask that comes with the sequences, if a state is given beside them.

    Returns:
        `(batch, steps, 2 * units)` with `merge_mode="concat"` and `return_sequences`, `(batch, steps, units)` with
        `"sum"`; with `return_state` also the final states of both directions.

    Raises:
        ValueError: if a shape does not fit.

    Example:
        >>> import numpy as np
        >>> from keras_seq.layers import LSTM, Bidirectional
        >>> Bidirectional(LSTM(8, return_sequences=True))(np.ones((2, 5, 3), "float32")).shape
        TensorShape([2, 5, 16])
        >>> Bidirectional(LSTM(8), merge_mode="sum")(np.ones((2, 5, 3), "float32")).shape
        TensorShape([2, 8])

    Reference:
        Schuster and Paliwal, "Bidirectional Recurrent Neural Networks", IEEE Trans. Signal Processing 45(11), 1997.
    """

    def __init__(self, layer: Any, *args: Any, **kwargs: Any) -> None:
        super().__init__(layer, *args, **kwargs)
        for direction in (self.forward_layer, self.backward_layer):
            if isinstance(direction, RecurrentLayer):
                direction.num_side_by_side = 2

    def call(
        self,
        sequences: Any,
        initial_state: Any = None,
        mask: Any = None,
        training: bool | None = None,
        sequences_mask: Any = None,
    ) -> Any:
        # Keras gives the mask that comes with the sequences this name where there is an initial state beside them.
        mask = sequences_mask if mask is None else mask
        layers = [self.forward_layer, self.backward_layer]
        if not all(isinstance(layer, RecurrentLayer) for layer in layers):
            return super().call(sequences, initial_state=initial_state, mask=mask, training=training)
        states: list = [None, None]
        if initial_state is not None:
            sizes = [size for layer in layers for size in layer.state_size]
            initial_state = check_initial_state(self.name, initial_state, sizes, sequences)
            half = len(layers[0].state_size)
            states = [initial_state[:half], initial_state[half:]]
        # The layers are called, not their loops: what Keras does around a call (a regularizer of activities, a dtype of
        # their own, a `call` of a subclass) holds within the wrapper too.
        results = [
            layer(sequences, initial_state=state, mask=mask, training=training)
            for layer, state in zip(layers, states, strict=True)
        ]
        outputs = [ops.cast(result[0] if self.return_state else result, self.compute_dtype) for result in results]
        if self.return_sequences:
            outputs[1] = turned_round(outputs[1])
        output = self._merge(*outputs)
        if not self.return_state:
            return output
        return (*(output if self.merge_mode is None else (output,)), *results[0][1:], *results[1][1:])

    def compute_mask(self, inputs: Any, mask: Any = None) -> Any:
        mask = step_mask(mask) if self.return_sequences else None
        # States have no mask: Keras goes through outputs and masks side by side, and the states come last.
        return mask if self.merge_mode else (mask, mask)

    def _merge(self, forward: Any, backward: Any) -> Any:
        if self.merge_mode == "concat":
            return ops.concatenate([forward, backward], axis=-1)
        if self.merge_mode is None:
            return forward, backward
        merge = {"sum": ops.add, "mul": ops.multiply, "ave": lambda x, y: (x + y) / 2}
        return merge[self.merge_mode](forward, backward)
