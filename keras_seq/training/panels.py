"""What a training shows in TensorBoard beside its curves."""

import dataclasses
import os
from collections.abc import Callable, Mapping, Sequence

import numpy as np

from keras_seq.training.projector import write_projector


@dataclasses.dataclass(frozen=True)
class Panels:
    """What is shown of the last evaluation: each a function, called when it is shown.

    Args:
        confusion: gives the names of the classes, and their counts `[true, predicted]`; `None` where there are none.
        pictures: gives further pictures: name -> pixels.
        samples: gives predictions as Markdown.
        projector: called once, of the trained model; gives name -> vectors `(points, dim)` and their labels.

    Example:
        >>> Panels(samples=lambda: "| token | tag |").samples()
        '| token | tag |'
    """

    confusion: Callable[[], tuple[Sequence[str], np.ndarray] | None] | None = None
    pictures: Callable[[], Mapping[str, np.ndarray]] | None = None
    samples: Callable[[], str] | None = None
    projector: Callable[[], Mapping[str, tuple[np.ndarray, Sequence[str]]]] | None = None

    def write_projector(self, directory: str | os.PathLike) -> None:
        """Write the vectors for TensorBoard's projector, where there are some.

        Args:
            directory: as of `keras_seq.training.write_projector`.
        """
        for name, (vectors, labels) in (self.projector() if self.projector else {}).items():
            write_projector(directory, vectors, labels, name=name)
