"""Models of polyphonic music: the notes of the next step, from all steps before it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import keras

from keras_seq.core.checks import check_positive_integer, check_rate
from keras_seq.layers import MaskFromIds
from keras_seq.zoo.encoders import Encoder, encoded
from keras_seq.zoo.registry import register_builder
from keras_seq.zoo.streaming import streaming_encoder

# A note is silent at nearly all steps: what the model begins with is a probability of a twentieth.
INITIAL_LOG_ODDS = -3.0


@register_builder(task="music", example={"num_notes": 7, "units": 6, "num_layers": 2, "embedding_dim": 5})
def music_model(
    num_notes: int = 88,
    *,
    cell: str | None = None,
    units: int | None = None,
    num_layers: int | None = None,
    encoder: Encoder | Mapping[str, Any] | None = None,
    embedding_dim: int = 0,
    input_dropout: float = 0.0,
    dropout: float = 0.0,
    name: str = "music_model",
) -> keras.Model:
    """A model of polyphonic music: at each step the log-odds of every note of the next step.

    Notes -> dropout -> (dense layer) -> recurrent layers, or another causal encoder -> dropout -> a dense layer with
    one log-odds for each note. Any number of notes sounds at once; given the steps before, each note is predicted for
    itself. A rest is a step without notes. `streaming_model` gives the same weights with states that go in and out.

    Masking: `step_mask` is 0 at padding, on either side or between steps, whatever stands in `notes` there; it never
    changes the output at a real step.

    Args:
        num_notes: number of notes; 88 are the keys of a piano.
        cell: `"simple_rnn"`, `"gru"` or `"lstm"` (an LSTM).
        units: size of the state of each layer (256).
        num_layers: number of recurrent layers (1).
        encoder: in the place of these three, as of `language_model`.
        embedding_dim: size of a dense layer with ReLU before them; 0 = none.
        input_dropout: rate, while training, at which single notes of the input are dropped.
        dropout: rate, while training, at which features of the last states are dropped, and those between layers; of an
            encoder, within it.
        name: name of the model.

    Returns:
        An uncompiled functional model: `notes` float32 `(batch, steps, num_notes)`, 1 where a note sounds, else 0, and
        `step_mask` int32 `(batch, steps)`, 1 at real steps -> `(batch, steps, num_notes)`, log-odds that a note sounds
        *after* each step. Train it with `keras_seq.losses.NoteCrossEntropy`.

    Raises:
        TypeError: if an argument has a wrong type.
        ValueError: if an argument is out of range, or the encoder sees what it is to predict, or does not stream.

    Example:
        >>> import numpy as np
        >>> from keras_seq.zoo import music_model
        >>> model = music_model(units=16)
        >>> model({"notes": np.zeros((1, 3, 88)), "step_mask": np.ones((1, 3))}).shape
        TensorShape([1, 3, 88])

    Reference:
        Boulanger-Lewandowski, Bengio and Vincent, "Modeling Temporal Dependencies in High-Dimensional Sequences:
        Application to Polyphonic Music Generation and Transcription", ICML 2012.
    """
    check_positive_integer("num_notes", num_notes)
    if embedding_dim != 0:
        check_positive_integer("embedding_dim", embedding_dim)
    check_rate("input_dropout", input_dropout)
    check_rate("dropout", dropout)
    # --- Layers
    real_notes = MaskFromIds(name="real_notes")
    drop_notes = keras.layers.Dropout(input_dropout, name="input_dropout")
    own = {"cell": (cell, "lstm"), "units": (units, 256), "num_layers": (num_layers, 1)}
    connect = streaming_encoder("a music model", encoder, own, dropout)
    output_dropout = keras.layers.Dropout(dropout if encoder is None else 0.0, name="output_dropout")
    bias = keras.initializers.Constant(INITIAL_LOG_ODDS)
    note_logits = keras.layers.Dense(num_notes, bias_initializer=bias, name="note_logits")

    # --- Functional graph
    notes = keras.Input((None, num_notes), dtype="float32", name="notes")
    step_mask = keras.Input((None,), dtype="int32", name="step_mask")
    x = drop_notes(real_notes([notes, step_mask]))
    if embedding_dim:
        x = keras.layers.Dense(embedding_dim, activation="relu", name="note_embedding")(x)
    outputs = note_logits(output_dropout(encoded(connect, x)))

    # --- Model
    return keras.Model({"notes": notes, "step_mask": step_mask}, outputs, name=name)
