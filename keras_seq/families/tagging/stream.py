"""Tags of texts that come in parts."""

from __future__ import annotations

import reprlib
from collections.abc import Sequence

import numpy as np

from keras_seq.export import SavedServed, Served
from keras_seq.export.served import initial_states


class TagStream:
    """Reads texts as they come, and tags each part with all that came before it; make one with `Tagger.stream`.

    Args:
        served: the functions of a tagger that serves `step`.
        count: how many texts are read side by side.
    """

    def __init__(self, served: Served | SavedServed, count: int) -> None:
        self._served = served
        self._states = initial_states(served, count)
        self.count = count

    def read(self, parts: Sequence[Sequence[str]]) -> list[list[str]]:
        """Read on.

        Args:
            parts: the next tokens of each text, any number of them, none of them empty strings; `[]` where a text has
                not gone on.

        Returns:
            A list of BIO tags for each text: those of these tokens.

        Raises:
            ValueError: if there are more or fewer lists than texts.
        """
        if len(parts) != self.count or isinstance(parts, str):
            raise ValueError(
                f"`parts` must hold the next tokens of {self.count} text(s), a list each. "
                f"Received: parts={reprlib.repr(parts)}. Pass [] for a text that has not gone on."
            )
        width = max(map(len, parts), default=0)
        tokens = np.array([[*part, *[""] * (width - len(part))] for part in parts], object).reshape(self.count, width)
        outputs = self._served.call("step", tokens=tokens, **self._states)
        self._states = {name: outputs[name] for name in self._states}
        tags = outputs["tags"].numpy()
        return [[tag.decode() for tag in row[: len(part)]] for row, part in zip(tags, parts, strict=True)]
