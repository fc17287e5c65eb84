"""The recurrent network in its five textbook shapes."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import keras
from keras import ops

from keras_seq.core.checks import check_choice, check_positive_integer
from keras_seq.layers import RecurrentStack
from keras_seq.zoo.registry import register_builder

SHAPES = ("one_to_one", "one_to_many", "many_to_one", "many_to_many", "encoder_decoder")
OUTPUT_ACTIVATIONS = ("softmax", "log_softmax", "sigmoid", "tanh", "relu", "softplus", "linear")
STACK_OPTIONS = ("bidirectional", "dropout", "activation", "use_bias")
# Shapes in which an output is the next input: a layer that reads backwards would have seen it.
FED_BACK = ("one_to_many", "encoder_decoder")

Tensor = Any


@register_builder(
    task="sequence",
    example={"shape": "many_to_many", "num_outputs": 3, "vocabulary_size": 20, "units": 6, "num_layers": 2},
)
def sequence_model(
    shape: str,
    num_outputs: int,
    *,
    num_features: int | None = None,
    vocabulary_size: int | None = None,
    cell: str = "simple_rnn",
    units: int = 64,
    num_layers: int = 1,
    output_activation: str = "softmax",
    stack: Mapping[str, Any] | None = None,
    name: str = "sequence_model",
) -> keras.Model:
    """A stack of recurrent layers and a prediction from its states, in one of the five textbook shapes.

    The equations of one layer, from the state a<0> = 0:

        a<t> = g(W_aa a<t-1> + W_ax x<t> + b_a)          h_t = g(W_hh h_{t-1} + W_xh x_t + b_h)
        y<t> = f(W_ya a<t> + b_y)                        y_t = f(W_hy h_t + b_y)

    | letter | here |
    |---|---|
    | g | `stack={"activation": ...}`: `"tanh"` or `"relu"` |
    | W_ax = W_xh | `kernel` of `stack.recurrent_layers[0]`, transposed |
    | W_aa = W_hh | its `recurrent_kernel`, transposed |
    | b_a = b_h | its `bias` |
    | f | `output_activation` |
    | W_ya = W_hy | `kernel` of the dense layer `prediction`, transposed |
    | b_y | its `bias` |

    With `cell="gru"` or `"lstm"` the first line is that of `keras_seq.layers.GRU` or `LSTM`; of more layers each reads
    the states of the one below, and the prediction those of the last.

    | shape | x, y | an example | predicts from |
    |---|---|---|---|
    | `"one_to_one"` | T_x = T_y = 1 | the class of one vector | a<1> |
    | `"one_to_many"` | T_x = 1, T_y > 1 | music from a first note | each a<t>, where x<t+1> = y<t> |
    | `"many_to_one"` | T_x > 1, T_y = 1 | the sentiment of a review | the last a<t> |
    | `"many_to_many"` | T_x = T_y | a tag for every word | each a<t> |
    | `"encoder_decoder"` | T_x != T_y | translation | the decoder's states: it begins where the encoder ended |

    Where outputs are fed back (`"one_to_many"`, `"encoder_decoder"`), the model is given them: in training the true
    ones (teacher forcing), in use those that it has predicted so far, with padding after them. An output never depends
    on what is fed back later.

    Masking: of token ids, 0 is padding; vectors come with a mask. Padding may stand on either side or inside; it never
    changes the output at a real step, nor an output for the whole sequence. The mask is passed on to the loss, except
    where there is one output. Train `"log_softmax"` of steps with `keras_seq.losses.MaskedCrossEntropy`.

    Args:
        shape: one of the five shapes above.
        num_outputs: size of y<t>: number of classes, or of values. With `"one_to_many"`, where y<t> is the next input,
            it is that of the inputs.
        num_features: size of x<t>, for inputs that are vectors. Either this or `vocabulary_size`.
        vocabulary_size: number of token ids, for inputs that are ids, padding (0) included; each has a vector x<t> of
            `units` values that is learned. What is fed back are then ids as well: the classes below `num_outputs`.
        cell: `"simple_rnn"`, `"gru"` or `"lstm"`.
        units: size of a<t>.
        num_layers: number of recurrent layers.
        output_activation: f: `"softmax"`, `"log_softmax"`, `"sigmoid"`, `"tanh"`, `"relu"`, `"softplus"` or `"linear"`.
        stack: further arguments of `keras_seq.layers.RecurrentStack`: `bidirectional` (not where outputs are fed back),
            `dropout`, `activation` (g), `use_bias`.
        name: name of the model.

    Returns:
        An uncompiled functional model. Inputs, a dict; ids are int32, masks boolean, `True` = real step:

        - `"one_to_one"`: `token_id` `(batch,)` or `features` `(batch, num_features)`;
        - `"many_to_one"`, `"many_to_many"`: `token_ids` `(batch, steps)`, or `features` `(batch, steps, num_features)`
          and `mask` `(batch, steps)`;
        - `"one_to_many"`: `token_id` or `features` of the first step, x<1>; and what is fed back, y<1> to y<T_y - 1>:
          `previous_ids` `(batch, T_y - 1)`, or `previous` `(batch, T_y - 1, num_outputs)` and `previous_mask`;
        - `"encoder_decoder"`: `token_ids`, or `features` and `mask`, of the source; and `previous_ids`
          `(batch, T_y)`, or `previous` and `previous_mask`: a start id (not 0) or vector, then y<1> to y<T_y - 1>.

        Output: `(batch, num_outputs)` for `"one_to_one"` and `"many_to_one"`, else `(batch, T_y, num_outputs)`.

    Raises:
        TypeError: if an argument has a wrong type.
        ValueError: if an argument is out of range, or arguments do not go together.

    Example:
        >>> from keras_seq.zoo import sequence_model
        >>> sequence_model("many_to_one", 2, vocabulary_size=1000, cell="gru", units=16).output_shape
        (None, 2)
        >>> model = sequence_model("encoder_decoder", 30, vocabulary_size=20, cell="lstm", units=16)
        >>> sorted(model.input), model.output_shape
        (['previous_ids', 'token_ids'], (None, None, 30))

        Notes that follow a first note, each the most probable one after those before it:

        >>> import numpy as np
        >>> music = sequence_model("one_to_many", 12, vocabulary_size=12, units=8)
        >>> notes = np.zeros((1, 4), "int32")
        >>> for step in range(4):
        ...     probabilities = music.predict({"token_id": np.array([7]), "previous_ids": notes}, verbose=0)
        ...     notes[:, step] = probabilities[:, step, 1:].argmax(-1) + 1  # 0 is padding
        >>> notes.shape
        (1, 4)

    Reference:
        Elman, "Finding Structure in Time", Cognitive Science 14(2), 1990;
        Sutskever, Vinyals and Le, "Sequence to Sequence Learning with Neural Networks", NIPS 2014.
    """
    # --- Layers
    check_choice("shape", shape, SHAPES)
    check_positive_integer("num_outputs", num_outputs)
    check_choice("output_activation", output_activation, OUTPUT_ACTIVATIONS)
    _check_inputs(shape, num_outputs, num_features, vocabulary_size)
    options = _checked_options(shape, stack)
    is_ids = vocabulary_size is not None

    def make_stack(stack_name: str, **arguments: Any) -> RecurrentStack:
        return RecurrentStack(cell, units, num_layers=num_layers, name=stack_name, **options, **arguments)

    if shape == "encoder_decoder":
        encoder, recurrent = make_stack("encoder", return_sequences=False, return_state=True), make_stack("decoder")
    else:
        recurrent = make_stack("stack", return_sequences=shape in ("one_to_many", "many_to_many"))
    if is_ids:
        embedding = keras.layers.Embedding(vocabulary_size, units, mask_zero=True, name="embedding")
        previous_embedding = keras.layers.Embedding(num_outputs, units, mask_zero=True, name="previous_embedding")
    prediction = keras.layers.Dense(num_outputs, name="prediction")
    activation = keras.layers.Activation(output_activation, name="output_activation", dtype="float32")

    # --- Functional graph
    inputs: dict[str, Tensor] = {}
    if shape in ("one_to_one", "one_to_many"):
        x, mask = _first_step(inputs, num_features)
    else:
        x, mask = _steps(inputs, ("token_ids", "features", "mask"), num_features)
    if shape in FED_BACK:
        size = None if is_ids else num_outputs
        previous, previous_mask = _steps(inputs, ("previous_ids", "previous", "previous_mask"), size)
    if shape == "one_to_many":
        x = keras.layers.Concatenate(axis=1, name="steps")([x, previous])
        mask = None if is_ids else keras.layers.Concatenate(axis=1, name="mask_of_steps")([mask, previous_mask])
    if is_ids:
        x = embedding(x)
    if shape == "encoder_decoder":
        _, *final_states = encoder(x, mask=mask)
        x = previous_embedding(previous) if is_ids else previous
        states = recurrent(x, initial_state=final_states, mask=previous_mask)
    else:
        states = recurrent(x, mask=mask)
    outputs = activation(prediction(states))

    # --- Model
    return keras.Model(inputs, outputs, name=name)


def _first_step(inputs: dict[str, Tensor], num_features: int | None) -> tuple[Tensor, Tensor | None]:
    """Add the input x<1>; return it as a sequence of one step, ids or vectors, and of vectors the mask."""
    if num_features is None:
        inputs["token_id"] = keras.Input((), dtype="int32", name="token_id")
        return keras.layers.Reshape((1,), name="first_step")(inputs["token_id"]), None
    inputs["features"] = keras.Input((num_features,), name="features")
    x = keras.layers.Reshape((1, num_features), name="first_step")(inputs["features"])
    return x, ops.any(ops.ones_like(x, dtype="bool"), axis=-1)


def _steps(inputs: dict[str, Tensor], names: tuple[str, str, str], size: int | None) -> tuple[Tensor, Tensor | None]:
    """Add the inputs of a sequence, ids or vectors and their mask; return it, and of vectors the mask."""
    ids, vectors, mask = names
    if size is None:
        inputs[ids] = keras.Input((None,), dtype="int32", name=ids)
        return inputs[ids], None
    inputs[vectors] = keras.Input((None, size), name=vectors)
    inputs[mask] = keras.Input((None,), dtype="bool", name=mask)
    return inputs[vectors], inputs[mask]


def _check_inputs(shape: str, num_outputs: int, num_features: int | None, vocabulary_size: int | None) -> None:
    given = {"num_features": num_features, "vocabulary_size": vocabulary_size}
    given = {name: value for name, value in given.items() if value is not None}
    if len(given) != 1:
        raise ValueError(
            "Exactly one of `num_features` (vectors) and `vocabulary_size` (token ids) must be given. "
            f"Received: num_features={num_features!r}, vocabulary_size={vocabulary_size!r}. Give the one that fits."
        )
    ((name, size),) = given.items()
    check_positive_integer(name, size)
    if shape == "one_to_many" and size != num_outputs:
        raise ValueError(
            f"`num_outputs` must equal `{name}` in the shape 'one_to_many': an output is the next input. "
            f"Received: num_outputs={num_outputs}, {name}={size}. Give both the same size."
        )


def _checked_options(shape: str, stack: Mapping[str, Any] | None) -> dict[str, Any]:
    if stack is not None and not isinstance(stack, Mapping):
        raise TypeError(
            f"`stack` must be a mapping of arguments of `RecurrentStack`. Received: stack={stack!r}. "
            "Pass {'dropout': 0.2}, for instance."
        )
    options = dict(stack or {})
    unknown = sorted(set(options) - set(STACK_OPTIONS))
    if unknown:
        raise ValueError(
            f"`stack` takes the keys {', '.join(STACK_OPTIONS)}. Received: {', '.join(unknown)}. Remove or rename them."
        )
    if shape in FED_BACK and options.get("bidirectional"):
        raise ValueError(
            f"`stack.bidirectional` must be False in the shape {shape!r}: a layer that reads backwards would see the "
            "outputs that it predicts. Received: bidirectional=True. Leave it out."
        )
    return options
