"""What a classifier serves: raw text to a label with scores, to a vector, and to the weight of each token."""

from __future__ import annotations

import dataclasses
import os
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import keras
import tensorflow as tf

from keras_seq.core.checks import check_number, check_positive_integer, check_positive_number, check_text
from keras_seq.export.json_settings import MOST_TOKENS, JSONSettings
from keras_seq.export.saved_functions import SavedFunctions, read_names
from keras_seq.export.text_functions import TextFunctions
from keras_seq.ops.calibration import apply_temperature
from keras_seq.ops.serving import serving_graph
from keras_seq.text import TokenEncoder, WordTokenizer

LABELS_FILE, SETTINGS_FILE = "labels.txt", "classification.json"

# From this probability on a text has a label, where it may have several.
DECISION = 0.5


@dataclasses.dataclass(frozen=True)
class ClassificationSettings(JSONSettings):
    """How the probabilities of a model become an answer.

    Args:
        temperature: what the logarithms of the probabilities are divided by; fitted on validation data.
        threshold: a text whose highest probability is below it is out of scope. 0: none is.
        out_of_scope_label: the label of such a text.
        label_separator: what stands between the labels of a text; `None` where a text has one label.
        max_tokens: of longer text the rest is not read.
    """

    temperature: float = 1.0
    threshold: float = 0.0
    out_of_scope_label: str = "out_of_scope"
    label_separator: str | None = None
    max_tokens: int = 1000

    def __post_init__(self) -> None:
        check_positive_number("temperature", self.temperature)
        check_positive_integer("max_tokens", self.max_tokens, most=MOST_TOKENS)
        check_number("threshold", self.threshold)
        check_text("out_of_scope_label", self.out_of_scope_label)
        if self.label_separator is not None:
            check_text("label_separator", self.label_separator)
        if not 0 <= self.threshold <= 1:
            raise ValueError(
                f"`threshold` must be a probability. Received: threshold={self.threshold!r}. Pass 0 to reject nothing."
            )

    @property
    def is_multi_label(self) -> bool:
        """Whether a text can have several labels."""
        return self.label_separator is not None


