"""One step of each recurrent network, forwards and backwards, on any backend.

A step is written for one direction and one slice of time; `keras_seq.ops.recurrence` runs it over all steps. The
derivatives are derived by hand, so that only one matrix product is left for each step of the way back: what can be done
for all steps at once (the gradients of the weights) is done after the loop.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar, NamedTuple, Protocol

from keras import ops

Tensor = Any
# The states before or after a step, `(batch, units)` each: (h,), or (h, c) for the LSTM.
States = tuple[Tensor, ...]
# Tensors of one step, and of all steps or weights.
Saved = tuple[Tensor, ...]
Tensors = list[Tensor]

ACTIVATIONS = ("tanh", "relu")


class Direction(NamedTuple):
    """What a recurrent network reads in one direction, and the weights it reads with, in the stock Keras layout."""

    sequences: Tensor  # (batch, steps, features)
    initial_states: States  # before the first step that is read
    kernel: Tensor  # (features, gates * units)
    bias: Tensor | None  # (gates * units,), added to the inputs' share of the pre-activations
    recurrent_weights: tuple[Tensor, ...]  # the kernel (units, gates * units); the GRU may add a bias (gates * units,)
    reverse: bool = False  # whether it reads from the last step to the first


class RecurrentStep(Protocol):
    """What a loop over time asks of a recurrent network.

    `weights` are those that the loop itself multiplies with: the recurrent kernel `(units, gates * units)` and, where
    the network has one, its recurrent bias.
    """

    num_saved: ClassVar[int]  # activations of a step that the way back needs, `(batch, units)` each
    part_widths: ClassVar[tuple[int, ...]]  # widths of the parts that `backward` returns, in units

    def __hash__(self) -> int:
        """Equal steps share their traced loops."""

    def forward(self, x: Tensor, states: States, weights: Tensors) -> tuple[States, Saved]:
        """Go one step.

        Args:
            x: `(batch, gates * units)`, the inputs' share of the pre-activations.
            states: before the step.
            weights: the recurrent weights.

        Returns:
            The states after the step, and the activations that `backward` asks for.
        """

    def backward(
        self, d_states: States, saved: Saved, before: States, after: States, weights: Tensors
    ) -> tuple[States, Saved]:
        """Go one step back.

        Args:
            d_states: derivatives of the loss with regard to the states after the step.
            saved: what `forward` returned.
            before: the states before the step.
            after: the states after it.
            weights: those that `transposed` returned.

        Returns:
            The derivatives with regard to the states before the step, and parts from which the two methods below make
            the derivatives of everything else.
        """

    def transposed(self, weights: Tensors) -> Tensors:
        """The weights as `backward` multiplies with them; called once, before the loop."""

    def d_inputs(self, parts: Tensors) -> Tensor:
        """The derivative with regard to `x` of all steps, `(steps, batch, gates * units)`."""

    def d_weights(self, parts: Tensors, saved: Tensors, h_before: Tensor) -> Tensors:
        """The derivatives with regard to the recurrent weights, with that of a recurrent bias even if there is none.

        Args:
            parts: of all steps, `(steps, batch, ...)` each.
            saved: likewise what `forward` saved.
            h_before: likewise h before each step.
        """


@dataclass(frozen=True)
class SimpleRNNStep:
    """`h' = g(x W + h U + b)`."""

    activation: str = "tanh"
    num_saved: ClassVar[int] = 0
    part_widths: ClassVar[tuple[int, ...]] = (1,)

    def forward(self, x: Tensor, states: States, weights: Tensors) -> tuple[States, Saved]:
        (h,) = states
        return (activate(self.activation, x + ops.matmul(h, weights[0])),), ()

    def backward(
        self, d_states: States, saved: Saved, before: States, after: States, weights: Tensors
    ) -> tuple[States, Saved]:
        (dh,), (h_new,) = d_states, after
        dz = dh * slope(self.activation, h_new)
        return (ops.matmul(dz, weights[0]),), (dz,)

    def transposed(self, weights: Tensors) -> Tensors:
        return [ops.transpose(weights[0])]

    def d_inputs(self, parts: Tensors) -> Tensor:
        return parts[0]

    def d_weights(self, parts: Tensors, saved: Tensors, h_before: Tensor) -> Tensors:
        return [product_over_steps(h_before, parts[0])]


@dataclass(frozen=True)
class LSTMStep:
    """The LSTM with a forget gate; gates in Keras' order input, forget, candidate (g), output."""

    activation: str = "tanh"
    num_saved: ClassVar[int] = 4
    part_widths: ClassVar[tuple[int, ...]] = (4,)

    def forward(self, x: Tensor, states: States, weights: Tensors) -> tuple[States, Saved]:
        h, c = states
        units = h.shape[-1]
        z = x + ops.matmul(h, weights[0])
        # Two neighbouring gates in one operation: outside XLA every operation costs.
        i_f = ops.sigmoid(z[:, : 2 * units])
        i, f = i_f[:, :units], i_f[:, units:]
        g = activate(self.activation, z[:, 2 * units : 3 * units])
        o = ops.sigmoid(z[:, 3 * units :])
        c_new = f * c + i * g
        return (o * activate(self.activation, c_new), c_new), (i, f, g, o)

    def backward(
        self, d_states: States, saved: Saved, before: States, after: States, weights: Tensors
    ) -> tuple[States, Saved]:
        (dh, dc), (i, f, g, o), (_, c), (_, c_new) = d_states, saved, before, after
        a = activate(self.activation, c_new)
        dc = dc + dh * o * slope(self.activation, a)
        dz = ops.concatenate(
            [dc * g * i * (1 - i), dc * c * f * (1 - f), dc * i * slope(self.activation, g), dh * a * o * (1 - o)], -1
        )
        return (ops.matmul(dz, weights[0]), dc * f), (dz,)

    transposed = SimpleRNNStep.transposed
    d_inputs = SimpleRNNStep.d_inputs
    d_weights = SimpleRNNStep.d_weights


