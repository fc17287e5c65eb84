"""A recurrent layer run step by step with something added to each hidden state: what dL/dh_t is taken with."""

from __future__ import annotations

import dataclasses
from typing import Any

import keras
from keras import ops

from keras_seq.ops.recurrence import scan

Tensor = Any

RECURRENT_LAYERS = (keras.layers.SimpleRNN, keras.layers.GRU, keras.layers.LSTM)


@dataclasses.dataclass
class Tape:
    """What the probes of one model add to their hidden states, and what they say of themselves, in one forward pass.

    Args:
        added: Direction -> what is added to its states, `(batch, steps, units)`, aligned with the input; where a
            direction is not named, nothing is.
        shapes: Direction -> shape of its hidden states, `(batch, steps, units)`, and their dtype.
        masks: Direction -> mask of its input, `(batch, steps)`, or `None`.
    """

    added: dict[str, Tensor] = dataclasses.field(default_factory=dict)
    shapes: dict[str, tuple[tuple, str]] = dataclasses.field(default_factory=dict)
    masks: dict[str, Tensor | None] = dataclasses.field(default_factory=dict)

    def begin(self, added: dict[str, Tensor]) -> None:
        """Begin a forward pass."""
        self.added, self.shapes, self.masks = added, {}, {}

    def end(self) -> None:
        """Let go of the tensors of the last pass."""
        self.begin({})

    def enter(self, name: str, shape: tuple, dtype: str, mask: Tensor | None) -> Tensor | None:
        """Note one call of a direction; a layer called again is another direction. Returns what it is to add."""
        key, call = name, 1
        while key in self.shapes:
            call += 1
            key = f"{name}/call_{call}"
        self.shapes[key] = (shape, dtype)
        self.masks[key] = mask
        return self.added.get(key)


class HiddenStateProbe(keras.layers.Layer):
    """Stands for a recurrent layer, or both directions of a `Bidirectional`, with the same weights and outputs.

    Masking: as the stock layers. A masked step holds the state, and nothing is added to it.

    Args:
        layer: The built layer that it stands for.
        tape: What is added to the hidden states.
    """

    def __init__(self, layer: keras.layers.Layer, tape: Tape):
        super().__init__(name=layer.name, dtype=layer.dtype_policy)
        self.layer = layer
        self.tape = tape
        self.supports_masking = True

    def build(self, sequences_shape: tuple, initial_state_shape: Any = None) -> None:
        """Nothing to make: the weights are those of `layer`."""

    # The argument names are those of the stock layers: Keras hands masks over by name.
    def call(self, sequences: Tensor, initial_state: Any = None, mask: Any = None, training: Any = None) -> Any:
        mask = mask[0] if isinstance(mask, (list, tuple)) else mask
        layer = self.layer
        if not isinstance(layer, keras.layers.Bidirectional):
            output, states = self._run(layer, layer.name, sequences, initial_state, mask)
            return (output, *states) if layer.return_state else output
        halves: list = [None, None]
        if initial_state is not None:
            half = len(initial_state) // 2
            halves = [initial_state[:half], initial_state[half:]]
        forward, forward_states = self._run(layer.forward_layer, f"{layer.name}/forward", sequences, halves[0], mask)
        backward, backward_states = self._run(
            layer.backward_layer, f"{layer.name}/backward", sequences, halves[1], mask
        )
        if layer.return_sequences:
            backward = ops.flip(backward, axis=1)
        output = _merged(forward, backward, layer.merge_mode)
        if not layer.return_state:
            return output
        outputs = output if layer.merge_mode is None else (output,)
        return (*outputs, *forward_states, *backward_states)

    def _run(
        self, layer: Any, name: str, sequences: Tensor, initial_state: Any, mask: Tensor | None
    ) -> tuple[Tensor, list[Tensor]]:
        """Returns output and final states as `layer` does: in the order in which it reads."""
        sequences = ops.cast(sequences, layer.compute_dtype)
        batch, steps = ops.shape(sequences)[:2]
        if initial_state is None:
            initial_state = layer.states if layer.stateful else layer.get_initial_state(batch_size=batch)
        state = tuple(ops.cast(ops.convert_to_tensor(part), layer.compute_dtype) for part in _listed(initial_state))
        shape = (batch, steps, layer.units)
        added = self.tape.enter(name, shape, layer.compute_dtype, mask)
        if added is None:
            added = ops.zeros(shape, layer.compute_dtype)
        real = ops.ones((batch, steps), "bool") if mask is None else ops.cast(mask, "bool")

        def step(state: tuple, slices: tuple) -> tuple[tuple, tuple]:
            x, is_real, epsilon = slices
            _, new = layer.cell(x, list(state), training=False)
            h, *rest = _listed(new)
            new_state = tuple(
                ops.where(is_real, new_part, part) for new_part, part in zip([h + epsilon, *rest], state, strict=True)
            )
            return new_state, new_state

        by_time = tuple(ops.transpose(part, (1, 0, 2)) for part in (sequences, ops.expand_dims(real, -1), added))
        final, (outputs, *_) = scan(step, state, by_time, reverse=layer.go_backwards)
        outputs = ops.transpose(outputs, (1, 0, 2))
        if layer.go_backwards:
            outputs, real = ops.flip(outputs, axis=1), ops.flip(real, axis=1)
        if mask is not None:
            shown = real if layer.zero_output_for_mask else ops.cumsum(ops.cast(real, "int32"), axis=1) > 0
            outputs = ops.where(ops.expand_dims(shown, -1), outputs, ops.zeros_like(outputs))
        return outputs if layer.return_sequences else outputs[:, -1], list(final)

    def compute_mask(self, inputs: Any, mask: Any = None) -> Any:
        return self.layer.compute_mask(inputs, mask)

    def compute_output_spec(
        self, sequences: Any, initial_state: Any = None, mask: Any = None, training: Any = None
    ) -> Any:
        shapes = self.layer.compute_output_shape(sequences.shape)
        if isinstance(shapes[0], (list, tuple)):
            return tuple(keras.KerasTensor(tuple(shape), dtype=self.compute_dtype) for shape in shapes)
        return keras.KerasTensor(tuple(shapes), dtype=self.compute_dtype)


