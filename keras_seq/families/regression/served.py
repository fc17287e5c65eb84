"""What a regressor serves: raw text to a number with its interval, and to a vector."""

from __future__ import annotations

import dataclasses

import keras
import tensorflow as tf

from keras_seq.core.checks import check_non_negative_number, check_number, check_positive_integer, check_positive_number
from keras_seq.export.json_settings import MOST_TOKENS, JSONSettings
from keras_seq.export.text_functions import WholeTextFunctions, counts_of
from keras_seq.text import TokenEncoder, Tokenizer


@dataclasses.dataclass(frozen=True)
class RegressionSettings(JSONSettings):
    """How the output of a model becomes a score and an interval.

    Args:
        mean: of the scores of the training data.
        deviation: their standard deviation: the model gives scores in this unit, from the mean on.
        radius: half the width of the interval, in the unit of the scores; fitted on validation data.
        coverage: the share of texts whose score it is to hold; stated, no part of the computation.
        max_tokens: of longer text the rest is not read.
    """

    mean: float
    deviation: float
    radius: float
    coverage: float
    max_tokens: int = 1000

    def __post_init__(self) -> None:
        check_number("mean", self.mean)
        check_positive_number("deviation", self.deviation)
        check_non_negative_number("radius", self.radius)
        check_number("coverage", self.coverage)
        if not 0 < self.coverage < 1:
            raise ValueError(f"`coverage` must be a share. Received: coverage={self.coverage!r}. Pass such as 0.9.")
        check_positive_integer("max_tokens", self.max_tokens, most=MOST_TOKENS)


class RegressionFunctions(WholeTextFunctions):
    """Tokenizer, encoder and model joined into the functions that a regressor serves.

    Args:
        model: one that gives a number `(batch, 1)`; what else it has, and the rest: as of `WholeTextFunctions`.
    """

    def __init__(
        self, model: keras.Model, tokenizer: Tokenizer, encoder: TokenEncoder, settings: RegressionSettings
    ) -> None:
        super().__init__(model, tokenizer, encoder, settings)
        self.declare("serving_default", self._text, tf.TensorSpec([None], tf.string, name="text"))

    def _text(self, text: tf.Tensor) -> dict[str, tf.Tensor]:
        """Score raw text.

        Args:
            text: string `(batch,)`, UTF-8. Of each text the first `settings.max_tokens` tokens are read.

        Returns:
            `score`, `low` and `high`, float32 `(batch,)`; `read_tokens` and `num_tokens` int32 `(batch,)`, how many
            tokens of the text were read, and how many it has.
        """
        settings, read = self.settings, self._read(text)
        score = settings.mean + settings.deviation * self._run(self.model, read)[:, 0]
        return {"score": score, "low": score - settings.radius, "high": score + settings.radius, **counts_of(read)}
