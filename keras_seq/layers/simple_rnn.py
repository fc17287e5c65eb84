"""The simple recurrent layer of Elman, and its cell."""

from __future__ import annotations

from typing import Any

import keras

from keras_seq.core.registration import register
from keras_seq.layers.recurrent_layer import RecurrentLayer, check_cell_arguments
from keras_seq.ops.recurrent_steps import SimpleRNNStep


@register
class SimpleRNNCell(keras.layers.SimpleRNNCell):
    """One step of a simple recurrent network: `keras.layers.SimpleRNNCell` with checked arguments.

    Use it where you write the loop over time yourself, or in `keras.layers.RNN`; `SimpleRNN` is quicker.

        h_t = g(x_t W + h_{t-1} U + b)

    With one unit and one feature this is `h = tanh(w_ih x + w_hh h' + b)`.

    Args:
        units: size of the state. All further arguments are those of `keras.layers.SimpleRNNCell`.

    Call arguments:
        sequence: `(batch, features)`, one step.
        states: `h` before the step, `(batch, units)`, or a list of it.
        training: whether dropout acts.

    Returns:
        `h` after the step, and the new states.

    Raises:
        ValueError: if `units` or a rate is out of range.

    Example:
        >>> import numpy as np
        >>> from keras_seq.layers import SimpleRNNCell
        >>> h, states = SimpleRNNCell(4)(np.ones((2, 3), "float32"), [np.zeros((2, 4), "float32")])
        >>> h.shape
        TensorShape([2, 4])

    Reference:
        Elman, "Finding Structure in Time", Cognitive Science 14(2), 1990.
    """

    def __init__(self, units: int, *args: Any, **kwargs: Any) -> None:
        check_cell_arguments(units, kwargs)
        super().__init__(units, *args, **kwargs)


@register
class SimpleRNN(RecurrentLayer, keras.layers.SimpleRNN):
    """The simple recurrent network: `keras.layers.SimpleRNN` with a quicker training step and any mask.

    Same constructor, weights and outputs as the stock layer. The fused loop serves tanh and ReLU without recurrent
    dropout and unrolling; every other setting runs the plain loop of Keras.

    Equation, with the activation `g`:

        h_t = g(W_hh h_{t-1} + W_xh x_t + b)

    | textbook (column vectors) | weight (row vectors) | shape |
    |---|---|---|
    | W_xh, W_ax, w_ih | `kernel`, transposed | (features, units) |
    | W_hh, W_aa, w_hh | `recurrent_kernel`, transposed | (units, units) |
    | b, b_a, b_ih + b_hh | `bias` | (units,) |
    | h_0 = b_0 | `initial_h`, with `learn_initial_state` | (units,) |

    Initialisation: Glorot uniform, orthogonal, zeros. With `activation="relu"` and
    `recurrent_initializer="identity"` it is the IRNN of Le, Jaitly and Hinton.

    Masking: a masked step carries the state on, wherever it stands; its output is the last real output (zeros if there
    is none yet). Left, right and inner padding never change a real step.

    Args:
        units: size of the state.
        learn_initial_state: whether h_0 is trained; zeros otherwise. What is trained comes first in `get_weights()`.
        weight_dropout: rate at which single weights of `recurrent_kernel` are dropped while training, the same ones at
            all steps and in all rows.
        fused: which loop over time runs. `None` (default): the fused one, with a gradient derived by hand, wherever it
            computes what the stock layer does, else the plain one of Keras. `False`: always the plain one: slower, but
            under JAX it can also be differentiated in forward mode (`jax.jvp`, `jax.jacfwd`). `True`: the fused one,
            or an error where settings rule it out.
            All further arguments are those of `keras.layers.SimpleRNN`.

    Call arguments:
        sequences: `(batch, steps, features)`, floating.
        initial_state: `h`, `(batch, units)`; zeros, or the learned state, if `None`.
        mask: `(batch, steps)` boolean, `True` = real step.
        training: whether dropout acts.
        sequences_mask: filled in by Keras: the mask that comes with the sequences, if a state is given beside them.

    Returns:
        `(batch, steps, units)` with `return_sequences`, else `(batch, units)`; with `return_state` also `h`.

    Raises:
        ValueError: if an argument is out of range or a shape does not fit.

    Example:
        >>> import numpy as np
        >>> from keras_seq.layers import SimpleRNN
        >>> SimpleRNN(8, return_sequences=True)(np.ones((2, 5, 3), "float32")).shape
        TensorShape([2, 5, 8])

    Reference:
        Elman, "Finding Structure in Time", Cognitive Science 14(2), 1990;
        Le, Jaitly and Hinton, "A Simple Way to Initialize Recurrent Networks of Rectified Linear Units",
        arXiv:1504.00941, 2015.
    """

    @property
    def network(self) -> SimpleRNNStep:
        return SimpleRNNStep(self._activation_name())

    def get_config(self) -> dict[str, Any]:
        # The stock layer leaves the seed out: a copy, as `Bidirectional` makes two, would draw other dropout.
        return {**super().get_config(), "seed": self.cell.seed}
