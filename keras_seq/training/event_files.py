"""TensorBoard event files: writing, and one line where it fails."""

import contextlib
import os
from collections.abc import Iterator, Mapping
from typing import Any

from keras_seq.core.errors import RunError


class EventWriter:
    """Writes TensorBoard events into a folder, under every Keras backend; it needs TensorFlow.

    Args:
        directory: The folder; several writers may share one, each has a file of its own.

    Example:

    >>> import tempfile
    >>> writer = EventWriter(tempfile.mkdtemp())
    >>> writer.scalars({"train/loss": 0.5, "train/accuracy": None}, step=3)
    >>> writer.close()
    """

    def __init__(self, directory: str | os.PathLike):
        # Imported here: the room must be importable where TensorFlow is not installed.
        import tensorflow as tf

        self.directory = os.fspath(directory)
        self._writer = tf.summary.create_file_writer(self.directory)

    @contextlib.contextmanager
    def at(self, step: int) -> Iterator[Any]:
        """Give the TensorFlow module; what its `summary` functions write meanwhile goes to this folder and step."""
        with self._one_line(), self._writer.as_default(step):
            import tensorflow as tf

            yield tf

    def scalars(self, values: Mapping[str, Any], step: int) -> None:
        """Write the values that are not `None`."""
        with self.at(step) as tf:
            for tag, value in values.items():
                if value is not None:
                    tf.summary.scalar(tag, float(value))

    def flush(self) -> None:
        """Write to the disk what is held back."""
        with self._one_line():
            self._writer.flush()

    def close(self) -> None:
        """Write what is held back and close the file."""
        self._writer.close()

    @contextlib.contextmanager
    def _one_line(self) -> Iterator[None]:
        import tensorflow as tf

        try:
            yield
        except tf.errors.OpError as error:
            reason = str(error.message).strip().splitlines()[0]
            raise RunError(
                f"{self.directory}: cannot be written ({reason}); make room, then go on with --resume"
            ) from error
