"""TensorBoard: curves, the confusion matrix as a picture, sample predictions, the model's graph, hyper-parameters."""

import os
from collections.abc import Iterator, Mapping
from typing import Any

import keras
import numpy as np

from keras_seq.core.extras import line_of_missing
from keras_seq.core.notices import notify
from keras_seq.training.callbacks import TrainingCallback
from keras_seq.training.drawing import draw_confusion_matrix
from keras_seq.training.event_files import EventWriter
from keras_seq.training.panels import Panels
from keras_seq.training.recipe import Recipe


class TensorBoard(TrainingCallback):
    """Writes what a training does as TensorBoard event files; look at them with `tensorboard --logdir RUN`.

    Every `every` batches: `train/loss`, `train/learning_rate`, `train/gradient_norm` (before clipping). After each
    epoch: `epoch/...` for the training metrics and `validation/...` for each score, so that a score `f1/PERSON` becomes
    the curve `validation/f1/PERSON`. Once: the graph of layers, the recipe as hyper-parameters. Works under every Keras
    backend, but needs TensorFlow to write. After a resume it goes on in a file of its own; TensorBoard shows one curve.

    Args:
        directory: The folder of event files.
        every: Batches between two points of the curves.
        recipe: Shown as hyper-parameters.
        panels: What is shown of each evaluation; the vectors for the projector are not written here.

    Example:

    >>> import tempfile
    >>> callback = TensorBoard(tempfile.mkdtemp(), every=10)
    """

    def __init__(
        self,
        directory: str | os.PathLike,
        *,
        every: int = 20,
        recipe: Recipe | None = None,
        panels: Panels | None = None,
    ):
        super().__init__()
        if every < 1:
            raise ValueError(f"`every` must be a positive integer. Received: every={every}. Pass 1 or more.")
        self.directory = os.fspath(directory)
        self.every = every
        self.recipe = recipe
        self.panels = panels or Panels()
        self._writer: Any = None
        self._lacks_pictures = False

    def on_epoch_begin(self, epoch: int, logs: Mapping[str, Any] | None = None) -> None:
        if self._writer is None:
            self._open()

    def on_train_batch_end(self, batch: int, logs: Mapping[str, Any] | None = None) -> None:
        step = self.position.steps_done(batch)
        if step % self.every:
            return
        if keras.backend.backend() == "jax":
            # Inside an epoch the variables of the model are stale under this backend.
            self.model.jax_state_sync()
        optimizer = self.model.optimizer
        values = {"train/loss": (logs or {}).get("loss"), "train/learning_rate": optimizer.learning_rate}
        values["train/gradient_norm"] = getattr(optimizer, "gradient_norm", None)
        self._writer.scalars(values, step)

    def on_evaluation_end(self, record: Mapping[str, Any]) -> None:
        if self._writer is None:
            # Resumed between the last batch of an epoch and its evaluation.
            self._open()
        step = record["step"]
        values = {}
        for key, value in record.items():
            if key in ("epoch", "step", "is_best", "learning_rate"):
                continue
            if key.startswith("train_") or key == "seconds":
                values[f"epoch/{key.removeprefix('train_')}"] = value
            else:
                values[f"validation/{key}"] = value
        self._writer.scalars(values, step)
        panels = self.panels if "is_best" in record else Panels()
        pictures = self._drawn(panels)
        text = panels.samples() if panels.samples is not None else None
        with self._writer.at(step) as tf:
            for name, picture in pictures.items():
                tf.summary.image(name, picture[None])
            if text is not None:
                tf.summary.text("samples", text)
        self._writer.flush()

    def on_fit_end(self) -> None:
        if self._writer is not None:
            self._writer.close()
            self._writer = None

    def _drawn(self, panels: Panels) -> dict[str, np.ndarray]:
        try:
            pictures = dict(panels.pictures()) if panels.pictures is not None else {}
            counts = panels.confusion() if panels.confusion is not None else None
            return pictures if counts is None else {**pictures, "confusion": draw_confusion_matrix(*counts)}
        except ModuleNotFoundError as error:
            line = line_of_missing(error, "a picture in TensorBoard")
            if line is None:
                raise
            if not self._lacks_pictures:
                notify(line)
            self._lacks_pictures = True
            return {}

    def _open(self) -> None:
        # Imported here: the room must be importable where TensorFlow is not installed.
        from tensorboard.plugins.hparams import api as hyper_parameters

        self._writer = EventWriter(self.directory)
        with self._writer.at(0) as tf:
            tf.summary.graph(_layer_graph(self.model))
            if self.recipe is not None:
                hyper_parameters.hparams(dict(_plain_values(self.recipe.to_dict())), trial_id=self.recipe.name)


def _layer_graph(model: keras.Model) -> Any:
    """The layers of a functional model as a graph definition: a node a layer, whatever the backend."""
    from tensorflow.core.framework import graph_pb2

    graph = graph_pb2.GraphDef()
    for layer in model.get_config().get("layers", []):
        node = graph.node.add(name=layer["config"]["name"], op=layer["class_name"])
        sources = _sources(layer.get("inbound_nodes", []))
        node.input.extend(dict.fromkeys(source for source in sources if source != node.name))
    return graph


def _sources(value: Any) -> Iterator[str]:
    """The names of the layers that a serialized call takes its tensors from."""
    if isinstance(value, dict):
        if value.get("class_name") == "__keras_tensor__":
            yield value["config"]["keras_history"][0]
        else:
            for part in value.values():
                yield from _sources(part)
    elif isinstance(value, list | tuple):
        for part in value:
            yield from _sources(part)


def _plain_values(values: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, Any]]:
    for key, value in values.items():
        if isinstance(value, dict):
            yield from _plain_values(value, f"{prefix}{key}.")
        else:
            yield prefix + key, value if isinstance(value, bool | int | float | str) else str(value)
