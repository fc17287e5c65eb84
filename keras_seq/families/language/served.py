"""What a language model serves: the probability of a text, new text, and one step at a time."""

from __future__ import annotations

import dataclasses
import functools
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from keras_seq.core.checks import check_names
from keras_seq.core.streaming import State
from keras_seq.export.json_settings import JSONSettings
from keras_seq.export.row_options import SAMPLE, SEED, TEMPERATURE, RowOption, checked_options, integer_option
from keras_seq.export.served import SavedServed, Served, assert_in_range, finite_states, initial_states, state_specs
from keras_seq.export.windows import read_in_windows
from keras_seq.ops.decoding import sample_ids
from keras_seq.text.language_encoder import END_ID, SETTINGS_FILE, SYMBOLS_FILE, LanguageEncoder
from keras_seq.zoo.streaming import IdStep, streaming_model

# A served call may ask for so many symbols.
LONGEST = 100_000


@dataclasses.dataclass(frozen=True)
class LanguageSettings(JSONSettings):
    """What a language model reads and writes: symbols and their ids.

    Args:
        unit, layout, symbols: as of `keras_seq.text.LanguageEncoder`.
    """

    legacy_files = (SETTINGS_FILE, SYMBOLS_FILE)

    unit: str
    layout: str
    symbols: Sequence[str]

    def __post_init__(self) -> None:
        check_names("symbols", self.symbols)
        # Which symbols there may be, it says itself.
        _ = self.encoder

    @classmethod
    def of(cls, encoder: LanguageEncoder) -> LanguageSettings:
        """Those of an encoder."""
        return cls(encoder.unit, encoder.layout, encoder.symbols)

    @classmethod
    def from_legacy(cls, folder: Path) -> LanguageSettings:
        return cls.of(LanguageEncoder.load(folder))

    @functools.cached_property
    def encoder(self) -> LanguageEncoder:
        """Symbols to ids and back."""
        return LanguageEncoder(self.unit, self.layout, self.symbols)


def generation_options(vocabulary_size: int) -> tuple[RowOption, ...]:
    """The options of `generate`, in the order of its inputs."""
    return (
        integer_option("max_length", 1, LONGEST),
        TEMPERATURE,
        integer_option("top_k", 0, vocabulary_size),
        RowOption("top_p", tf.float32, lambda values: (values > 0) & (values <= 1), "must be above 0 and at most 1"),
        SEED,
        SAMPLE,
    )