def is_recurrent(layer: keras.layers.Layer) -> bool:
    """Whether a probe can stand for this layer."""
    if isinstance(layer, keras.layers.Bidirectional):
        return all(isinstance(part, RECURRENT_LAYERS) for part in (layer.forward_layer, layer.backward_layer))
    return isinstance(layer, RECURRENT_LAYERS)


def recurrent_layers(model: keras.Model) -> list[keras.layers.Layer]:
    """The recurrent layers of a model, those of models within it too; other wrappers are not looked into."""
    found: list[keras.layers.Layer] = []
    for layer in model.layers:
        if is_recurrent(layer):
            found.append(layer)
        elif isinstance(layer, keras.Model):
            found += recurrent_layers(layer)
    return found


def with_probes(model: keras.Model, tape: Tape) -> keras.Model:
    """The same graph on the same layers, but for probes in place of the recurrent ones; not compiled."""

    def stand_in(layer: keras.layers.Layer) -> keras.layers.Layer:
        if is_recurrent(layer):
            return HiddenStateProbe(layer, tape)
        if isinstance(layer, keras.Model) and recurrent_layers(layer):
            return with_probes(layer, tape)
        return layer

    is_sequential = isinstance(model, keras.Sequential)
    inputs, outputs = (model.inputs[0], model.outputs[0]) if is_sequential else (model.input, model.output)
    # Of a compiled model `clone_model` would compile the copy, with an optimizer of its own.
    uncompiled = keras.Model(inputs, outputs, name=model.name)
    return keras.models.clone_model(uncompiled, clone_function=stand_in)


def _listed(value: Any) -> list:
    return list(value) if isinstance(value, (list, tuple)) else [value]


def _merged(forward: Tensor, backward: Tensor, merge_mode: str | None) -> Any:
    if merge_mode == "concat":
        return ops.concatenate([forward, backward], axis=-1)
    if merge_mode == "sum":
        return forward + backward
    if merge_mode == "ave":
        return (forward + backward) / 2
    if merge_mode == "mul":
        return forward * backward
    return forward, backward
