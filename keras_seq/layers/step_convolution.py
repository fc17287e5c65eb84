"""A convolution over real steps."""

from __future__ import annotations

from typing import Any

import keras
from keras import ops

from keras_seq.core.checks import check_boolean, check_positive_integer
from keras_seq.core.registration import register
from keras_seq.core.streaming import State, check_causal
from keras_seq.layers.recurrent_layer import check_sequences
from keras_seq.layers.step_pooling import check_sequences_shape
from keras_seq.ops.compaction import compacted, spread_back, steps_at

Tensor = Any


@register
class StepConvolution(keras.layers.Layer):
    """A one-dimensional convolution over the real steps of a sequence: each step with its real neighbours.

        y_t = activation(b + W_1 x_(t - before) + ... + W_k x_(t - before + (k - 1) dilation))

    `before` centres the kernel, as `padding="same"` does, or with `causal` lets it end at t. Beyond the ends of a
    sequence stand zeros. The weights are those of `keras.layers.Conv1D`, and without padding so are the numbers.

    A causal convolution follows `keras_seq.core.streaming.Streaming`: `initial_state`, then `step` for each part, of
    any number of steps. The state is what the kernel reaches back to.

    Masking: any mask. Padding never reaches a real step, and padding inside a sequence does not part neighbours:
    outputs at real steps are the same whatever the padding side. At padding they are zeros. The mask goes on.

    Args:
        filters: number of features of the output.
        kernel_size: k: the number of steps that an output sees.
        dilation_rate: the distance of those steps from each other.
        groups: into how many groups the features are divided, each convolved by itself to its share of the filters; as
            many as features: a depthwise convolution.
        causal: whether a step sees no later step.
        activation: name of a Keras activation, or a function.
        use_bias: whether there is b.
        kernel_initializer: of the kernel.

    Call arguments:
        sequences: `(batch, steps, features)` floating; rows and steps may be none.
        mask: `(batch, steps)` boolean, `True` = real step.

    Returns:
        `(batch, steps, filters)`.

    Raises:
        TypeError: if an argument has a wrong type.
        ValueError: if an argument is out of range, a shape does not fit, or the groups do not divide features and
            filters.

    Example:
        >>> import numpy as np
        >>> from keras_seq.layers import StepConvolution
        >>> layer = StepConvolution(1, 2, causal=True, kernel_initializer="ones")
        >>> x, mask = np.array([[[1.0], [10.0], [100.0]]]), np.array([[True, False, True]])
        >>> layer(x, mask=mask).numpy()[0, :, 0].tolist()
        [1.0, 0.0, 101.0]

    Reference:
        Collobert et al., "Natural Language Processing (Almost) from Scratch", JMLR 2011; van den Oord et al.,
        "WaveNet", 2016, for causal and dilated ones.
    """

    def __init__(
        self,
        filters: int,
        kernel_size: int,
        *,
        dilation_rate: int = 1,
        groups: int = 1,
        causal: bool = False,
        activation: Any = None,
        use_bias: bool = True,
        kernel_initializer: Any = "glorot_uniform",
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        sizes = {"filters": filters, "kernel_size": kernel_size, "dilation_rate": dilation_rate, "groups": groups}
        for name, value in sizes.items():
            check_positive_integer(name, value)
        if filters % groups:
            raise ValueError(
                f"`groups` must divide `filters`. Received: groups={groups}, filters={filters}. Change one of the two."
            )
        check_boolean("causal", causal)
        check_boolean("use_bias", use_bias)
        self.filters = filters
        self.kernel_size = kernel_size
        self.dilation_rate = dilation_rate
        self.groups = groups
        self.causal = causal
        self.activation = keras.activations.get(activation)
        self.use_bias = use_bias
        self.kernel_initializer = keras.initializers.get(kernel_initializer)
        self.supports_masking = True

    @property
    def reach(self) -> int:
        """How many steps besides its own an output sees, those between dilated ones included."""
        return (self.kernel_size - 1) * self.dilation_rate

    def build(self, input_shape: tuple) -> None:
        check_sequences_shape(input_shape)
        self.features = input_shape[-1]
        if self.features % self.groups:
            raise ValueError(
                "`groups` must divide the number of features. "
                f"Received: groups={self.groups}, sequences.shape={tuple(input_shape)}. Change one of the two."
            )
        shape = (self.kernel_size, self.features // self.groups, self.filters)
        self.kernel = self.add_weight(shape=shape, initializer=self.kernel_initializer, name="kernel")
        self.bias = self.add_weight(shape=(self.filters,), initializer="zeros", name="bias") if self.use_bias else None
        self.built = True

    def call(self, sequences: Tensor, mask: Tensor | None = None) -> Tensor:
        mask = check_sequences(self.name, sequences, mask, self.features)
        before = self.reach if self.causal else self.reach // 2
        around = ((0, 0), (before, self.reach - before), (0, 0))
        return self._convolve(ops.pad(_neighbours(sequences, mask), around), mask)

    def initial_state(self, batch_size: Any) -> State:
        """The state before the first step.

        Args:
            batch_size: number of rows.

        Returns:
            A dict: `inputs` `(batch, (kernel_size - 1) * dilation_rate, features)`: the last real inputs.

        Raises:
            ValueError: if the layer is not causal or not built.
        """
        check_causal(self)
        return {"inputs": ops.zeros((batch_size, self.reach, self.features), self.compute_dtype)}

    def step(self, x: Tensor, state: State, mask: Tensor | None = None, training: bool = False) -> tuple[Tensor, State]:
        """As of `Streaming`.

        Raises:
            ValueError: if the layer is not causal or not built, or a shape does not fit.
        """
        check_causal(self)
        x = ops.convert_to_tensor(x, dtype=self.compute_dtype)
        mask = check_sequences(self.name, x, mask, self.features)
        read = ops.concatenate([state["inputs"], _neighbours(x, mask)], axis=1)
        if mask is None:
            last = read[:, ops.shape(x)[1] :]
        else:
            count = ops.sum(ops.cast(mask, "int32"), axis=1, keepdims=True)
            last = steps_at(read, count + ops.arange(self.reach, dtype="int32"))
        return self._convolve(read, mask), {"inputs": last}

    def compute_output_shape(self, input_shape: tuple) -> tuple:
        return (*input_shape[:-1], self.filters)

    def get_config(self) -> dict[str, Any]:
        return {
            **super().get_config(),
            "filters": self.filters,
            "kernel_size": self.kernel_size,
            "dilation_rate": self.dilation_rate,
            "groups": self.groups,
            "causal": self.causal,
            "activation": keras.activations.serialize(self.activation),
            "use_bias": self.use_bias,
            "kernel_initializer": keras.initializers.serialize(self.kernel_initializer),
        }

    def _convolve(self, padded: Tensor, mask: Tensor | None) -> Tensor:
        """From neighbours with `reach` steps more than the mask to outputs at its places.

        A product of matrices, not an operation of convolution: TensorFlow's fails for no rows in exported graphs.
        """
        steps = ops.shape(padded)[1] - self.reach
        kernel = ops.cast(self.kernel, self.compute_dtype)
        seen = [padded[:, begin : begin + steps] for begin in range(0, self.reach + 1, self.dilation_rate)]
        if self.groups == 1:
            outputs = ops.matmul(ops.concatenate(seen, axis=-1), ops.reshape(kernel, (-1, self.filters)))
        else:
            outputs = self._convolve_groups(seen, kernel)
        if self.use_bias:
            outputs = outputs + ops.cast(self.bias, outputs.dtype)
        outputs = self.activation(outputs)
        return outputs if mask is None else spread_back(outputs, mask)

    def _convolve_groups(self, seen: list[Tensor], kernel: Tensor) -> Tensor:
        size, filters = self.features // self.groups, self.filters // self.groups
        kernel = ops.reshape(kernel, (self.kernel_size, size, self.groups, filters))
        shape = (*ops.shape(seen[0])[:2], self.groups, size)
        outputs = None
        for x, weights in zip(seen, ops.unstack(kernel, axis=0), strict=True):
            x = ops.reshape(x, shape)
            # (batch, steps, groups, filters): one feature for each group needs no product of matrices.
            part = x * weights[0] if size == 1 else ops.einsum("btgi,igo->btgo", x, weights)
            outputs = part if outputs is None else outputs + part
        return ops.reshape(outputs, (*shape[:2], self.filters))


def _neighbours(sequences: Tensor, mask: Tensor | None) -> Tensor:
    return sequences if mask is None else compacted(sequences, mask)
