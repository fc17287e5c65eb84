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
        streaming: a functional model of fixed batch size that takes and gives a dictionary; its inputs whose names
            begin with `state` have outputs of the same names.

    Call arguments:
        inputs: the other inputs, and `continues` `(batch,)`, 0 where a row begins anew, from zeros, else 1.

    Returns:
        The output `log_probs`.

    Reference:
        Williams and Peng, "An Efficient Gradient-Based Algorithm for On-Line Training of Recurrent Network
        Trajectories", Neural Computation 2(4), 1990.
    """

    def __init__(self, streaming: keras.Model, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.streaming = streaming
        declared = {tensor.name: tensor for tensor in streaming.inputs}
        self.state_names = [name for name in declared if name.startswith("state")]
        batch_size = declared[self.state_names[0]].shape[0]
        self.inputs = [tensor for name, tensor in declared.items() if name not in self.state_names]
        self.inputs.append(keras.KerasTensor((batch_size,), dtype="float32", name="continues"))
        self.states = [
            self.add_weight(shape=declared[name].shape, initializer="zeros", trainable=False, name=name)
            for name in self.state_names
        ]

    def build(self, input_shape: Any = None) -> None:
        self.built = True

    def call(self, inputs: dict[str, Tensor], training: bool | None = None) -> Tensor:
        inputs = dict(inputs)
        continues = ops.reshape(inputs.pop("continues"), (-1, 1, 1))
        states = {
            name: ops.stop_gradient(ops.convert_to_tensor(state)) * ops.cast(continues, state.dtype)
            for name, state in zip(self.state_names, self.states, strict=True)
        }
        outputs = self.streaming({**inputs, **states}, training=training)
        for name, state in zip(self.state_names, self.states, strict=True):
            state.assign(ops.cast(outputs[name], state.dtype))
        return outputs["log_probs"]

    def count_params(self) -> int:
        # The kept states are no parameters.
        return self.streaming.count_params()

    def get_config(self) -> dict[str, Any]:
        # What is shown of the graph is the model within.
        return self.streaming.get_config()
