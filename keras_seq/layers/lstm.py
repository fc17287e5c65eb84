"""The long short-term memory layer, and its cell."""

from __future__ import annotations

from typing import Any

import keras

from keras_seq.core.registration import register
from keras_seq.layers.recurrent_layer import RecurrentLayer, check_cell_arguments
from keras_seq.ops.recurrent_steps import LSTMStep


@register
class LSTMCell(keras.layers.LSTMCell):
    """One step of a long short-term memory: `keras.layers.LSTMCell` with checked arguments.

    Use it where you write the loop over time yourself, or in `keras.layers.RNN`; `LSTM` is quicker. The equations stand
    there.

    Args:
        units: size of the states. All further arguments are those of `keras.layers.LSTMCell`.

    Call arguments:
        inputs: `(batch, features)`, one step.
        states: `[h, c]` before the step, each `(batch, units)`.
        training: whether dropout acts.

    Returns:
        `h` after the step, and the new `[h, c]`.

    Raises:
        ValueError: if `units` or a rate is out of range.

    Example:
        >>> import numpy as np
        >>> from keras_seq.layers import LSTMCell
        >>> h, states = LSTMCell(4)(np.ones((2, 3), "float32"), [np.zeros((2, 4), "float32")] * 2)
        >>> h.shape, len(states)
        (TensorShape([2, 4]), 2)

    Reference:
        Hochreiter and Schmidhuber, "Long Short-Term Memory", Neural Computation 9(8), 1997.
    """

    def __init__(self, units: int, *args: Any, **kwargs: Any) -> None:
        check_cell_arguments(units, kwargs)
        super().__init__(units, *args, **kwargs)


@register
class LSTM(RecurrentLayer, keras.layers.LSTM):
    """Long short-term memory: `keras.layers.LSTM` with a quicker training step and any mask.

    Same constructor, same weights in the same order, same outputs: `set_weights(stock.get_weights())` gives the numbers
    of the stock layer. Use it wherever the stock layer stands. The fused loop serves tanh and ReLU with sigmoid gates,
    without recurrent dropout and unrolling; every other setting runs the plain loop of Keras.

    Equations, with Keras' gate order i, f, c, o, and `*` element by element:

        i = sigmoid(x W_i + h U_i + b_i)          input (update) gate
        f = sigmoid(x W_f + h U_f + b_f)          forget gate
        g = tanh(x W_c + h U_c + b_c)             candidate
        o = sigmoid(x W_o + h U_o + b_o)          output gate
        c' = f * c + i * g                        cell state
        h' = o * tanh(c')                         hidden state

    | textbook | here |
    |---|---|
    | update gate (Gamma_u), input gate i | `i`, first quarter of the weights |
    | forget gate (Gamma_f) | `f`, second quarter; its bias starts at 1 (`unit_forget_bias`) |
    | candidate c~, g | `g`, third quarter |
    | output gate (Gamma_o) | `o`, fourth quarter |
    | W_ix, W_fx, W_cx, W_ox | quarters of `kernel` (features, 4 units) |
    | W_ih, W_fh, W_ch, W_oh | quarters of `recurrent_kernel` (units, 4 units) |
    | b_i, b_f, b_c, b_o | quarters of `bias` (4 units,) |
    | h_0, c_0 | `initial_h`, `initial_c` (units,), with `learn_initial_state` |

    Masking: a masked step carries the state on, wherever it stands; its output is the last real output (zeros if there
    is none yet, or everywhere with `zero_output_for_mask`). Left, right and inner padding never change a real step.

    Args:
        units: size of the state.
        learn_initial_state: whether h_0 and c_0 are trained; zeros otherwise. What is trained comes first in
            `get_weights()`.
        weight_dropout: rate at which single weights of `recurrent_kernel` are dropped while training, the same ones at
            all steps and in all rows.
        fused: which loop over time runs. `None` (default): the fused one, with a gradient derived by hand, wherever it
            computes what the stock layer does, else the plain one of Keras. `False`: always the plain one: slower, but
            under JAX it can also be differentiated in forward mode (`jax.jvp`, `jax.jacfwd`). `True`: the fused one,
            or an error where settings rule it out.
            All further arguments are those of `keras.layers.LSTM`.

    Call arguments:
        sequences: `(batch, steps, features)`, floating.
        initial_state: list `[h, c]`, each `(batch, units)`; zeros, or the learned states, if `None`.
        mask: `(batch, steps)` boolean, `True` = real step.
        training: whether dropout acts.
        sequences_mask: filled in by Keras: the mask that comes with the sequences, if a state is given beside them.

    Returns:
        `(batch, steps, units)` with `return_sequences`, else `(batch, units)`; with `return_state` also `h` and `c`.

    Raises:
        ValueError: if an argument is out of range or a shape does not fit.

    Example:
        >>> import numpy as np
        >>> from keras_seq.layers import LSTM
        >>> LSTM(8, return_sequences=True)(np.ones((2, 5, 3), "float32")).shape
        TensorShape([2, 5, 8])

    Reference:
        Hochreiter and Schmidhuber, "Long Short-Term Memory", Neural Computation 9(8), 1997;
        Gers, Schmidhuber and Cummins, "Learning to Forget", Neural Computation 12(10), 2000.
    """

    @property
    def network(self) -> LSTMStep:
        return LSTMStep(self._activation_name())
