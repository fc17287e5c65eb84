"""The callback that shows how far back in time gradients reach, as pictures in TensorBoard."""

import os
from collections.abc import Mapping
from typing import Any

import numpy as np
from keras import ops

from keras_seq.core.checks import check_positive_integer
from keras_seq.training.callbacks import TrainingCallback
from keras_seq.training.drawing import draw_gradient_norms, draw_newest_gradient_norms
from keras_seq.training.event_files import EventWriter
from keras_seq.training.gradient_norms import GradientNorms, first_to_last


class GradientNormsPerStep(TrainingCallback):
    """Measures the norm of dL/dh_t at every step t while a model is trained, and shows it in TensorBoard.

    Measured on one batch that stays the same, before the training and after every `every` epochs, by `GradientNorms`,
    which says what the figures mean. For each recurrent layer, or direction of a `Bidirectional`, TensorBoard then has

    - the picture `gradient_norms/<name>/map`: a row for each epoch, a column for each step, colour = log10 of the norm;
    - the picture `gradient_norms/<name>/newest`: the newest norms, and the first ones, over t on a log axis;
    - the curve `gradient_norms/<name>/first_to_last`: the norm at the step read first over that at the step read last.

    A norm that is not finite is shown as such. Works with any functional or sequential model, in `model.fit` and in the
    loop of this package, on TensorFlow and JAX; writing needs TensorFlow. After a resume the map begins anew.

    Args:
        directory: The folder of event files; that of other callbacks may be used.
        inputs: Arrays of one batch, in the structure that the model takes; 16 to 64 rows are plenty.
        targets: The targets of these rows.
        every: Epochs between two measurements.
        loss: A Keras loss, its name or a function; by default the one that the model is compiled with.

    Attributes:
        epochs: The epochs that were measured; 0 is before the training.
        norms: Direction -> one array `(steps,)` for each of these epochs.

    Example:

    >>> import keras, tempfile
    >>> model = keras.Sequential([keras.Input((7, 2)), keras.layers.SimpleRNN(4, name="rnn"), keras.layers.Dense(1)])
    >>> model.compile("sgd", "mse")
    >>> inputs, targets = np.ones((8, 7, 2)), np.ones((8, 1))
    >>> callback = GradientNormsPerStep(tempfile.mkdtemp(), inputs, targets)
    >>> history = model.fit(inputs, targets, epochs=2, verbose=0, callbacks=[callback])
    >>> callback.epochs, np.array(callback.norms["rnn"]).shape
    ([0, 1, 2], (3, 7))
    """

    def __init__(self, directory: str | os.PathLike, inputs: Any, targets: Any, *, every: int = 1, loss: Any = None):
        super().__init__()
        check_positive_integer("every", every)
        self.directory = os.fspath(directory)
        self.inputs = inputs
        self.targets = targets
        self.every = every
        self.loss = loss
        self.epochs: list[int] = []
        self.norms: dict[str, list[np.ndarray]] = {}
        self._measure: Any = None
        self._writer: Any = None

    def on_train_begin(self, logs: Mapping[str, Any] | None = None) -> None:
        if self._measure is None or self._measure.model is not self.model:
            self._measure = GradientNorms(self.model, loss=self.loss)

    def on_epoch_begin(self, epoch: int, logs: Mapping[str, Any] | None = None) -> None:
        resumed = hasattr(self, "position") and self.position.first_batch > 0
        if epoch == 0 and not resumed:
            self._record(0)

    def on_epoch_end(self, epoch: int, logs: Mapping[str, Any] | None = None) -> None:
        if (epoch + 1) % self.every == 0:
            self._record(epoch + 1)

    def on_train_end(self, logs: Mapping[str, Any] | None = None) -> None:
        # The loop of this package calls this after each epoch, and `on_fit_end` at the end.
        if not hasattr(self, "position"):
            self.on_fit_end()

    def on_fit_end(self) -> None:
        if self._writer is not None:
            self._writer.close()
            self._writer = None

    def _record(self, epoch: int) -> None:
        if epoch == 0:
            # Another training with the same callback.
            self.epochs, self.norms = [], {}
        self.epochs.append(epoch)
        for name, norms in self._measure(self.inputs, self.targets).items():
            self.norms.setdefault(name, []).append(norms)
        if self._writer is None:
            self._writer = EventWriter(self.directory)
        step = int(ops.convert_to_numpy(self.model.optimizer.iterations))
        for name, rows in self.norms.items():
            pictures = {
                "map": draw_gradient_norms(name, self.epochs, np.stack(rows)),
                "newest": draw_newest_gradient_norms(name, self.epochs, np.stack(rows)),
            }
            with self._writer.at(step) as tf:
                for kind, picture in pictures.items():
                    tf.summary.image(f"gradient_norms/{name}/{kind}", picture[None])
            self._writer.scalars({f"gradient_norms/{name}/first_to_last": first_to_last(name, rows[-1])}, step)
        self._writer.flush()
