"""What a classifier serves: raw text to a label with scores, to a vector, and to the weight of each token."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from pathlib import Path

import keras
import tensorflow as tf

from keras_seq.core.checks import (
    check_boolean,
    check_names,
    check_number,
    check_positive_integer,
    check_positive_number,
    check_text,
)
from keras_seq.core.reading import read_json_object, read_names
from keras_seq.export.json_settings import MOST_TOKENS, REMEDY, JSONSettings
from keras_seq.export.text_functions import WholeTextFunctions, counts_of
from keras_seq.ops.calibration import apply_temperature
from keras_seq.text import TokenEncoder, Tokenizer
from keras_seq.zoo.parts import pooling_of, steps_of

LABELS_FILE, _LEGACY_FILE = "labels.txt", "classification.json"
# From this probability on a text has a label, where it may have several.
DECISION = 0.5


@dataclasses.dataclass(frozen=True)
class ClassificationSettings(JSONSettings):
    """How the probabilities of a model become an answer.

    Args:
        labels: in the order of the model's outputs.
        temperature: what the logarithms of the probabilities are divided by; fitted on validation data.
        threshold: a text whose highest probability is below it is out of scope. 0: none is.
        out_of_scope_label: the label of such a text.
        label_separator: what stands between the labels of a text; `None` where a text has one label.
        normalize_labels: whether labels of files that differ only by case, quotes and the like are one.
        max_tokens: of longer text the rest is not read.
    """

    legacy_files = (LABELS_FILE, _LEGACY_FILE)

    labels: Sequence[str]
    temperature: float = 1.0
    threshold: float = 0.0
    out_of_scope_label: str = "out_of_scope"
    label_separator: str | None = None
    normalize_labels: bool = False
    max_tokens: int = 1000

    def __post_init__(self) -> None:
        check_names("labels", self.labels)
        check_positive_number("temperature", self.temperature)
        check_positive_integer("max_tokens", self.max_tokens, most=MOST_TOKENS)
        check_number("threshold", self.threshold)
        check_text("out_of_scope_label", self.out_of_scope_label)
        check_boolean("normalize_labels", self.normalize_labels)
        if self.label_separator is not None:
            check_text("label_separator", self.label_separator)
        if not 0 <= self.threshold <= 1:
            raise ValueError(
                f"`threshold` must be a probability. Received: threshold={self.threshold!r}. Pass 0 to reject nothing."
            )

    @classmethod
    def from_legacy(cls, folder: Path) -> ClassificationSettings:
        path = folder / _LEGACY_FILE
        labels = read_names(folder / LABELS_FILE, REMEDY)
        return cls.from_dict({**read_json_object(path, REMEDY), "labels": labels}, path)

    @property
    def is_multi_label(self) -> bool:
        """Whether a text can have several labels."""
        return self.label_separator is not None


class ClassificationFunctions(WholeTextFunctions):
    """Tokenizer, encoder and model joined into the functions that a classifier serves.

    The same functions answer in Python and, exported, in any TensorFlow runtime: all ops are stock ones.

    Args:
        model: a classifier of the zoo, whose inputs are among those that the encoder gives.
        tokenizer: splits text.
        encoder: turns tokens into ids.
        settings: the labels, and how probabilities become an answer.
    """

    def __init__(
        self, model: keras.Model, tokenizer: Tokenizer, encoder: TokenEncoder, settings: ClassificationSettings
    ) -> None:
        super().__init__(model, tokenizer, encoder, settings)
        inputs = {tensor.name: tensor for tensor in model.inputs}
        self._pooling = pooling_of(model)
        self._sequence_model = keras.Model(inputs, steps_of(model))
        text = tf.TensorSpec([None], tf.string, name="text")
        self.declare("serving_default", self._text, text)
        self.declare("attention", self._attention, text)

    def _text(self, text: tf.Tensor) -> dict[str, tf.Tensor]:
        """Classify raw text.

        Args:
            text: string `(batch,)`, UTF-8. Of each text the first `settings.max_tokens` tokens are read.

        Returns:
            `label` string `(batch,)`: the most probable one, `settings.out_of_scope_label` where its probability is
            below the threshold; where a text has several labels, those of at least 0.5 between separators, or `""`.
            `scores` float32 `(batch, labels)`: calibrated probabilities in the order of `settings.labels`; a SavedModel
            has these in `assets/labels.txt` too. `read_tokens` and `num_tokens` int32 `(batch,)`: how many tokens of
            the text were read, and how many it has.

            A text without a token is answered as the mean of nothing; with a threshold it is out of scope.
        """
        read = self._read(text)
        probabilities = self._run(self.model, read)
        scores = apply_temperature(probabilities, self.settings.temperature, multi_label=self.settings.is_multi_label)
        return {"label": self._label(scores, read["tokens"]), "scores": scores, **counts_of(read)}

    def _attention(self, text: tf.Tensor) -> dict[str, tf.Tensor]:
        """How much each token counts in the pooled vector of its text.

        Args:
            text: string `(batch,)`, UTF-8.

        Returns:
            `tokens` string `(batch, steps)` padded with `""`; `weights` float32 `(batch, steps)`, of sum 1 over the
            tokens of a text, 0 at padding; `starts` and `ends` int32, character offsets into the text, end exclusive;
            `read_tokens` and `num_tokens` as of `serving_default`.
        """
        read = self._read(text)

        def weigh(inputs: dict[str, tf.Tensor], mask: tf.Tensor) -> list[tf.Tensor]:
            weights = self._pooling.step_weights(self._sequence_model(inputs, training=False), mask=mask)
            return [tf.cast(weights, tf.float32)]

        (weights,) = self._grouped(weigh, read, per_step=True)
        shown = {name: read[name] for name in ("tokens", "starts", "ends")}
        return {**shown, "weights": weights, **counts_of(read)}

    def _label(self, scores: tf.Tensor, tokens: tf.Tensor) -> tf.Tensor:
        settings = self.settings
        if settings.label_separator is not None:
            named = [f"{label}{settings.label_separator}" for label in settings.labels]
            chosen = tf.strings.reduce_join(tf.where(scores >= DECISION, named, ""), axis=1)
            # Without the separator behind the last one.
            length = tf.strings.length(chosen) - len(settings.label_separator.encode())
            return tf.strings.substr(chosen, tf.zeros_like(length), tf.maximum(length, 0))
        label = tf.gather(tf.constant(settings.labels), tf.argmax(scores, axis=1))
        if not settings.threshold:
            return label
        accepted = tf.reduce_max(scores, axis=1) >= settings.threshold
        accepted &= tf.reduce_any(tf.not_equal(tokens, ""), axis=1)
        return tf.where(accepted, label, settings.out_of_scope_label)