class ClassificationFunctions(TextFunctions):
    """Tokenizer, encoder and model joined into the functions that a classifier serves.

    The same functions answer in Python and, exported, in any TensorFlow runtime: all ops are stock ones.

    Args:
        model: a classifier of the zoo, whose inputs are among those that the encoder gives.
        tokenizer: splits text.
        encoder: turns tokens into ids.
        labels: the labels in the order of the model's outputs.
        settings: how probabilities become an answer.
    """

    def __init__(
        self,
        model: keras.Model,
        tokenizer: WordTokenizer,
        encoder: TokenEncoder,
        labels: Sequence[str],
        settings: ClassificationSettings | None = None,
    ) -> None:
        self.settings = settings or ClassificationSettings()
        super().__init__(model, model, tokenizer, encoder, self.settings.max_tokens)
        self.labels = tuple(labels)
        inputs = {tensor.name: tensor for tensor in model.inputs}
        self._vector_model = keras.Model(inputs, model.get_layer("text_vector").output)
        self._pooling = model.get_layer("pooling")
        # A mask that comes with the sequence is an input too.
        self._sequence_model = keras.Model(inputs, keras.tree.flatten(self._pooling.input)[0])

    @tf.function(input_signature=[tf.TensorSpec([None], tf.string, name="text")], autograph=False)
    def text(self, texts: tf.Tensor) -> dict[str, tf.Tensor]:
        """Classify raw text.

        Args:
            texts: string `(batch,)`, UTF-8. Of each text the first `settings.max_tokens` tokens are read.

        Returns:
            `label` string `(batch,)`: the most probable one, `settings.out_of_scope_label` where its probability is
            below the threshold; where a text has several labels, those of at least 0.5 between separators, or `""`.
            `scores` float32 `(batch, labels)`: calibrated probabilities in the order of `labels.txt`.

            A text without a token is answered as the mean of nothing; with a threshold it is out of scope.
        """
        read = self._read(texts)
        probabilities = self._run(self.model, read)
        scores = apply_temperature(probabilities, self.settings.temperature, multi_label=self.settings.is_multi_label)
        return {"label": self._label(scores, read["tokens"]), "scores": scores}

    @tf.function(input_signature=[tf.TensorSpec([None], tf.string, name="text")], autograph=False)
    def embed(self, texts: tf.Tensor) -> dict[str, tf.Tensor]:
        """The vector of a text: what the last layer reads.

        Args:
            texts: string `(batch,)`, UTF-8.

        Returns:
            `vector` float32 `(batch, features)`.
        """
        return {"vector": self._run(self._vector_model, self._read(texts))}

    @tf.function(input_signature=[tf.TensorSpec([None], tf.string, name="text")], autograph=False)
    def attention(self, texts: tf.Tensor) -> dict[str, tf.Tensor]:
        """How much each token counts in the pooled vector of its text.

        Args:
            texts: string `(batch,)`, UTF-8.

        Returns:
            `tokens` string `(batch, steps)` padded with `""`; `weights` float32 `(batch, steps)`, of sum 1 over the
            tokens of a text, 0 at padding; `starts` and `ends` int32, character offsets into the text, end exclusive.
        """
        read = self._read(texts)

        def weigh(inputs: dict[str, tf.Tensor], mask: tf.Tensor) -> list[tf.Tensor]:
            with serving_graph():
                weights = self._pooling.step_weights(self._sequence_model(inputs, training=False), mask=mask)
            return [tf.cast(weights, tf.float32)]

        (weights,) = self._grouped(weigh, read, per_step=True)
        return {"tokens": read["tokens"], "weights": weights, "starts": read["starts"], "ends": read["ends"]}

    def signatures(self) -> dict[str, Callable[..., Any]]:
        """The functions by the names under which they are served."""
        return {"serving_default": self.text, "embed": self.embed, "attention": self.attention}

    def _label(self, scores: tf.Tensor, tokens: tf.Tensor) -> tf.Tensor:
        settings = self.settings
        if settings.label_separator is not None:
            named = [f"{label}{settings.label_separator}" for label in self.labels]
            chosen = tf.strings.reduce_join(tf.where(scores >= DECISION, named, ""), axis=1)
            # Without the separator behind the last one.
            length = tf.strings.length(chosen) - len(settings.label_separator.encode())
            return tf.strings.substr(chosen, tf.zeros_like(length), tf.maximum(length, 0))
        label = tf.gather(tf.constant(self.labels), tf.argmax(scores, axis=1))
        if not settings.threshold:
            return label
        accepted = tf.reduce_max(scores, axis=1) >= settings.threshold
        accepted &= tf.reduce_any(tf.not_equal(tokens, ""), axis=1)
        return tf.where(accepted, label, settings.out_of_scope_label)


class SavedClassificationFunctions(SavedFunctions):
    """The functions of a classifier that was exported."""

    task = "classifier"
    names = ("serving_default", "embed", "attention")
    files = (LABELS_FILE, SETTINGS_FILE)

    def __init__(self, path: str | os.PathLike) -> None:
        super().__init__(path)
        assets = Path(path) / "assets"
        self.labels = tuple(read_names(assets / LABELS_FILE))
        self.settings = ClassificationSettings.load(assets / SETTINGS_FILE)

    def text(self, texts: tf.Tensor) -> dict[str, tf.Tensor]:
        """As `ClassificationFunctions.text`."""
        return self.call("serving_default", text=texts)

    def embed(self, texts: tf.Tensor) -> dict[str, tf.Tensor]:
        """As `ClassificationFunctions.embed`."""
        return self.call("embed", text=texts)

    def attention(self, texts: tf.Tensor) -> dict[str, tf.Tensor]:
        """As `ClassificationFunctions.attention`."""
        return self.call("attention", text=texts)
