"""One vector per token from its characters."""

from __future__ import annotations

from typing import Any

import keras
from keras import ops

from keras_seq.core.checks import check_choice, check_positive_integer, check_rate
from keras_seq.core.registration import register
from keras_seq.layers.bidirectional import Bidirectional
from keras_seq.layers.lstm import LSTM


@register
class CharacterEncoder(keras.layers.Layer):
    """Character encoder of tokens: reads each letter by letter, whether or not the word is known.

    Two encoders: `"cnn"`, a convolution over neighbouring characters and the maximum over the token (Ma and Hovy),
    quick; `"lstm"`, the two last states of a bidirectional LSTM (Lample et al.).

    Masking: character id 0 is padding and never reaches the vector, on whichever side it stands. A token without
    characters has a zero vector from `"cnn"` and a constant one from `"lstm"`. The mask of the tokens is not changed.

    Args:
        vocabulary_size: number of character ids, padding and unknown included.
        encoder: `"cnn"` or `"lstm"`.
        embedding_dim: size of the character vectors.
        units: size of the token vector; even with `"lstm"`, which spends half on each direction.
        width: number of neighbouring characters the convolution sees.
        dropout: rate of dropout on the character vectors.

    Call arguments:
        character_ids: `(batch, steps, characters)` integer.
        training: whether dropout acts.

    Returns:
        `(batch, steps, units)`.

    Raises:
        ValueError: if an argument is out of range, or the ids have not three axes.

    Example:
        >>> import numpy as np
        >>> from keras_seq.layers import CharacterEncoder
        >>> CharacterEncoder(40, units=16)(np.ones((2, 5, 9), "int32")).shape
        TensorShape([2, 5, 16])

    Reference:
        Ma and Hovy, "End-to-end Sequence Labeling via Bi-directional LSTM-CNNs-CRF", ACL 2016;
        Lample et al., "Neural Architectures for Named Entity Recognition", NAACL 2016.
    """

    def __init__(
        self,
        vocabulary_size: int,
        *,
        encoder: str = "cnn",
        embedding_dim: int = 30,
        units: int = 50,
        width: int = 3,
        dropout: float = 0.0,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        for name, value in [
            ("vocabulary_size", vocabulary_size),
            ("embedding_dim", embedding_dim),
            ("units", units),
            ("width", width),
        ]:
            check_positive_integer(name, value)
        check_choice("encoder", encoder, ("cnn", "lstm"))
        check_rate("dropout", dropout)
        if encoder == "lstm" and units % 2:
            raise ValueError(f"`units` must be even with `encoder='lstm'`. Received: units={units}. Use {units + 1}.")
        self.vocabulary_size = vocabulary_size
        self.encoder = encoder
        self.embedding_dim = embedding_dim
        self.units = units
        self.width = width
        self.dropout = dropout
        policy = self.dtype_policy
        self.embedding = keras.layers.Embedding(vocabulary_size, embedding_dim, name="embedding", dtype=policy)
        self.drop = keras.layers.Dropout(dropout, name="drop", dtype=policy)
        if encoder == "cnn":
            self.reader = keras.layers.Conv1D(units, width, padding="same", name="reader", dtype=policy)
        else:
            self.reader = Bidirectional(LSTM(units // 2, name="lstm", dtype=policy), name="reader", dtype=policy)

    def build(self, input_shape: tuple) -> None:
        if len(input_shape) != 3:
            raise ValueError(
                "`character_ids` must have the shape (batch, steps, characters). "
                f"Received: character_ids.shape={tuple(input_shape)}. Give one row of characters per token."
            )
        self.embedding.build((None, input_shape[2]))
        self.reader.build((None, input_shape[2], self.embedding_dim))
        self.built = True

    def call(self, character_ids: Any, training: bool = False) -> Any:
        batch, steps, characters = ops.shape(character_ids)
        flat = ops.reshape(character_ids, (-1, characters))
        real = ops.not_equal(flat, 0)
        if self.encoder == "lstm":
            vectors = self.drop(self.embedding(flat), training=training)
            encoded = self.reader(vectors, mask=real, training=training)
        else:
            encoded = self._convolve(flat, real) if training else self._convolve_by_table(flat)
            # ReLU after the maximum equals ReLU before it; zero is then also the value of an empty token.
            encoded = ops.relu(ops.max(ops.where(real[..., None], encoded, 0.0), axis=1))
        return ops.reshape(encoded, (batch, steps, self.units))

    def _convolve(self, flat: Any, real: Any) -> Any:
        # Padding is a zero vector on either side of the token, as the convolution pads its borders.
        vectors = ops.where(real[..., None], self.drop(self.embedding(flat), training=True), 0.0)
        return self.reader(vectors)

    def _convolve_by_table(self, flat: Any) -> Any:
        """The convolution of a few distinct vectors: what each gives at each offset is multiplied once, then looked
        up."""
        vectors, kernel = (ops.cast(w, self.compute_dtype) for w in (self.embedding.embeddings, self.reader.kernel))
        vectors = ops.where(ops.arange(self.vocabulary_size)[:, None] > 0, vectors, 0.0)
        tables = ops.matmul(vectors, kernel)
        before = (self.width - 1) // 2
        padded = ops.pad(flat, ((0, 0), (before, self.width - 1 - before)))
        length = ops.shape(flat)[1]
        total = ops.cast(self.reader.bias, self.compute_dtype)
        for offset in range(self.width):
            total = total + ops.take(tables[offset], padded[:, offset : offset + length], axis=0)
        return total

    def compute_output_shape(self, input_shape: tuple) -> tuple:
        return (*input_shape[:2], self.units)

    def get_config(self) -> dict[str, Any]:
        return {
            **super().get_config(),
            "vocabulary_size": self.vocabulary_size,
            "encoder": self.encoder,
            "embedding_dim": self.embedding_dim,
            "units": self.units,
            "width": self.width,
            "dropout": self.dropout,
        }
