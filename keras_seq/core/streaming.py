"""What a layer that reads a sequence in parts has: a state that goes in and out."""

from __future__ import annotations

from typing import Any, Protocol, runtime_checkable

Tensor = Any
# Name -> tensor `(batch, ...)`: the batch comes first, so that servers can batch states as they batch everything else.
State = dict[str, Tensor]

# States of a model have names that begin like this.
STATE_PREFIX = "state_"


@runtime_checkable
class Streaming(Protocol):
    """A causal layer that can read a sequence in parts, each from the state in which the last one ended.

    Reading in parts gives the numbers of reading the whole, wherever it is cut. Rows do not depend on each other: each
    may have begun at another time. A step whose mask is `False` leaves the state of its row as it was. Shapes and
    dtypes of a state are always the same, so that it can go round in a loop, and be the input of a served signature.

    `keras_seq.layers.RecurrentStack` is one; `keras_seq.zoo.streaming_model` makes a model of states of any functional
    model whose layers are such ones, or read every step for itself.
    """

    name: str

    def initial_state(self, batch_size: Any) -> State:
        """What is known before the first step.

        Args:
            batch_size: the number of rows, a Python number or a scalar tensor.

        Returns:
            Zeros, name -> `(batch_size, ...)`; the last sizes are known.

        Raises:
            ValueError: if the layer, with its present arguments, cannot be read in parts.
        """

    def step(self, x: Tensor, state: State, mask: Tensor | None = None, training: bool = False) -> tuple[Tensor, State]:
        """Read on.

        Args:
            x: `(batch, steps, features)`, the next steps, any number of them.
            state: what the last call returned, or `initial_state`.
            mask: `(batch, steps)` boolean, `True` = real step.
            training: whether dropout acts.

        Returns:
            What the layer gives for these steps, `(batch, steps, ...)`, and the state after them.
        """


def check_causal(layer: Any) -> None:
    """Raise unless a layer with an argument `causal` can be read in parts.

    Raises:
        ValueError: if it is not causal or not built.
    """
    if not layer.causal:
        raise ValueError(
            f"The layer {layer.name!r} cannot be read in parts: without `causal=True` each step sees later ones. "
            "Received: causal=False. Use a causal one, or a `RecurrentStack` of one direction."
        )
    if not layer.built:
        raise ValueError(
            f"The layer {layer.name!r} must be built before it has a state. Received: a layer without weights. "
            "Call it on sequences, or `layer.build((None, None, features))`."
        )


@runtime_checkable
class Projecting(Streaming, Protocol):
    """A streaming layer whose step begins with a projection that no state changes: `x W + b` of a recurrent layer.

    At inference, a step that reads `project(x)` gives the numbers of one that reads `x`. Where inputs are few, such as
    the vectors of characters, loops look their projections up (`keras_seq.zoo.streaming.IdStep`).
    """

    # The size of a projection; `None` if the layer, with its present arguments, has none.
    projection_size: int | None
    compute_dtype: str

    def project(self, x: Tensor) -> Tensor:
        """The projection: `(..., features)` -> `(..., projection_size)`."""

    def step(
        self, x: Tensor, state: State, mask: Tensor | None = None, training: bool = False, projected: bool = False
    ) -> tuple[Tensor, State]:
        """As of `Streaming`; with `projected`, at inference, `x` is the projection of a single step."""
