"""What functions on tokens, and on whole texts, share: reading raw text, and running a model over a served batch."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import keras
import tensorflow as tf

from keras_seq.export.by_length import run_by_length
from keras_seq.export.served import Served
from keras_seq.layers import GRU, LSTM, Bidirectional, SimpleRNN
from keras_seq.text import TokenEncoder, Tokenizer
from keras_seq.zoo.parts import parts_of, text_vector_of

# Rows that run through the model together when a batch is served: of a recurrent loop, two halves of a usual batch run
# side by side; what has no loop takes the batch at once.
ROWS_PER_GROUP, ROWS_PER_RECURRENT_GROUP = 64, 32
# Outputs int32 (batch,): how many tokens of a text were read, and how many it has.
COUNTS = ("read_tokens", "num_tokens")
RECURRENT: tuple[type[keras.layers.Layer], ...] = (SimpleRNN, GRU, LSTM, Bidirectional)


class TokenFunctions(Served):
    """Tokenizer, encoder and a model that reads tokens.

    Args:
        model: what the task keeps.
        reader: the model, or its part, whose inputs are among those that the encoder gives.
        tokenizer: splits text.
        encoder: turns tokens into ids.
        settings: those of the family.
    """

    def __init__(
        self,
        model: keras.Model,
        reader: keras.Model,
        tokenizer: Tokenizer,
        encoder: TokenEncoder,
        settings: Any,
    ) -> None:
        super().__init__(model, settings)
        self.tokenizer = tokenizer
        self.encoder = encoder
        self.input_names = tuple(tensor.name for tensor in reader.inputs)
        self.is_recurrent = bool(parts_of(reader, RECURRENT))

    def with_settings(self, settings: Any) -> TokenFunctions:
        """As of `Served`; the constructor of a family takes the text side between the model and the settings."""
        family: Any = type(self)
        return family(self.model, self.tokenizer, self.encoder, settings)


class TextFunctions(TokenFunctions):
    """As `TokenFunctions`, of a model that reads one text, and no more of it than `settings.max_tokens`."""

    _vector_model: keras.Model
    """What gives the vector of a text."""

    # A function of its own: its tables of characters stand in the graph once, whatever the number of signatures.
    @tf.function(input_signature=[tf.TensorSpec([None], tf.string)], autograph=False)
    def _read(self, texts: tf.Tensor) -> dict[str, tf.Tensor]:
        """Tokens, their places, the ids that the model reads, and the `COUNTS`."""
        found = dict(zip(("tokens", "starts", "ends"), self.tokenizer.tokenize(texts), strict=True))
        num_tokens = tf.reduce_sum(tf.cast(tf.not_equal(found["tokens"], ""), tf.int32), axis=1)
        counts = dict(zip(COUNTS, (tf.minimum(num_tokens, self.settings.max_tokens), num_tokens), strict=True))
        found = {name: values[:, : self.settings.max_tokens] for name, values in found.items()}
        return {**found, **self.encoder.encode(found["tokens"], self.input_names), **counts}

    def _embed(self, text: tf.Tensor) -> dict[str, tf.Tensor]:
        """The vector of a text: what the last layer of a classifier reads; of a matcher, of length 1.

        Args:
            text: string `(batch,)`, UTF-8.

        Returns:
            `vector` float32 `(batch, features)`; `read_tokens` and `num_tokens` int32 `(batch,)`, how many tokens of
            the text were read, and how many it has.
        """
        read = self._read(text)
        return {"vector": self._run(self._vector_model, read), **counts_of(read)}

    def _run(self, model: keras.Model, read: dict[str, tf.Tensor]) -> tf.Tensor:
        """The output `(batch, features)` of a model for texts that were read."""

        def run(inputs: dict[str, tf.Tensor], mask: tf.Tensor) -> list[tf.Tensor]:
            return [tf.cast(model(inputs, training=False), tf.float32)]

        (outputs,) = self._grouped(run, read, per_step=False)
        return tf.ensure_shape(outputs, [None, model.output_shape[-1]])

    def _grouped(
        self, run: Callable[..., Sequence[tf.Tensor]], read: dict[str, tf.Tensor], *, per_step: bool
    ) -> list[tf.Tensor]:
        inputs = {name: read[name] for name in self.input_names}
        rows = ROWS_PER_RECURRENT_GROUP if self.is_recurrent else ROWS_PER_GROUP
        return run_by_length(run, inputs, read["tokens"], (tf.float32,), rows_per_group=rows, per_step=per_step)


class WholeTextFunctions(TextFunctions):
    """Tokenizer, encoder and a model of whole texts of the zoo, whose vectors are served as `embed`.

    Args:
        model: what the task keeps; `keras_seq.zoo.parts` finds its vector.
        tokenizer: splits text.
        encoder: turns tokens into ids.
        settings: as of `TextFunctions`.
    """

    def __init__(self, model: keras.Model, tokenizer: Tokenizer, encoder: TokenEncoder, settings: Any) -> None:
        super().__init__(model, model, tokenizer, encoder, settings)
        inputs = {tensor.name: tensor for tensor in model.inputs}
        self._vector_model = keras.Model(inputs, text_vector_of(model))
        self.declare("embed", self._embed, tf.TensorSpec([None], tf.string, name="text"))


def counts_of(read: dict[str, tf.Tensor]) -> dict[str, tf.Tensor]:
    """The `COUNTS` of texts that were read, as outputs."""
    return {name: read[name] for name in COUNTS}
