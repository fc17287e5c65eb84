"""A model that reads in parts, with states as inputs and outputs, of any functional model whose layers can."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import keras
from keras import ops

from keras_seq.core.registration import register
from keras_seq.core.streaming import STATE_PREFIX, Projecting, State, Streaming
from keras_seq.layers import (
    CharacterEncoder,
    ConcatenateFeatures,
    MaskFromIds,
    RecurrentStack,
    SubwordEmbedding,
    SumFeatures,
    TiedEmbedding,
    TokenDropout,
    TokenSoftmax,
    TransformerStack,
)
from keras_seq.zoo.encoders import Encoder, check_needs, check_no_other, make_encoder

Tensor = Any

# Layers whose output at a step depends on that step alone; others say so by an attribute `is_stepwise = True`.
STEPWISE_LAYERS = (
    keras.layers.Activation,
    keras.layers.Add,
    keras.layers.Dense,
    keras.layers.Dropout,
    keras.layers.Embedding,
    keras.layers.GaussianNoise,
    keras.layers.LayerNormalization,
    keras.layers.Multiply,
    keras.layers.SpatialDropout1D,
    CharacterEncoder,
    ConcatenateFeatures,
    MaskFromIds,
    SubwordEmbedding,
    SumFeatures,
    TiedEmbedding,
    TokenDropout,
    TokenSoftmax,
)
# Operations of `keras.ops` of which this is true, too: those that masks are made with.
STEPWISE_OPERATIONS = ("Cast", "Equal", "Greater", "LogicalAnd", "LogicalNot", "LogicalOr", "NotEqual")
# For up to so many ids a loop looks projections up.
MAX_TABLE_SIZE = 1024


@register
class StreamingModel(keras.Model):
    """What `streaming_model` returns: a functional model that takes states and gives them, under the same names.

    Attributes:
        state_names: the names of the states, in order.
    """

    def __init__(
        self, inputs: Mapping[str, Tensor], outputs: Mapping[str, Tensor], name: str | None = None, **kwargs: Any
    ) -> None:
        # Keras saves what takes the arguments of `keras.Model`.
        super().__init__(dict(inputs), dict(outputs), name=name, **kwargs)
        states = {name: tensor for name, tensor in inputs.items() if name in outputs}
        self.state_names = tuple(states)
        self._state_types = {name: (tuple(state.shape[1:]), state.dtype) for name, state in states.items()}

    def initial_state(self, batch_size: Any) -> State:
        """The states before the first step: zeros, `(batch_size, ...)` each, by their names."""
        return {name: ops.zeros((batch_size, *size), dtype) for name, (size, dtype) in self._state_types.items()}


def streaming_model(
    model: keras.Model, *, with_targets: bool = False, batch_size: int | None = None, steps: int | None = None
) -> StreamingModel:
    """The same weights with states that go in and out, so that a sequence can be read piece by piece, or step by step.

    Reading in pieces, each from the state in which the last one ended, gives the numbers of reading the whole. Each
    layer of the model must follow `keras_seq.core.streaming.Streaming`, or read every step for itself, which a layer of
    one's own says by an attribute `is_stepwise = True`.

    Masking: as of the model; a step that is padding leaves the states of its row as they are.

    Args:
        model: a functional model of sequences, of `keras_seq.zoo` or loaded from a file: `language_model`,
            `music_model`, or `ner_model` with `bidirectional=False` and the head `"log_softmax"`.
        with_targets: of a language model, whether it takes `target_ids` and gives their log-probabilities alone, which
            is quicker with an adaptive softmax.
        batch_size, steps: the shape of the inputs, where it is fixed.

    Returns:
        A functional model. Inputs: those of the model, and the states, which are zeros before the first step
        (`initial_state(batch_size)` gives them); `target_ids` `(batch, steps)`. Outputs, a dictionary: the output of
        the model under the name of its last layer (with targets `(batch, steps)`), and the new states under their
        names: `state_` and that of the state, such as `state_h` and, of an LSTM, `state_c`, each
        `(batch, num_layers, units)`; where several layers have states, with the layer between: `state_lstm_0_h`.
        A file of it opens where `keras_seq.zoo.StreamingModel` was imported.

    Raises:
        ValueError: if a layer of the model needs more than what came before.

    Example:
        >>> from keras import ops
        >>> from keras_seq.zoo import language_model, streaming_model
        >>> stream = streaming_model(language_model(30, cell="gru", units=16, embedding_dim=8, num_layers=1))
        >>> states = stream.initial_state(1)
        >>> sorted(stream({"token_ids": ops.convert_to_tensor([[3]]), **states}))
        ['log_probs', 'state_h']
    """
    return _streaming_model(model, with_targets, batch_size, steps)


class IdStep:
    """One step of a model that reads ids, for loops that draw one id after another.

    What is the same at all steps is computed once, before the loop: weights are read, and what the first layer with
    states is to read, which depends on the id alone, is looked up in a table of all ids, where they are few and the
    layer follows `keras_seq.core.streaming.Projecting`.

    Masking: ids that are drawn are no padding; what the states become in a row that has ended means nothing.

    Args:
        model: as of `streaming_model`, with ids as its one input.
        num_ids: the number of ids.

    Raises:
        ValueError: as of `streaming_model`.

    Example:
        >>> import numpy as np
        >>> from keras_seq.zoo import language_model, streaming_model
        >>> from keras_seq.zoo.streaming import IdStep
        >>> model = language_model(30, cell="gru", units=16, embedding_dim=8, num_layers=1)
        >>> step = IdStep(model, 30).prepared()
        >>> log_probs, states = step(np.array([3]), streaming_model(model).initial_state(1))
        >>> log_probs.shape
        TensorShape([1, 30])
    """

    def __init__(self, model: keras.Model, num_ids: int) -> None:
        self._input_name, self._num_ids = model.inputs[0].name, num_ids
        cut: dict[str, tuple[Any, Tensor]] = {}
        self._model = _streaming_model(model, steps=1, cut=cut if num_ids <= MAX_TABLE_SIZE else None)
        ids = self._model.input[self._input_name]
        self._projecting = {name: (layer, keras.Model(ids, x)) for name, (layer, x) in cut.items()}

    def prepared(self) -> Callable[[Tensor, State], tuple[Tensor, State]]:
        """The step for `keras_seq.ops.decoding.sample_ids`. Call it in the function that holds the loop, outside of it.

        Returns:
            `step(token_ids, states) -> (output, states)`: token_ids int32 `(batch,)`, the output of the model after
            them `(batch, ...)`; states by the names that they have in `streaming_model`.
        """
        # A loop on TensorFlow that reads variables computes what nobody asks for, too.
        weights = [(weight, ops.copy(weight)) for weight in self._model.variables]
        ids = ops.expand_dims(ops.arange(self._num_ids, dtype="int32"), 1)
        tables = {
            name: layer.project(before(ids, training=False)) for name, (layer, before) in self._projecting.items()
        }

        def step(token_ids: Tensor, states: State) -> tuple[Tensor, State]:
            inputs = {self._input_name: ops.expand_dims(token_ids, 1), **states}
            inputs |= {name: ops.take(table, token_ids, axis=0) for name, table in tables.items()}
            with keras.StatelessScope(state_mapping=weights):
                outputs = dict(self._model(inputs, training=False))
            states = {name: outputs.pop(name) for name in states}
            (output,) = outputs.values()
            return ops.squeeze(output, 1), states

        return step


def target_model(model: keras.Model) -> keras.Model:
    """The same weights, giving the log-probabilities of given targets alone, for texts that stand alone.

    Args:
        model: of `keras_seq.zoo.language_model` or `name_generator_model`, or loaded from a file.

    Returns:
        A functional model: `token_ids` and `target_ids` int32 `(batch, steps)` -> float32 `(batch, steps)`, 0 where the
        target is padding.

    Raises:
        ValueError: if the model is of another kind.

    Example:
        >>> import numpy as np
        >>> from keras_seq.zoo import name_generator_model, target_model
        >>> ids = np.array([[2, 7, 9]], "int32")
        >>> target_model(name_generator_model(30, units=16))({"token_ids": ids, "target_ids": ids}).shape
        TensorShape([1, 3])
    """
    inputs = {name: keras.Input((None,), dtype="int32", name=name) for name in ("token_ids", "target_ids")}
    return keras.Model(inputs, _called_anew(model, inputs, {}), name=model.name)


def streaming_encoder(
    asker: str,
    encoder: Encoder | Mapping[str, Any] | None,
    own: Mapping[str, tuple[Any, Any]],
    dropout: float,
    needs: Sequence[str] = (),
) -> Callable[[Tensor], Tensor]:
    """What reads the steps in a model that predicts the next one.

    Args:
        asker: what messages call the model.
        encoder: the argument of its builder.
        own: the builder's arguments for a `RecurrentStack`, which it has without an encoder: each with its default,
            and `None` where it is not given.
        dropout: rate of dropout within it.
        needs: what the head needs of it.

    Returns:
        The stack, or what `Encoder.prepare` gives.

    Raises:
        ValueError: if both are given, or the encoder sees later steps, or does not stream.
    """
    check_no_other(encoder, **{name: given for name, (given, _) in own.items()})
    if encoder is None:
        arguments = {name: default if given is None else given for name, (given, default) in own.items()}
        return RecurrentStack(**arguments, dropout=dropout, name="recurrent")
    reader = make_encoder(encoder)
    check_needs(reader, ("streams", *needs), asker)
    return reader.prepare({"recurrent": dropout})


def why_not_streaming(model: keras.Model) -> str:
    """What keeps a model from being read in parts, and what to do; `""` if nothing does."""
    # A Sequential has no such graph.
    operations = getattr(model, "operations", [])
    for operation in operations:
        name, kind = operation.name, type(operation).__name__
        if isinstance(operation, Streaming):
            if isinstance(operation, TransformerStack) and operation.causal and operation.window is None:
                return f"whose {name!r} ({kind}) has a state that grows. Build it with a `window`."
            try:
                operation.initial_state(1)
            except ValueError as error:
                return str(error)
        elif not (
            isinstance(operation, (keras.layers.InputLayer, *STEPWISE_LAYERS))
            or getattr(operation, "is_stepwise", False)
            or (kind in STEPWISE_OPERATIONS and not isinstance(operation, keras.layers.Layer))
        ):
            return (
                f"whose {name!r} ({kind}) reads other steps than its own. Build it with `bidirectional=False` or a "
                "causal encoder, a tagger with the head 'log_softmax': a CRF decides by what comes later."
            )
    if any(isinstance(operation, Streaming) for operation in operations):
        return ""
    return "a graph without a layer that has states. Build it with `language_model` or an encoder that streams."


def _streaming_model(
    model: keras.Model,
    with_targets: bool = False,
    batch_size: int | None = None,
    steps: int | None = None,
    cut: dict[str, tuple[Any, Tensor]] | None = None,
) -> StreamingModel:
    """As `streaming_model`.

    Args:
        model, with_targets, batch_size, steps: as of it.
        cut: a dictionary, for models of one step: the first layer that has states then reads its projection, if it has
            one, from an input of its own; the dictionary gets the layer and what it would read, by the input's name.
    """
    if problem := why_not_streaming(model):
        raise ValueError(f"`model` must be one that can be read in parts. Received: model={model.name!r}, {problem}")
    streaming: dict[str, Any] = {layer.name: layer for layer in model.layers if isinstance(layer, Streaming)}
    states: dict[str, State] = {}
    for name, layer in streaming.items():
        prefix = STATE_PREFIX if len(streaming) == 1 else f"{STATE_PREFIX}{name}_"
        states[name] = {
            state: keras.Input(value.shape[1:], batch_size, dtype=value.dtype, name=prefix + state)
            for state, value in layer.initial_state(1).items()
        }
    inputs = {
        tensor.name: keras.Input((steps, *tensor.shape[2:]), batch_size, dtype=tensor.dtype, name=tensor.name)
        for tensor in model.inputs
    }
    first = next(iter(streaming.values()))
    projection = None
    if cut is not None and isinstance(first, Projecting) and first.projection_size is not None:
        name, shape = f"{first.name}_projection", (1, first.projection_size)
        projection = inputs[name] = keras.Input(shape, batch_size, dtype=first.compute_dtype, name=name)
    if with_targets:
        inputs["target_ids"] = keras.Input((steps,), batch_size, dtype="int32", name="target_ids")
    flat = {tensor.name: tensor for of_layer in states.values() for tensor in of_layer.values()}
    after: State = {}

    def read_on(layer: Any, x: Tensor, *, mask: Any = None, training: Any = None, **others: Any) -> Tensor:
        if layer.name not in states or any(value is not None for value in others.values()):
            raise ValueError(
                "`model` must call a layer that has states once, on a sequence and its mask. "
                f"Received: model={model.name!r}, whose {layer.name!r} gets more. Give every call a layer of its own."
            )
        before = states.pop(layer.name)
        if cut is not None and projection is not None and layer is first:
            cut[projection.name] = layer, x
            x, new = _Step(layer, projected=True)(projection, before)
        else:
            x, new = _Step(layer)(x, before, mask=mask)
        after.update({before[name].name: state for name, state in new.items()})
        return x

    output = _called_anew(model, inputs, flat, read_on)
    outputs = {model.output_names[0]: output, **{name: after[name] for name in flat}}
    return StreamingModel({**inputs, **flat}, outputs, name=f"{model.name}_streaming")


@register
class _Step(keras.layers.Layer):
    """The `step` of a layer, as a layer of a functional model."""

    def __init__(self, layer: Any, projected: bool = False, **kwargs: Any) -> None:
        super().__init__(**{"name": layer.name, "dtype": layer.dtype_policy, **kwargs})
        self.layer = layer
        self.options = {"projected": True} if projected else {}
        self.supports_masking = True
        self.built = True

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "layer": keras.saving.serialize_keras_object(self.layer), **self.options}

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> _Step:
        return cls(**{**config, "layer": keras.saving.deserialize_keras_object(config["layer"])})

    def call(
        self, x: Tensor, state: State, mask: Any = None, training: bool = False, x_mask: Any = None
    ) -> tuple[Tensor, State]:
        # Keras fills in `x_mask`, the mask that comes with x.
        mask = x_mask if mask is None else mask
        x, after = self.layer.step(x, state, mask=mask, training=training, **self.options)
        for name, value in state.items():
            # Loops ask that what goes round in them is known to keep its shape.
            if tuple(after[name].shape[1:]) != tuple(value.shape[1:]):
                after[name] = ops.reshape(after[name], (ops.shape(value)[0], *value.shape[1:]))
        return x, after

    def compute_mask(self, x: Tensor, previous_mask: Any) -> Any:
        # States have no mask: Keras goes through outputs and masks side by side, and the states come last.
        return (previous_mask,)


def _called_anew(
    model: keras.Model, inputs: Mapping[str, Tensor], states: State, read_on: Callable[..., Tensor] | None = None
) -> Tensor:
    """The output of the layers of a model, called on other inputs.

    Args:
        model: the model.
        inputs: in the place of its own by their names, and `target_ids` for a `TokenSoftmax`.
        states: what `read_on` connects to the output, besides.
        read_on: is called in the place of layers that have states, with the layer and its arguments.
    """
    target_ids = inputs.get("target_ids")

    def call(operation: Any, *args: Any, **kwargs: Any) -> Any:
        if read_on is not None and isinstance(operation, Streaming):
            return read_on(operation, *args, **kwargs)
        if target_ids is not None and isinstance(operation, TokenSoftmax):
            kwargs["target_ids"] = target_ids
        return operation(*args, **kwargs)

    if target_ids is not None and not any(isinstance(layer, TokenSoftmax) for layer in model.layers):
        raise ValueError(
            "`model` must come from `language_model` or `name_generator_model`. "
            f"Received: model={model.name!r} with the layers {', '.join(layer.name for layer in model.layers)}. "
            "Build it with one of them."
        )
    given = {**inputs, **states}
    # Keras connects a graph anew for inputs that the model has: here for more of them.
    wider = keras.Model({**given, **{tensor.name: tensor for tensor in model.inputs}}, model.outputs[0])
    return keras.models.clone_model(wider, given, clone_function=lambda layer: layer, call_function=call).outputs[0]
