"""A model whose states go from one batch to the next: truncated back-propagation through time in `model.fit`."""

from __future__ import annotations

from typing import Any

import keras
from keras import ops

Tensor = Any


class CarriedStates(keras.Model):
    """Wraps a model with states as inputs and outputs, and keeps them between batches.

    The states are weights that no gradient changes: a checkpoint holds them, so that a run that was killed goes on in
    the middle of a text. Gradients end where a batch begins.

    Args:
        streaming: a `keras_seq.zoo.StreamingModel` of fixed batch size.

    Call arguments:
        inputs: the other inputs, and `continues` `(batch,)`, 0 where a row begins anew, from zeros, else 1.

    Returns:
        The output `log_probs`.

    Reference:
        Williams and Peng, "An Efficient Gradient-Based Algorithm for On-Line Training of Recurrent Network
        Trajectories", Neural Computation 2(4), 1990.
    """

    def __init__(self, streaming: Any, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.streaming = streaming
        # In the order of the inputs, which checkpoints hold: Keras sorts them by their names.
        states = [tensor for tensor in streaming.inputs if tensor.name in streaming.state_names]
        others = [tensor for tensor in streaming.inputs if tensor.name not in streaming.state_names]
        self.inputs = [*others, keras.KerasTensor(states[0].shape[:1], dtype="float32", name="continues")]
        self.states = [
            self.add_weight(shape=state.shape, dtype=state.dtype, initializer="zeros", trainable=False, name=state.name)
            for state in states
        ]

    def build(self, input_shape: Any = None) -> None:
        self.built = True

    def call(self, inputs: dict[str, Tensor], training: bool | None = None) -> Tensor:
        inputs = dict(inputs)
        continues = inputs.pop("continues")
        states = {}
        for state in self.states:
            goes_on = ops.reshape(continues, (-1, *[1] * (len(state.shape) - 1)))
            states[state.name] = ops.stop_gradient(ops.convert_to_tensor(state)) * ops.cast(goes_on, state.dtype)
        outputs = self.streaming({**inputs, **states}, training=training)
        for state in self.states:
            state.assign(ops.cast(outputs[state.name], state.dtype))
        return outputs["log_probs"]

    def count_params(self) -> int:
        # The kept states are no parameters.
        return self.streaming.count_params()

    def get_config(self) -> dict[str, Any]:
        # What is shown of the graph is the model within.
        return self.streaming.get_config()