@dataclass(frozen=True)
class GRUStep:
    """The GRU whose reset gate acts after the product (`reset_after=True`); gates in Keras' order z, r, candidate."""

    activation: str = "tanh"
    num_saved: ClassVar[int] = 4
    part_widths: ClassVar[tuple[int, ...]] = (3, 1)

    def forward(self, x: Tensor, states: States, weights: Tensors) -> tuple[States, Saved]:
        (h,) = states
        units = h.shape[-1]
        recurrent = ops.matmul(h, weights[0])
        if len(weights) > 1:
            recurrent = recurrent + weights[1]
        z_r = ops.sigmoid(x[:, : 2 * units] + recurrent[:, : 2 * units])
        z, r = z_r[:, :units], z_r[:, units:]
        m = recurrent[:, 2 * units :]
        h_tilde = activate(self.activation, x[:, 2 * units :] + r * m)
        return (z * h + (1 - z) * h_tilde,), (z, r, m, h_tilde)

    def backward(
        self, d_states: States, saved: Saved, before: States, after: States, weights: Tensors
    ) -> tuple[States, Saved]:
        (dh,), (z, r, m, h_tilde), (h,) = d_states, saved, before
        dg = dh * (1 - z) * slope(self.activation, h_tilde)
        d_recurrent = ops.concatenate([dh * (h - h_tilde) * z * (1 - z), dg * m * r * (1 - r), dg * r], -1)
        return (dh * z + ops.matmul(d_recurrent, weights[0]),), (d_recurrent, dg)

    transposed = SimpleRNNStep.transposed

    def d_inputs(self, parts: Tensors) -> Tensor:
        d_recurrent, dg = parts
        return ops.concatenate([d_recurrent[..., : 2 * dg.shape[-1]], dg], -1)

    def d_weights(self, parts: Tensors, saved: Tensors, h_before: Tensor) -> Tensors:
        d_recurrent = parts[0]
        return [product_over_steps(h_before, d_recurrent), ops.sum(d_recurrent, axis=(0, 1))]


@dataclass(frozen=True)
class GRUResetBeforeStep:
    """The GRU whose reset gate acts before the product (`reset_after=False`), as in the paper."""

    activation: str = "tanh"
    num_saved: ClassVar[int] = 3
    part_widths: ClassVar[tuple[int, ...]] = (2, 1)

    def forward(self, x: Tensor, states: States, weights: Tensors) -> tuple[States, Saved]:
        (h,) = states
        units = h.shape[-1]
        z_r = ops.sigmoid(x[:, : 2 * units] + ops.matmul(h, weights[0][:, : 2 * units]))
        z, r = z_r[:, :units], z_r[:, units:]
        h_tilde = activate(self.activation, x[:, 2 * units :] + ops.matmul(r * h, weights[0][:, 2 * units :]))
        return (z * h + (1 - z) * h_tilde,), (z, r, h_tilde)

    def backward(
        self, d_states: States, saved: Saved, before: States, after: States, weights: Tensors
    ) -> tuple[States, Saved]:
        (dh,), (z, r, h_tilde), (h,) = d_states, saved, before
        of_gates, of_candidate = weights
        dg = dh * (1 - z) * slope(self.activation, h_tilde)
        d_rh = ops.matmul(dg, of_candidate)
        d_gates = ops.concatenate([dh * (h - h_tilde) * z * (1 - z), d_rh * h * r * (1 - r)], -1)
        return (dh * z + d_rh * r + ops.matmul(d_gates, of_gates),), (d_gates, dg)

    def transposed(self, weights: Tensors) -> Tensors:
        (kernel,) = weights
        units = kernel.shape[0]
        return [ops.transpose(kernel[:, : 2 * units]), ops.transpose(kernel[:, 2 * units :])]

    def d_inputs(self, parts: Tensors) -> Tensor:
        return ops.concatenate(parts, -1)

    def d_weights(self, parts: Tensors, saved: Tensors, h_before: Tensor) -> Tensors:
        (d_gates, dg), r = parts, saved[1]
        return [ops.concatenate([product_over_steps(h_before, d_gates), product_over_steps(r * h_before, dg)], -1)]


def activate(name: str, x: Tensor) -> Tensor:
    """Apply tanh or ReLU."""
    return ops.tanh(x) if name == "tanh" else ops.relu(x)


def slope(name: str, y: Tensor) -> Tensor:
    """The derivative of tanh or ReLU, from the function's value `y`."""
    return 1 - y * y if name == "tanh" else ops.cast(y > 0, y.dtype)


def product_over_steps(left: Tensor, right: Tensor) -> Tensor:
    """`sum over steps and rows of left^T right`: `(steps, batch, m)`, `(steps, batch, n)` -> `(m, n)`, one product."""
    left = ops.reshape(left, (-1, left.shape[-1]))
    return ops.matmul(ops.transpose(left), ops.reshape(right, (-1, right.shape[-1])))
