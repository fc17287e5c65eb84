"""What a music model says of a piece."""

from __future__ import annotations

from keras_seq.tasks.results import Heading, Result


class ScoredPiece(Result):
    """How probable a piece is: `text` (its name), `log_prob` (nats), `nll_per_step`, `num_steps`."""

    def heading(self) -> Heading:
        """The cost of a step, the logarithm of the probability, and the number of steps."""
        numbers = (f"{self['log_prob']:.2f}", f"{self['num_steps']}")
        return Heading(f"{self['nll_per_step']:.4f}", numbers, "number")
