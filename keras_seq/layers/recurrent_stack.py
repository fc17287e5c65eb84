"""Recurrent layers on top of each other, as `torch.nn.RNN`, `GRU` and `LSTM` stack them."""

from __future__ import annotations

import difflib
from typing import Any

import keras
from keras import ops

from keras_seq.core.checks import check_boolean, check_choice, check_positive_integer, check_rate
from keras_seq.core.registration import register
from keras_seq.core.streaming import State
from keras_seq.layers.bidirectional import Bidirectional
from keras_seq.layers.gru import GRU
from keras_seq.layers.lstm import LSTM
from keras_seq.layers.recurrent_layer import STATE_LETTERS, RecurrentLayer, check_sequences, step_mask
from keras_seq.layers.simple_rnn import SimpleRNN
from keras_seq.ops.recurrent_steps import ACTIVATIONS

Tensor = Any

CELLS = {"simple_rnn": SimpleRNN, "gru": GRU, "lstm": LSTM}


@register
class RecurrentStack(keras.layers.Layer):
    """One or more recurrent layers on top of each other, in one direction or both, as PyTorch's modules are.

    Each layer reads all outputs of the one below. `keras_seq.layers.load_torch_weights` takes the weights of a PyTorch
    module; outputs and final states are then those of the module.

    | `torch.nn.RNN`, `GRU`, `LSTM` | here |
    |---|---|
    | the class | `cell`: `"simple_rnn"`, `"gru"` (with `reset_after`), `"lstm"` |
    | `input_size` | read off the input |
    | `hidden_size` | `units` |
    | `num_layers` | `num_layers` |
    | `nonlinearity` (RNN alone) | `activation` |
    | `bias` | `use_bias` |
    | `batch_first` (`False` by default) | `batch_first` (`True` by default) |
    | `dropout` | `dropout`: between layers, a place of its own at each step, not after the last layer |
    | `bidirectional` | `bidirectional`: outputs are `[h_forward, h_backward]` |
    | `output` | the outputs, with `return_sequences=True` |
    | `h_n`, `c_n` | the final states, with `return_state=True` |
    | `h_0`, `(h_0, c_0)` | the call argument `initial_state` |
    | lengths, `pack_padded_sequence` | the call argument `mask` |

    The equations are in `SimpleRNN`, `GRU` and `LSTM`. A stack that reads forwards follows
    `keras_seq.core.streaming.Streaming`: its states are `h` and, of an LSTM, `c`, `(batch, num_layers, units)` each.

    Masking: any mask, in every layer. A masked step carries the states on, wherever it stands; its output is the last
    real output (zeros if there is none yet). The mask is passed on with the outputs, unless `batch_first=False`: beside
    outputs that are `(steps, batch, ...)`, Keras would read a mask `(batch, steps)` wrongly.

    Args:
        cell: `"simple_rnn"`, `"gru"` or `"lstm"`.
        units: size of the state of each layer, per direction.
        num_layers: number of layers.
        bidirectional: whether each layer reads in both directions.
        dropout: the rate at which outputs are dropped between layers, while training.
        weight_dropout: the rate at which weights between states are dropped, while training; PyTorch has no such thing.
        activation: `"tanh"` or `"relu"`.
        use_bias: whether the layers have biases.
        batch_first: whether sequences are `(batch, steps, ...)`; `False`: `(steps, batch, ...)`, in and out.
        return_sequences: whether the outputs of all steps are returned, or the last one alone.
        return_state: whether the final states are returned as well.
        fused: which loop over time the layers run: see `LSTM`.

    Call arguments:
        sequences: `(batch, steps, features)`, floating.
        initial_state: h, `(num_layers * directions, batch, units)`, in the order layer 0 forward, layer 0 backward,
            layer 1 forward, ...; for the LSTM `(h, c)`. Zeros if `None`.
        mask: `(batch, steps)` boolean, `True` = real step, for either `batch_first`.
        training: whether dropout acts.
        sequences_mask: the mask that comes with the sequences: Keras fills it in where `initial_state` is given.

    Returns:
        Outputs `(batch, steps, directions * units)`, or the last one `(batch, directions * units)` without
        `return_sequences`. With `return_state` a tuple: outputs, h, and for the LSTM c, stacked as `initial_state` is.

    Raises:
        TypeError: if an argument has a wrong type.
        ValueError: if an argument is out of range or a shape does not fit.

    Example:
        >>> import numpy as np
        >>> from keras_seq.layers import RecurrentStack
        >>> stack = RecurrentStack("lstm", 8, num_layers=2, bidirectional=True, return_state=True)
        >>> outputs, h, c = stack(np.ones((2, 5, 3), "float32"))
        >>> outputs.shape, h.shape
        (TensorShape([2, 5, 16]), TensorShape([4, 2, 8]))

    Reference:
        Graves, Mohamed and Hinton, "Speech Recognition with Deep Recurrent Neural Networks", ICASSP 2013.
    """

    def __init__(
        self,
        cell: str,
        units: int,
        *,
        num_layers: int = 1,
        bidirectional: bool = False,
        dropout: float = 0.0,
        weight_dropout: float = 0.0,
        activation: str = "tanh",
        use_bias: bool = True,
        batch_first: bool = True,
        return_sequences: bool = True,
        return_state: bool = False,
        fused: bool | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        _check_cell(cell)
        check_positive_integer("units", units)
        check_positive_integer("num_layers", num_layers)
        check_rate("dropout", dropout)
        check_rate("weight_dropout", weight_dropout)
        check_choice("activation", activation, ACTIVATIONS)
        for name, value in (
            ("bidirectional", bidirectional),
            ("use_bias", use_bias),
            ("batch_first", batch_first),
            ("return_sequences", return_sequences),
            ("return_state", return_state),
        ):
            check_boolean(name, value)
        if fused is not None:
            check_boolean("fused", fused)
        self.cell = cell
        self.units = units
        self.num_layers = num_layers
        self.bidirectional = bidirectional
        self.dropout = dropout
        self.weight_dropout = weight_dropout
        self.activation = activation
        self.use_bias = use_bias
        self.batch_first = batch_first
        self.return_sequences = return_sequences
        self.return_state = return_state
        self.fused = fused
        self.supports_masking = True
        self.recurrent_layers = [self._make_layer(index) for index in range(num_layers)]
        self.dropout_layers = [
            keras.layers.Dropout(dropout, name=f"dropout_{index}", dtype=self.dtype_policy)
            for index in range(num_layers - 1)
        ]

    @property
    def num_directions(self) -> int:
        """2 if each layer reads in both directions, else 1."""
        return 2 if self.bidirectional else 1

    @property
    def num_states(self) -> int:
        """2 for the LSTM (h and c), else 1."""
        return 2 if self.cell == "lstm" else 1

    def directions(self) -> list[RecurrentLayer]:
        """The recurrent layers in the order of the stacked states: layer 0 forward, layer 0 backward, layer 1 ..."""
        if not self.bidirectional:
            return list(self.recurrent_layers)
        return [part for layer in self.recurrent_layers for part in (layer.forward_layer, layer.backward_layer)]

    def initial_state(self, batch_size: Any) -> State:
        """As of `Streaming`.

        Raises:
            ValueError: if the stack reads in both directions, gives its last output alone, or has steps first.
        """
        self._check_streams()
        shape = (batch_size, self.num_layers, self.units)
        return {letter: ops.zeros(shape, self.compute_dtype) for letter in STATE_LETTERS[: self.num_states]}

    @property
    def projection_size(self) -> int | None:
        """As of `Projecting`."""
        return self.recurrent_layers[0].projection_size

    def project(self, x: Tensor) -> Tensor:
        """As of `Projecting`."""
        return self.recurrent_layers[0].project(x)

    def step(
        self, x: Tensor, state: State, mask: Tensor | None = None, training: bool = False, projected: bool = False
    ) -> tuple[Tensor, State]:
        """As of `Streaming`."""
        self._check_streams()
        after: list[State] = []
        for index, layer in enumerate(self.recurrent_layers):
            if index:
                x = self.dropout_layers[index - 1](x, training=training)
            before = {name: value[:, index] for name, value in state.items()}
            x, of_layer = layer.step(x, before, mask, training, projected and not index)
            after.append(of_layer)
        return x, {name: ops.stack([of_layer[name] for of_layer in after], axis=1) for name in state}

    def build(self, sequences_shape: Any, initial_state_shape: Any = None) -> None:
        _, _, features = self._batch_first_shape(sequences_shape)
        width = self.num_directions * self.units
        for index, layer in enumerate(self.recurrent_layers):
            layer.build((None, None, width if index else features))
        self.built = True

    def call(
        self,
        sequences: Tensor,
        initial_state: Any = None,
        mask: Any = None,
        training: bool | None = None,
        sequences_mask: Any = None,
    ) -> Any:
        mask = sequences_mask if mask is None else mask
        features = self.directions()[0].cell.kernel.shape[0]
        x = sequences if self.batch_first or len(sequences.shape) != 3 else ops.transpose(sequences, (1, 0, 2))
        mask = check_sequences(self.name, x, mask, features)
        initial_states = self._states_of_layers(initial_state)
        states: list[Tensor] = []
        for index, layer in enumerate(self.recurrent_layers):
            if index:
                x = self.dropout_layers[index - 1](x, training=training)
            x, *of_layer = layer(x, initial_state=initial_states[index], mask=mask, training=training)
            states += of_layer
        if self.return_sequences and not self.batch_first:
            x = ops.transpose(x, (1, 0, 2))
        if not self.return_state:
            return x
        return (x, *(ops.stack(states[letter :: self.num_states]) for letter in range(self.num_states)))

    def compute_mask(self, inputs: Any, previous_mask: Any = None) -> Any:
        mask = step_mask(previous_mask) if self.return_sequences and self.batch_first else None
        return [mask, *[None] * self.num_states] if self.return_state else mask

    def compute_output_shape(self, sequences_shape: Any, initial_state_shape: Any = None) -> Any:
        batch, steps, _ = self._batch_first_shape(sequences_shape)
        width = self.num_directions * self.units
        if not self.return_sequences:
            outputs: tuple = (batch, width)
        else:
            outputs = (batch, steps, width) if self.batch_first else (steps, batch, width)
        if not self.return_state:
            return outputs
        state = (self.num_layers * self.num_directions, batch, self.units)
        return (outputs, *[state] * self.num_states)

    def get_config(self) -> dict[str, Any]:
        names = (
            "cell",
            "units",
            "num_layers",
            "bidirectional",
            "dropout",
            "weight_dropout",
            "activation",
            "use_bias",
            "batch_first",
            "return_sequences",
            "return_state",
            "fused",
        )
        return {**super().get_config(), **{name: getattr(self, name) for name in names}}

    def _make_layer(self, index: int) -> Any:
        layer = CELLS[self.cell](
            self.units,
            activation=self.activation,
            use_bias=self.use_bias,
            weight_dropout=self.weight_dropout,
            fused=self.fused,
            return_sequences=self.return_sequences or index < self.num_layers - 1,
            return_state=True,
            dtype=self.dtype_policy,
            name=f"{self.cell}_{index}",
        )
        if not self.bidirectional:
            return layer
        return Bidirectional(layer, dtype=self.dtype_policy, name=f"bidirectional_{index}")

    def _check_streams(self) -> None:
        if self.bidirectional or not self.return_sequences or not self.batch_first:
            raise ValueError(
                f"the layer {self.name!r} must read forwards and return all outputs, batch first, to be read in parts. "
                f"Received: bidirectional={self.bidirectional}, return_sequences={self.return_sequences}, "
                f"batch_first={self.batch_first}. Build it with the defaults."
            )

    def _batch_first_shape(self, shape: Any) -> tuple:
        if len(shape) != 3 or shape[-1] is None:
            axes = "(batch, steps, features)" if self.batch_first else "(steps, batch, features)"
            raise ValueError(
                f"`sequences` of {self.name!r} must have the 3 axes {axes}, the last of a known size. "
                f"Received: shape={tuple(shape)}. Add the missing axis, or give `keras.Input` the last size."
            )
        return tuple(shape) if self.batch_first else (shape[1], shape[0], shape[2])

    def _states_of_layers(self, initial_state: Any) -> list:
        """What each layer begins with: the states of its forward direction, then those of its backward one."""
        if initial_state is None:
            return [None] * self.num_layers
        given = keras.tree.flatten(initial_state)
        count = self.num_layers * self.num_directions
        shapes = [tuple(state.shape) for state in given]
        if len(shapes) != self.num_states or any(
            len(shape) != 3 or shape[0] != count or shape[2] != self.units for shape in shapes
        ):
            letters = ", ".join(STATE_LETTERS[: self.num_states])
            raise ValueError(
                f"`initial_state` of {self.name!r} must be {letters}, each of shape "
                f"(num_layers * directions, batch, units) = ({count}, batch, {self.units}). "
                f"Received: shapes {shapes}. Stack one state per layer and direction."
            )
        return [
            [
                state[index * self.num_directions + direction]
                for direction in range(self.num_directions)
                for state in given
            ]
            for index in range(self.num_layers)
        ]


def _check_cell(cell: Any) -> None:
    if isinstance(cell, str) and cell in CELLS:
        return
    closest = difflib.get_close_matches(str(cell).lower(), CELLS, n=1, cutoff=0.0)[0]
    listed = ", ".join(repr(name) for name in CELLS)
    raise ValueError(f"`cell` must be one of {listed}. Received: cell={cell!r}. Did you mean {closest!r}?")