class LanguageFunctions(Served):
    """Encoder, model and decoding loop joined into the functions that a language model serves.

    `serving_default` scores texts, each from its own beginning; where lines are texts, the end mark is scored too.

    - `text` string `(batch,)`, UTF-8.
    - Gives `log_prob` float32 `(batch,)`, the natural logarithm of the probability of the text; `num_tokens` int32, the
      number of symbols scored; `perplexity` float32, `exp(-log_prob / num_tokens)`, 1 for a text without symbols.

    `generate` goes on from prefixes, symbol by symbol; where lines are texts, until the end mark. Each row has options
    of its own, and gives what it gives alone, in any company and at any place.

    - `prefix` string `(batch,)`, UTF-8; may be empty. Unknown symbols are read as such.
    - `max_length` int32 `(batch,)`: the most symbols to add, from 1 to 100,000.
    - `temperature` float32 `(batch,)`, above 0; below 1 likely symbols become likelier.
    - `top_k` int32 `(batch,)`: draw from so many of the likeliest symbols alone; 0: from all. 1 takes the likeliest.
    - `top_p` float32 `(batch,)`: draw from the likeliest symbols that have this share of the probability; 1: from all.
    - `seed` int32 `(batch,)`, of at least 0.
    - `sample` int32 `(batch,)`, of at least 0: which of the texts of this seed; another one, another text.
    - Gives `text` string `(batch,)`, the prefix and what was added.

    `step` reads one symbol.

    - `token_ids` int32 `(batch,)`; 0 leaves the states of a row as they are. What is no id of a symbol is refused.
    - The states by their names, `(batch, ...)` each, finite, zeros before the first step; see
      `keras_seq.zoo.streaming_model`.
    - Gives `log_probs` float32 `(batch, vocabulary)`, natural logarithms, of the next symbol; and the new states.

    Args:
        model: a model of `keras_seq.zoo.language_model` or `name_generator_model`.
        settings: symbols and ids.
    """

    def __init__(self, model: keras.Model, settings: LanguageSettings) -> None:
        super().__init__(model, settings)
        encoder = self.encoder = settings.encoder
        self.streaming = streaming_model(model)
        self.of_targets = streaming_model(model, with_targets=True)
        self.id_step = IdStep(model, len(encoder))
        self.declare("serving_default", self._score, tf.TensorSpec([None], tf.string, name="text"))
        self.declare(
            "generate",
            self._generate,
            tf.TensorSpec([None], tf.string, name="prefix"),
            *(option.spec for option in generation_options(len(encoder))),
        )
        states = state_specs(self.streaming.initial_state(1))
        self.declare("step", self._step, tf.TensorSpec([None], tf.int32, name="token_ids"), *states)

    def _score(self, text: tf.Tensor) -> dict[str, tf.Tensor]:
        targets = self.encoder.encode(text)
        lengths = tf.reduce_sum(tf.cast(targets > 0, tf.int32), axis=1)
        if self.encoder.layout == "lines":
            targets = tf.pad(targets, [[0, 0], [0, 1]])
            targets += tf.one_hot(lengths, tf.shape(targets)[1], dtype=tf.int32) * END_ID
            lengths += 1
        log_probs = self._log_probs(targets)
        counts = tf.maximum(tf.cast(lengths, tf.float32), 1.0)
        return {"log_prob": log_probs, "perplexity": tf.exp(-log_probs / counts), "num_tokens": lengths}

    def _generate(self, prefix: tf.Tensor, **options: tf.Tensor) -> dict[str, tf.Tensor]:
        options = checked_options(generation_options(len(self.encoder)), options, tf.size(prefix))
        added = self.encoder.decode(self._drawn(self.encoder.encode(prefix), **options))
        if self.encoder.unit == "character":
            return {"text": tf.strings.join([prefix, added])}
        space = tf.where(tf.equal(prefix, "") | tf.equal(added, ""), "", " ")
        return {"text": tf.strings.join([prefix, space, added])}

    def _step(self, token_ids: tf.Tensor, **states: tf.Tensor) -> dict[str, tf.Tensor]:
        most = len(self.encoder) - 1
        is_known = assert_in_range(
            (token_ids >= 0) & (token_ids <= most), f"token_ids must be from 0 to {most}; received", token_ids
        )
        with tf.control_dependencies([is_known, *finite_states(states)]):
            token_ids = tf.identity(token_ids)
        outputs = self.streaming({"token_ids": token_ids[:, None], **states}, training=False)
        return {**outputs, "log_probs": outputs["log_probs"][:, 0]}

    def _drawn(self, ids: tf.Tensor, **options: tf.Tensor) -> tf.Tensor:
        """The ids that are drawn after those of prefixes, which are padded with 0 on the right."""
        rows = tf.shape(ids)[0]
        read = tf.concat([tf.fill([rows, 1], self.encoder.start_id), ids], axis=1)
        last = tf.reduce_sum(tf.cast(ids > 0, tf.int32), axis=1)
        start_ids = tf.gather(read, last, batch_dims=1)
        # All but the last symbol, which the first step reads. Of the outputs the states alone are asked for.
        before = tf.where(tf.range(tf.shape(read)[1]) < last[:, None], read, 0)

        def reads(window: slice, nothing: tf.Tensor, states: State) -> tuple[tf.Tensor, State]:
            outputs = dict(self.streaming({"token_ids": before[:, window], **states}, training=False))
            del outputs["log_probs"]
            return nothing, outputs

        _, states = read_in_windows(reads, tf.shape(before)[1], tf.zeros([rows]), self.streaming.initial_state(rows))
        stop_id, banned_ids = self.encoder.stop_id, self.encoder.banned_ids
        return sample_ids(
            self.id_step.prepared(), start_ids, states, **options, stop_id=stop_id, banned_ids=banned_ids
        )[0]

    def _log_probs(self, targets: tf.Tensor) -> tf.Tensor:
        """The sums of the log-probabilities of the ids of each row, padding left out."""
        rows, steps = tf.unstack(tf.shape(targets))
        started = tf.concat([tf.fill([rows, 1], self.encoder.start_id), targets[:, :-1]], axis=1)
        token_ids = tf.where(targets > 0, started[:, :steps], 0)

        def adds(window: slice, log_probs: tf.Tensor, states: State) -> tuple[tf.Tensor, State]:
            inputs = {"token_ids": token_ids[:, window], "target_ids": targets[:, window]}
            outputs = dict(self.of_targets({**inputs, **states}, training=False))
            return log_probs + tf.reduce_sum(outputs.pop("log_probs"), axis=1), outputs

        return read_in_windows(adds, steps, tf.zeros([rows]), self.streaming.initial_state(rows))[0]


def scorer_by_steps(served: Served | SavedServed) -> Callable[..., tuple[np.ndarray, dict[str, tf.Tensor]]]:
    """What `keras_seq.families.language.data.score_text` calls, of a SavedModel: a target at a time."""

    def score(arrays: dict[str, np.ndarray], states: dict[str, Any] | None) -> tuple[np.ndarray, dict[str, Any]]:
        token_ids, target_ids = arrays["token_ids"], arrays["target_ids"]
        states = initial_states(served, len(token_ids)) if states is None else states
        log_probs = np.zeros(token_ids.shape, "float32")
        for step in range(token_ids.shape[1]):
            outputs = served.call("step", token_ids=token_ids[:, step], **states)
            targets = target_ids[:, step]
            picked = tf.gather(outputs.pop("log_probs"), targets, batch_dims=1).numpy()
            log_probs[:, step] = np.where(targets > 0, picked, 0.0)
            states = outputs
        return log_probs, states

    return score
