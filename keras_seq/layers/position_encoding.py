"""Where in its sequence a vector stands."""

from __future__ import annotations

from typing import Any

import keras
from keras import ops

from keras_seq.core.checks import check_boolean, check_choice, check_positive_integer, check_positive_number
from keras_seq.core.registration import register
from keras_seq.layers.step_pooling import check_sequences_shape
from keras_seq.ops.pooling import real_positions

Tensor = Any


KINDS = ("sinusoidal", "learned")


@register
class PositionEncoding(keras.layers.Layer):
    """Adds to each step a vector that tells its position: sines and cosines, or learned vectors.

    Sinusoidal, without weights:

        PE(t, 2i)     = sin(t / max_wavelength^(2i / d))
        PE(t, 2i + 1) = cos(t / max_wavelength^(2i / d))

    t counts from 0, i is the number of a pair of features, and d the number of features. Learned: PE(t) is row t of the
    weight `embeddings`, as in BERT and GPT-2.

    Masking: t counts real steps, so that padding on the left or inside moves nothing. The mask goes on.

    Args:
        max_wavelength: of the slowest sine, about 2 pi times this; well above the length of the longest text.
        scale_inputs: whether the input is multiplied by sqrt(d), as in the paper: vectors of small numbers would be
            lost beside the sines.
        kind: `"sinusoidal"` or `"learned"`.
        max_steps: the number of learned positions. A real step beyond them is an error where it can be one (in graphs
            that XLA has not compiled, on a CPU), else NaN.

    Call arguments:
        sequences: `(batch, steps, features)` floating.
        mask: `(batch, steps)` boolean, `True` = real step.

    Returns:
        `(batch, steps, features)`.

    Raises:
        TypeError: if an argument has a wrong type.
        ValueError: if an argument is out of range or missing, the input is not a batch of sequences of vectors, or it
            has more steps than `max_steps` and no mask.

    Example:
        >>> import numpy as np
        >>> from keras_seq.layers import PositionEncoding
        >>> PositionEncoding()(np.zeros((1, 2, 2)), mask=np.array([[False, True]])).numpy()[0, 1].tolist()
        [0.0, 1.0]

    Reference:
        Vaswani et al., "Attention Is All You Need", NIPS 2017, sections 3.4 and 3.5.
    """

    def __init__(
        self,
        max_wavelength: float = 10_000.0,
        *,
        scale_inputs: bool = False,
        kind: str = "sinusoidal",
        max_steps: int | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        check_positive_number("max_wavelength", max_wavelength)
        check_boolean("scale_inputs", scale_inputs)
        check_choice("kind", kind, KINDS)
        check_max_steps("kind", kind, max_steps)
        self.max_wavelength = max_wavelength
        self.scale_inputs = scale_inputs
        self.kind = kind
        self.max_steps = max_steps
        self.supports_masking = True

    def build(self, input_shape: tuple) -> None:
        check_sequences_shape(input_shape)
        self.features = input_shape[-1]
        if self.kind == "learned":
            self.embeddings = self.add_weight(
                shape=(self.max_steps, self.features),
                initializer=keras.initializers.RandomNormal(stddev=0.02),
                name="embeddings",
            )
        self.built = True

    def call(self, sequences: Tensor, mask: Tensor | None = None) -> Tensor:
        steps = ops.shape(sequences)[1]
        columns = ops.arange(steps, dtype="int32")
        if mask is None:
            return self.add(sequences, self.at(columns)[None])
        positions = real_positions(ops.cast(mask, "bool"))
        if self.kind == "learned":
            return self.add(sequences, self.at(positions, mask))
        # Every position once, then looked up: a batch has many rows and few positions. What stands at padding after
        # the last real step has a position that no step may have.
        return self.add(sequences, ops.take(self.at(columns), ops.minimum(positions, steps - 1), axis=0))

    def at(self, positions: Tensor, mask: Tensor | None = None) -> Tensor:
        """The vectors of positions.

        Args:
            positions: int32 `(...)`, counted from 0.
            mask: boolean of the same shape, `True` = real step; at padding any position will do.

        Returns:
            `(..., features)`.

        Raises:
            ValueError: if there are more positions, none of them padding, than were learned.
        """
        if self.kind == "learned":
            return self._learned(positions, mask)
        pairs = ops.arange(self.features, dtype="int32") // 2
        wavelengths = ops.power(float(self.max_wavelength), ops.cast(2 * pairs, "float32") / self.features)
        angles = ops.cast(positions, "float32")[..., None] / wavelengths
        is_sine = ops.equal(ops.arange(self.features, dtype="int32") % 2, 0)
        return ops.cast(ops.where(is_sine, ops.sin(angles), ops.cos(angles)), self.compute_dtype)

    def add(self, sequences: Tensor, encoding: Tensor) -> Tensor:
        """The sequences, scaled where that is chosen, plus the vectors of their positions."""
        return (sequences * self.features**0.5 if self.scale_inputs else sequences) + encoding

    def _learned(self, positions: Tensor, mask: Tensor | None) -> Tensor:
        known, steps = self.embeddings.shape[0], positions.shape[-1]
        # Where the number of steps is open, JAX has a symbol in its place.
        if mask is None and isinstance(steps, int) and steps > known:
            raise ValueError(
                f"`sequences` must have at most `max_steps`={known} steps: no more positions were learned. "
                f"Received: {steps} steps. Cut them, or build the layer with more positions."
            )
        if mask is not None:
            positions = ops.where(mask, positions, 0)
        vectors = ops.take(ops.cast(self.embeddings, self.compute_dtype), positions, axis=0)
        # Where a look-up beyond the table is no error, its result is no number.
        return ops.where((positions < known)[..., None], vectors, float("nan"))

    def compute_output_shape(self, input_shape: tuple) -> tuple:
        return input_shape

    def get_config(self) -> dict[str, Any]:
        return {
            **super().get_config(),
            "max_wavelength": self.max_wavelength,
            "scale_inputs": self.scale_inputs,
            "kind": self.kind,
            "max_steps": self.max_steps,
        }


def check_max_steps(name: str, kind: str | None, max_steps: int | None) -> None:
    """Raise unless the number of learned positions is given where `kind`, the argument `name`, is `"learned"`."""
    if (kind == "learned") != (max_steps is not None):
        raise ValueError(
            "`max_steps`, the number of learned positions, must be given with them and with no others. "
            f"Received: {name}={kind!r}, max_steps={max_steps!r}. Give it, or leave it out."
        )
    if max_steps is not None:
        check_positive_integer("max_steps", max_steps)
