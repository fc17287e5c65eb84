"""The gated recurrent unit layer, and its cell."""

from __future__ import annotations

from typing import Any

import keras

from keras_seq.core.registration import register
from keras_seq.layers.recurrent_layer import RecurrentLayer, check_cell_arguments
from keras_seq.ops.recurrent_steps import Direction, GRUResetBeforeStep, GRUStep, RecurrentStep


@register
class GRUCell(keras.layers.GRUCell):
    """One step of a gated recurrent unit: `keras.layers.GRUCell` with checked arguments.

    Use it where you write the loop over time yourself, or in `keras.layers.RNN`; `GRU` is quicker. The equations stand
    there.

    Args:
        units: size of the state. All further arguments are those of `keras.layers.GRUCell`.

    Call arguments:
        inputs: `(batch, features)`, one step.
        states: `h` before the step, `(batch, units)`, or a list of it.
        training: whether dropout acts.

    Returns:
        `h` after the step, and the new states.

    Raises:
        ValueError: if `units` or a rate is out of range.

    Example:
        >>> import numpy as np
        >>> from keras_seq.layers import GRUCell
        >>> h, states = GRUCell(4)(np.ones((2, 3), "float32"), [np.zeros((2, 4), "float32")])
        >>> h.shape
        TensorShape([2, 4])

    Reference:
        Cho et al., "Learning Phrase Representations using RNN Encoder-Decoder", EMNLP 2014.
    """

    def __init__(self, units: int, *args: Any, **kwargs: Any) -> None:
        check_cell_arguments(units, kwargs)
        super().__init__(units, *args, **kwargs)


@register
class GRU(RecurrentLayer, keras.layers.GRU):
    """The gated recurrent unit: `keras.layers.GRU` with a quicker training step and any mask.

    Same constructor, weights and outputs as the stock layer. The fused loop serves tanh and ReLU with sigmoid gates,
    without recurrent dropout and unrolling; every other setting runs the plain loop of Keras.

    Equations, with Keras' gate order z, r, candidate, and `*` element by element:

        z = sigmoid(x W_z + h U_z + b_z)
        r = sigmoid(x W_r + h U_r + b_r)
        h~ = tanh(x W_h + r * (h U_h + c_h) + b_h)      reset_after=True (the default; also PyTorch and cuDNN)
        h~ = tanh(x W_h + (r * h) U_h + b_h)            reset_after=False (the paper)
        h' = z * h + (1 - z) * h~

    | textbook | here |
    |---|---|
    | update gate u (Gamma_u), h' = (1 - u) h + u h~ | `1 - z`: Keras' z says how much of the old state stays |
    | relevance gate r (Gamma_r), reset gate | `r` |
    | candidate h~, c~, n | `h~` |
    | W_zx, W_rx, W_hx | thirds of `kernel` (features, 3 units), in the order z, r, h~ |
    | W_zh, W_rh, W_hh | thirds of `recurrent_kernel` (units, 3 units) |
    | b_z, b_r, b_h | `bias` (3 units,); with `reset_after` (2, 3 units): row 0 beside W, row 1 beside U (c_h) |
    | h_0 = b_0 | `initial_h` (units,), with `learn_initial_state` |

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
            All further arguments are those of `keras.layers.GRU`.

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
        >>> from keras_seq.layers import GRU
        >>> GRU(8, return_sequences=True)(np.ones((2, 5, 3), "float32")).shape
        TensorShape([2, 5, 8])

    Reference:
        Cho et al., "Learning Phrase Representations using RNN Encoder-Decoder", EMNLP 2014.
    """

    @property
    def network(self) -> RecurrentStep:
        return (GRUStep if self.reset_after else GRUResetBeforeStep)(self._activation_name())

    def direction(self, sequences: Any, initial_states: Any, training: bool) -> Direction:
        direction = super().direction(sequences, initial_states, training)
        if not (self.use_bias and self.reset_after):
            return direction
        bias, recurrent_bias = self.cell.bias[0], self.cell.bias[1]
        return direction._replace(bias=bias, recurrent_weights=(*direction.recurrent_weights, recurrent_bias))
