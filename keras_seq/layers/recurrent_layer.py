"""What SimpleRNN, GRU and LSTM share: the fused loop, any mask, a learned initial state, checked arguments."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING, Any

import keras
from keras import ops

from keras_seq.core.checks import check_boolean, check_positive_integer, check_rate
from keras_seq.core.streaming import State
from keras_seq.ops.recurrence import has_gpu, run_recurrence
from keras_seq.ops.recurrent_steps import ACTIVATIONS, Direction, RecurrentStep

Tensor = Any

# To the type checker the mixin is what it is mixed into.
_Base: Any = keras.layers.RNN if TYPE_CHECKING else object

STATE_LETTERS = ("h", "c")
STOCK_CELLS = (keras.layers.SimpleRNNCell, keras.layers.GRUCell, keras.layers.LSTMCell)
FUSED_SETTINGS = (
    "tanh or ReLU, sigmoid gates and the stock cell, without recurrent dropout, unrolling, and dropout with "
    "`implementation=1`"
)


class RecurrentLayer(_Base):
    """Mixed in before a stock recurrent layer, so that its loop over time is that of `keras_seq.ops.recurrence`.

    A subclass says what a step computes (`network`) and where its weights are (`direction`). A layer that reads
    forwards follows `keras_seq.core.streaming.Streaming`: its states are `h` and, of an LSTM, `c`, `(batch, units)`.

    Args:
        units: size of the state.
        learn_initial_state: whether the state before the first step is trained (it starts at zero).
        weight_dropout: rate at which single weights between states (`recurrent_kernel`) are dropped while training, the
            same ones at all steps and in all rows of a batch (Merity et al., "Regularizing and Optimizing LSTM Language
            Models", ICLR 2018).
        fused: which loop over time runs. `None`: the fused one, whose gradient is derived by hand, where it computes
            exactly what the stock layer does, else the plain one, of Keras. `False`: always the plain one, which can be
            differentiated any number of times and, under JAX, in forward mode. `True`: the fused one, or an error.
    """

    def __init__(
        self,
        units: int,
        *args: Any,
        learn_initial_state: bool = False,
        weight_dropout: float = 0.0,
        fused: bool | None = None,
        **kwargs: Any,
    ) -> None:
        check_cell_arguments(units, kwargs)
        check_boolean("learn_initial_state", learn_initial_state)
        check_rate("weight_dropout", weight_dropout)
        if fused is not None:
            check_boolean("fused", fused)
        if learn_initial_state and kwargs.get("stateful"):
            raise ValueError(
                "`learn_initial_state` must be False in a stateful layer: its initial state is where the last batch "
                "ended. Received: learn_initial_state=True, stateful=True. Choose one of them."
            )
        super().__init__(units, *args, **kwargs)
        self.learn_initial_state = learn_initial_state
        self.weight_dropout = weight_dropout
        self.fused = fused
        # How many loops run at a time, this layer's among them; set by what wraps it.
        self.num_side_by_side = 1
        if fused and not self.is_standard:
            raise ValueError(
                f"`fused` must be None or False with these settings: the fused loop has {FUSED_SETTINGS}. "
                "Received: fused=True. Leave it out: the plain loop then runs."
            )
        if weight_dropout and not self.is_fused:
            raise ValueError(
                f"`weight_dropout` must be 0 where the plain loop runs: the fused one has {FUSED_SETTINGS}. "
                f"Received: weight_dropout={weight_dropout!r}. Set it to 0."
            )
        # Checked in `build` and `call`, with an error that names the argument.
        self.input_spec = None

    @property
    def network(self) -> RecurrentStep:
        """What this layer computes at a step, for `keras_seq.ops.recurrence.run_recurrence`."""
        raise NotImplementedError

    def direction(self, sequences: Tensor, initial_states: Any, training: bool) -> Direction:
        """What one direction runs on: the sequences after input dropout, the states, and the weights."""
        cell = self.cell
        recurrent_kernel = cell.recurrent_kernel
        if training and self.weight_dropout:
            recurrent_kernel = keras.random.dropout(
                ops.convert_to_tensor(recurrent_kernel), self.weight_dropout, seed=cell.seed_generator
            )
        return Direction(
            sequences=self._drop_inputs(sequences, training),
            initial_states=tuple(initial_states),
            kernel=cell.kernel,
            bias=cell.bias if self.use_bias else None,
            recurrent_weights=(recurrent_kernel,),
            reverse=self.go_backwards,
        )

    @property
    def is_standard(self) -> bool:
        """Whether the fused loop computes these settings; all others run in the plain loop of Keras."""
        return (
            self.activation in (keras.activations.tanh, keras.activations.relu)
            and getattr(self, "recurrent_activation", keras.activations.sigmoid) is keras.activations.sigmoid
            and not self.recurrent_dropout
            and not self.unroll
            and not self._drops_each_gate
            and type(self.cell) in STOCK_CELLS
        )

    @property
    def is_fused(self) -> bool:
        """Whether the fused loop runs."""
        return self.fused is not False and self.is_standard

    @property
    def _drops_each_gate(self) -> bool:
        """Whether the stock cell drops inputs anew for each gate."""
        return bool(self.dropout) and getattr(self.cell, "implementation", 2) == 1

    def takes_cudnn(self, mask: Any, training: Any) -> bool:
        """Whether the stock layer is to try cuDNN: on a GPU, in training alone, so that no exported graph holds it, and
        without a mask, for it takes only some. Where it cannot, the stock layer runs its own loop."""
        if self.weight_dropout or self.fused is False or self._drops_each_gate:
            return False
        return bool(training) and mask is None and getattr(self, "use_cudnn", False) in (True, "auto") and has_gpu()

    def build(self, sequences_shape: Any, initial_state_shape: Any = None) -> None:
        _check_rank(self.name, sequences_shape)
        if sequences_shape[-1] is None:
            raise ValueError(
                f"`sequences` must have a known number of features to build the layer {self.name!r}. "
                f"Received: shape={tuple(sequences_shape)}. Give `keras.Input` the last size."
            )
        super().build(sequences_shape)
        if self.learn_initial_state:
            for letter, size in zip(STATE_LETTERS, self.state_size, strict=False):
                weight = self.add_weight(shape=(size,), name=f"initial_{letter}", initializer="zeros")
                setattr(self, f"initial_{letter}", weight)

    def call(
        self,
        sequences: Tensor,
        initial_state: Any = None,
        mask: Any = None,
        training: bool = False,
        sequences_mask: Any = None,
    ) -> Any:
        # Keras gives the mask that comes with the sequences this name where there is an initial state beside them.
        mask = sequences_mask if mask is None else mask
        mask = check_sequences(self.name, sequences, mask, self.cell.kernel.shape[0])
        if initial_state is not None:
            initial_state = check_initial_state(self.name, initial_state, self.state_size, sequences)
        sequences = ops.cast(sequences, self.compute_dtype)
        states = self.states if self.stateful and initial_state is None else initial_state
        if sequences.shape[0] is None and states and states[0].shape[0] is not None:
            # The states know the number of rows: loops ask that what goes round in them keeps its shape.
            sequences = ops.reshape(sequences, (states[0].shape[0], ops.shape(sequences)[1], sequences.shape[2]))
        self._draw_dropout_masks(sequences)
        if sequences.shape[1] != 0:
            return super().call(sequences, initial_state=initial_state, mask=mask, training=training)
        # The loops of Keras read a first step: it is one of padding, over which the states are carried.
        sequences = ops.pad(sequences, [[0, 0], [0, 1], [0, 0]])
        mask = ops.zeros(ops.shape(sequences)[:2], "bool")
        result = super().call(sequences, initial_state=initial_state, mask=mask, training=training)
        if not self.return_sequences:
            return result
        return (result[0][:, :0], *result[1:]) if self.return_state else result[:, :0]

    def compute_mask(self, inputs: Any, mask: Any = None) -> Any:
        return super().compute_mask(inputs, step_mask(mask))

    def get_initial_state(self, batch_size: Any) -> list[Tensor]:
        if not self.learn_initial_state:
            return super().get_initial_state(batch_size)
        weights = [getattr(self, f"initial_{letter}") for letter in STATE_LETTERS[: len(self.state_size)]]
        return [
            ops.broadcast_to(ops.cast(weight, self.compute_dtype), (batch_size, weight.shape[0])) for weight in weights
        ]

    def initial_state(self, batch_size: Any) -> State:
        """As of `Streaming`.

        Raises:
            ValueError: if the layer reads backwards, gives its last output alone, or does not begin with zeros.
        """
        self._check_streams()
        return dict(zip(STATE_LETTERS, self.get_initial_state(batch_size), strict=False))

    @property
    def projection_size(self) -> int | None:
        """As of `Projecting`; the plain loop has no projection."""
        return self.cell.kernel.shape[1] if self.is_fused else None

    def project(self, x: Tensor) -> Tensor:
        """As of `Projecting`: the inputs' share of the pre-activations, `(..., gates * units)`."""
        direction = self.direction(x, (), False)
        x = ops.matmul(ops.cast(x, self.compute_dtype), self._as_computed(direction.kernel))
        return x if direction.bias is None else x + self._as_computed(direction.bias)

    def step(
        self, x: Tensor, state: State, mask: Tensor | None = None, training: bool = False, projected: bool = False
    ) -> tuple[Tensor, State]:
        """As of `Streaming`."""
        self._check_streams()
        letters = STATE_LETTERS[: len(state)]
        states = [ops.cast(state[letter], self.compute_dtype) for letter in letters]
        if projected:
            x, states = self._one_step(ops.squeeze(x, 1), states, mask)
        elif x.shape[1] == 0:
            # The loops of Keras read a first step.
            x = ops.zeros((ops.shape(x)[0], 0, self.units), self.compute_dtype)
        elif x.shape[1] == 1 and self.is_fused and not training:
            x, states = self._one_step(self.project(x[:, 0]), states, mask)
        else:
            self._draw_dropout_masks(x)
            _, x, states = self.inner_loop(x, states, mask, training=training)
        return x, dict(zip(letters, states, strict=True))

    def _check_streams(self) -> None:
        names = ("go_backwards", "stateful", "learn_initial_state", "zero_output_for_mask")
        settings = {name: getattr(self, name) for name in names}
        if any(settings.values()) or not self.return_sequences:
            listed = ", ".join(f"{name}={value}" for name, value in settings.items())
            raise ValueError(
                f"the layer {self.name!r} must read forwards, from zeros, and return all outputs, to be read in parts. "
                f"Received: return_sequences={self.return_sequences}, {listed}. Build it without these."
            )

    def _one_step(self, x: Tensor, states: Any, mask: Tensor | None) -> tuple[Tensor, list[Tensor]]:
        """What the loop gives for one step, without a loop, of what `project` gave."""
        weights = [self._as_computed(weight) for weight in self.direction(x, states, False).recurrent_weights]
        after, _ = self.network.forward(x, tuple(states), weights)
        if mask is not None:
            after = tuple(ops.where(mask, new, old) for new, old in zip(after, states, strict=True))
        return ops.expand_dims(after[0], 1), list(after)

    def _as_computed(self, weight: Any) -> Tensor:
        return ops.cast(ops.convert_to_tensor(weight), self.compute_dtype)

    def inner_loop(self, sequences: Tensor, initial_state: Any, mask: Any, training: bool = False) -> tuple:
        states = keras.tree.flatten(initial_state)
        if self.takes_cudnn(mask, training):
            return super().inner_loop(sequences, states, mask, training=training)
        if not self.is_fused:
            # Not `super()`: the stock layer may call cuDNN, which takes no left-padded mask and cannot be served on a
            # CPU.
            return keras.layers.RNN.inner_loop(self, sequences, states, mask, training=training)
        outputs, states = run_recurrence(
            self.network,
            self.direction(sequences, states, training),
            mask=mask,
            training=training,
            num_side_by_side=self.num_side_by_side,
        )
        last = self.last_output(outputs, states, mask)
        outputs = self.all_outputs(outputs, mask)
        return last, turned_round(outputs) if self.go_backwards else outputs, list(states)

    def all_outputs(self, outputs: Tensor, mask: Tensor | None) -> Tensor:
        """The outputs of all steps, aligned with the input steps, with zeros where no real step stands behind them."""
        if mask is None:
            return outputs
        shown = mask
        if not self.zero_output_for_mask:
            counts = ops.cast(mask, "int32")
            counts = ops.flip(ops.cumsum(ops.flip(counts, 1), 1), 1) if self.go_backwards else ops.cumsum(counts, 1)
            shown = counts > 0
        return ops.where(ops.expand_dims(shown, -1), outputs, ops.zeros_like(outputs))

    def last_output(self, outputs: Tensor, states: Any, mask: Tensor | None) -> Tensor:
        """The output after the last step that is read: the final state, but zeros where no real step stands behind it,
        or where that step is masked and `zero_output_for_mask`."""
        if mask is None:
            return states[0]
        shown = mask[:, 0 if self.go_backwards else -1] if self.zero_output_for_mask else ops.any(mask, axis=1)
        return ops.where(ops.expand_dims(shown, -1), states[0], ops.zeros_like(states[0]))

    def get_config(self) -> dict[str, Any]:
        # What is at its default is left out: the config then is one of the stock layer too.
        own = {"learn_initial_state": False, "weight_dropout": 0.0, "fused": None}
        return {
            **super().get_config(),
            **{name: getattr(self, name) for name, default in own.items() if getattr(self, name) != default},
        }

    def _draw_dropout_masks(self, sequences: Tensor) -> None:
        """Draw the masks of the cell, which keeps them until the stock layer has run: it would take their shape off the
        first step, which a batch without steps has not."""
        self.cell.reset_dropout_mask()
        self.cell.reset_recurrent_dropout_mask()
        rows = ops.shape(sequences)[0]
        self.cell.get_dropout_mask(ops.zeros((rows, self.cell.kernel.shape[0]), sequences.dtype))
        self.cell.get_recurrent_dropout_mask(ops.zeros((rows, self.units), sequences.dtype))

    def _activation_name(self) -> str:
        return {keras.activations.tanh: ACTIVATIONS[0], keras.activations.relu: ACTIVATIONS[1]}[self.activation]

    def _drop_inputs(self, sequences: Tensor, training: bool) -> Tensor:
        """Input dropout with one mask for all steps, as the stock cell does it."""
        if not (training and self.dropout):
            return sequences
        return sequences * ops.expand_dims(self.cell.get_dropout_mask(sequences[:, 0, :]), 1)


def check_cell_arguments(units: Any, arguments: dict[str, Any]) -> None:
    """Raise unless `units` is a positive integer and the dropout rates are rates (the stock cells clamp them)."""
    check_positive_integer("units", units)
    for name in ("dropout", "recurrent_dropout"):
        check_rate(name, arguments.get(name, 0.0))


def check_sequences(name: str, sequences: Tensor, mask: Any, features: int) -> Tensor | None:
    """Raise unless the sequences are `(batch, steps, features)` and the mask `(batch, steps)`, where shapes are known.

    Args:
        name: name of the layer, for the message.
        sequences: what the layer was called on.
        mask: the mask it was given, also in a list or `(batch, steps, 1)` as stock layers take it; or `None`.
        features: size of the last axis that the layer was built for.

    Returns:
        The mask, `(batch, steps)` boolean, or `None`.

    Raises:
        ValueError: if a shape does not fit.
    """
    shape = tuple(sequences.shape)
    _check_rank(name, shape)
    if shape[2] is not None and shape[2] != features:
        raise ValueError(
            f"`sequences` must have {features} features, for which the layer {name!r} was built. "
            f"Received: shape={shape}. Pass sequences of {features} features, or make a new layer."
        )
    of_steps = step_mask(mask)
    if of_steps is None:
        return None
    received = tuple(of_steps.shape)
    fits = len(received) == 2 and all(
        a is None or b is None or a == b for a, b in zip(received, shape[:2], strict=True)
    )
    if not fits:
        raise ValueError(
            f"`mask` of {name!r} must have the shape (batch, steps) of the sequences, {shape[:2]}. "
            f"Received: shape={tuple(keras.tree.flatten(mask)[0].shape)}. Pass one boolean per step, True = real step."
        )
    return ops.cast(of_steps, "bool")


def check_initial_state(name: str, initial_state: Any, sizes: Any, sequences: Tensor) -> list[Tensor]:
    """Raise unless the states are as many as the sizes, `(batch, size)` each, where shapes are known.

    Args:
        name: name of the layer, for the message.
        initial_state: what the layer was given: a state, or some in a list.
        sizes: the sizes of its states, in order.
        sequences: what it was called on, `(batch, steps, features)`.

    Returns:
        The states, `(batch, size)` each: one that has a single row is that of all rows.

    Raises:
        ValueError: if the states do not fit.
    """
    states = keras.tree.flatten(initial_state)
    batch = sequences.shape[0]
    shapes = [tuple(state.shape) for state in states]
    fits = len(shapes) == len(sizes) and all(
        len(shape) == 2 and shape[1] == size and (None in (shape[0], batch) or shape[0] in (1, batch))
        for shape, size in zip(shapes, sizes, strict=True)
    )
    if not fits:
        expected = ", ".join(f"({'batch' if batch is None else batch}, {size})" for size in sizes)
        raise ValueError(
            f"`initial_state` of {name!r} must hold {len(sizes)} tensor(s) of the shapes {expected}. "
            f"Received: shapes {shapes}. Pass one state per state of the layer."
        )
    rows = ops.shape(sequences)[0]
    return [
        ops.broadcast_to(state, (rows, shape[1])) if shape[0] == 1 and batch != 1 else state
        for state, shape in zip(states, shapes, strict=True)
    ]


def turned_round(outputs: Tensor) -> Tensor:
    """The steps of `(batch, steps, ...)` from the last to the first; of what came from here, what it was made of.

    A layer that reads backwards gives its outputs in the order of reading, and a wrapper turns them round once more:
    where a tensor can carry its origin, as it carries a Keras mask, nothing is copied.
    """
    origin = getattr(outputs, "_keras_seq_origin", None)
    if origin is not None:
        return origin
    turned = ops.flip(outputs, axis=1)
    with contextlib.suppress(AttributeError):
        turned._keras_seq_origin = outputs
    return turned


def step_mask(mask: Any) -> Tensor | None:
    """The mask of the sequences: the first in a list, without the last axis of `(batch, steps, 1)`."""
    parts = keras.tree.flatten(mask)
    if not parts or parts[0] is None:
        return None
    mask = parts[0] if hasattr(parts[0], "shape") else ops.convert_to_tensor(parts[0])
    return ops.squeeze(mask, -1) if len(mask.shape) == 3 and mask.shape[2] == 1 else mask


def _check_rank(name: str, shape: Any) -> None:
    if len(shape) != 3:
        raise ValueError(
            f"`sequences` of {name!r} must have the 3 axes (batch, steps, features). "
            f"Received: shape={tuple(shape)}. Add the missing axis, for instance with `keras.ops.expand_dims`."
        )
