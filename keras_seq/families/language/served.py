"""What a language model serves: the probability of a text, new text, and one step at a time."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from keras_seq.export.saved_functions import SavedFunctions, assert_in_range
from keras_seq.ops.decoding import sample_ids
from keras_seq.ops.recurrent_decoding import states_of_layers
from keras_seq.ops.serving import serving_graph
from keras_seq.text.language_encoder import END_ID, SETTINGS_FILE, SYMBOLS_FILE, LanguageEncoder
from keras_seq.zoo import streaming_model
from keras_seq.zoo.language_step import language_step

# A text is read in windows of so many steps, so that memory does not grow with its length.
STEPS_PER_WINDOW = 256
# A served call may ask for so many symbols.
LONGEST = 100_000


class LanguageFunctions(tf.Module):
    """Encoder, model and decoding loop joined into the functions that a language model serves.

    The same functions answer in Python and, exported, in any TensorFlow runtime: all ops are stock ones.

    Args:
        model: a model of `keras_seq.zoo.language_model` or `name_generator_model`.
        encoder: symbols and ids.
    """

    def __init__(self, model: keras.Model, encoder: LanguageEncoder) -> None:
        super().__init__()
        self.model = model
        self.encoder = encoder
        self.streaming = streaming_model(model)
        self.of_targets = streaming_model(model, with_targets=True)
        self.state_sizes = {
            tensor.name: tuple(tensor.shape[1:]) for tensor in self.streaming.inputs if tensor.name.startswith("state")
        }

    @tf.function(input_signature=[tf.TensorSpec([None], tf.string, name="text")], autograph=False)
    def text(self, texts: tf.Tensor) -> dict[str, tf.Tensor]:
        """Score texts, each from its own beginning; where lines are texts, the end mark is scored too.

        Args:
            texts: string `(batch,)`, UTF-8.

        Returns:
            `log_prob` float32 `(batch,)`, the natural logarithm of the probability of the text; `num_tokens` int32, the
            number of symbols scored; `perplexity` float32, `exp(-log_prob / num_tokens)`, 1 for a text without symbols.
        """
        targets = self.encoder.encode(texts)
        lengths = tf.reduce_sum(tf.cast(targets > 0, tf.int32), axis=1)
        if self.encoder.layout == "lines":
            targets = tf.pad(targets, [[0, 0], [0, 1]])
            targets += tf.one_hot(lengths, tf.shape(targets)[1], dtype=tf.int32) * END_ID
            lengths += 1
        log_probs = self._log_probs(targets)
        counts = tf.maximum(tf.cast(lengths, tf.float32), 1.0)
        return {"log_prob": log_probs, "perplexity": tf.exp(-log_probs / counts), "num_tokens": lengths}

    @tf.function(
        input_signature=[
            tf.TensorSpec([None], tf.string, name="prefix"),
            tf.TensorSpec([], tf.int32, name="max_length"),
            tf.TensorSpec([], tf.float32, name="temperature"),
            tf.TensorSpec([], tf.int32, name="top_k"),
            tf.TensorSpec([], tf.float32, name="top_p"),
            tf.TensorSpec([], tf.int32, name="seed"),
        ],
        autograph=False,
    )
    def generate(
        self,
        prefix: tf.Tensor,
        max_length: tf.Tensor,
        temperature: tf.Tensor,
        top_k: tf.Tensor,
        top_p: tf.Tensor,
        seed: tf.Tensor,
    ) -> dict[str, tf.Tensor]:
        """Go on from prefixes, symbol by symbol; where lines are texts, until the end mark.

        Args:
            prefix: string `(batch,)`, UTF-8; may be empty. Unknown symbols are read as such.
            max_length: the most symbols to add, from 1 to 100,000.
            temperature: above 0; below 1 likely symbols become likelier.
            top_k: draw from so many of the likeliest symbols alone; 0: from all. 1 takes the likeliest.
            top_p: draw from the likeliest symbols that have this share of the probability; 1: from all.
            seed: of at least 0. Row r of a batch gets the same random numbers whatever the other rows.

        Returns:
            `text` string `(batch,)`, the prefix and what was added.
        """
        size = len(self.encoder)
        checks = [
            assert_in_range(max_length >= 1, "max_length must be at least 1", max_length),
            assert_in_range(max_length <= LONGEST, f"max_length must be at most {LONGEST}", max_length),
            assert_in_range(
                temperature > 0, "temperature must be above 0 (top_k = 1 takes the likeliest)", temperature
            ),
            assert_in_range((top_k >= 0) & (top_k <= size), f"top_k must be from 0 to {size}, the vocabulary", top_k),
            assert_in_range((top_p > 0) & (top_p <= 1), "top_p must be above 0 and at most 1", top_p),
            assert_in_range(seed >= 0, "seed must be at least 0", seed),
        ]
        with tf.control_dependencies(checks):
            # Nothing is made of a number that is out of range.
            max_length = tf.identity(max_length)
        ids = self.encoder.encode(prefix)
        drawn = self._drawn(ids, max_length=max_length, temperature=temperature, top_k=top_k, top_p=top_p, seed=seed)
        added = self.encoder.decode(drawn)
        if self.encoder.unit == "character":
            return {"text": tf.strings.join([prefix, added])}
        space = tf.where(tf.equal(prefix, "") | tf.equal(added, ""), "", " ")
        return {"text": tf.strings.join([prefix, space, added])}

    def _drawn(self, ids: tf.Tensor, **numbers: tf.Tensor) -> tf.Tensor:
        """The ids that are drawn after those of prefixes, which are padded with 0 on the right."""
        rows = tf.shape(ids)[0]
        read = tf.concat([tf.fill([rows, 1], self.encoder.start_id), ids], axis=1)
        last = tf.reduce_sum(tf.cast(ids > 0, tf.int32), axis=1)
        start_ids = tf.gather(read, last, batch_dims=1)
        # All but the last symbol, which the first step reads. Of the outputs the states alone are asked for.
        before = tf.where(tf.range(tf.shape(read)[1]) < last[:, None], read, 0)
        with serving_graph():
            states = self.streaming({"token_ids": before, **self.first_states(rows)}, training=False)
        drawn, _ = sample_ids(
            language_step(self.model),
            start_ids,
            states_of_layers([states[name] for name in self.state_sizes]),
            **numbers,
            stop_id=self.encoder.stop_id,
            banned_ids=self.encoder.banned_ids,
        )
        return drawn

    def signatures(self) -> dict[str, Callable[..., Any]]:
        """The functions by the names under which they are served."""
        names = tuple(self.state_sizes)
        specs = [tf.TensorSpec([None], tf.int32, name="token_ids")]
        specs += [tf.TensorSpec([None, *size], tf.float32, name=name) for name, size in self.state_sizes.items()]

        def step(token_ids: tf.Tensor, *states: tf.Tensor, **named: tf.Tensor) -> dict[str, tf.Tensor]:
            return self.step(token_ids, {**dict(zip(names, states, strict=False)), **named})

        return {"serving_default": self.text, "generate": self.generate, "step": (step, specs)}

    def step(self, token_ids: tf.Tensor, states: dict[str, tf.Tensor]) -> dict[str, tf.Tensor]:
        """Read one symbol.

        Args:
            token_ids: int32 `(batch,)`; 0 leaves the states of a row as they are.
            states: float32 `(batch, num_layers, units)` each, zeros before the first step.

        Returns:
            `log_probs` float32 `(batch, vocabulary)`, natural logarithms, of the next symbol; and the new states.
        """
        with serving_graph():
            outputs = self.streaming({"token_ids": token_ids[:, None], **states}, training=False)
        return {**outputs, "log_probs": outputs["log_probs"][:, 0]}

    def first_states(self, rows: Any) -> dict[str, tf.Tensor]:
        """The states before the first step: zeros."""
        return {name: tf.zeros([rows, *size]) for name, size in self.state_sizes.items()}

    def _log_probs(self, targets: tf.Tensor) -> tf.Tensor:
        """The sums of the log-probabilities of the ids of each row, padding left out."""
        rows, steps = tf.unstack(tf.shape(targets))
        started = tf.concat([tf.fill([rows, 1], self.encoder.start_id), targets[:, :-1]], axis=1)
        token_ids = tf.where(targets > 0, started[:, :steps], 0)

        def window(begin: tf.Tensor, log_probs: tf.Tensor, *states: tf.Tensor) -> tuple:
            place = slice(begin, begin + STEPS_PER_WINDOW)
            inputs = {"token_ids": token_ids[:, place], "target_ids": targets[:, place]}
            with serving_graph():
                outputs = self.of_targets({**inputs, **dict(zip(self.state_sizes, states, strict=True))})
            summed = log_probs + tf.reduce_sum(outputs["log_probs"], axis=1)
            return (begin + STEPS_PER_WINDOW, summed, *(outputs[name] for name in self.state_sizes))

        loop = (tf.constant(0), tf.zeros([rows]), *self.first_states(rows).values())
        shapes = [tf.TensorShape([]), tf.TensorShape([None])]
        shapes += [tf.TensorShape([None, *size]) for size in self.state_sizes.values()]
        _, log_probs, *_ = tf.while_loop(lambda begin, *_: begin < steps, window, loop, shape_invariants=tuple(shapes))
        return log_probs


class SavedLanguageFunctions(SavedFunctions):
    """The functions of a language model that was exported."""

    task = "language model"
    names = ("serving_default", "generate", "step")
    files = (SETTINGS_FILE, SYMBOLS_FILE)

    def __init__(self, path: str | os.PathLike) -> None:
        super().__init__(path)
        self.encoder = LanguageEncoder.load(Path(path) / "assets")

    def text(self, texts: tf.Tensor) -> dict[str, tf.Tensor]:
        """As `LanguageFunctions.text`."""
        return self.call("serving_default", text=texts)

    def generate(self, prefix: tf.Tensor, **options: tf.Tensor) -> dict[str, tf.Tensor]:
        """As `LanguageFunctions.generate`."""
        return self.call("generate", prefix=prefix, **options)

    def score(
        self, arrays: dict[str, np.ndarray], states: dict[str, tf.Tensor] | None
    ) -> tuple[np.ndarray, dict[str, tf.Tensor]]:
        """Log-probabilities of targets, step by step; for `keras_seq.families.language.data.score_text`."""
        token_ids, target_ids = arrays["token_ids"], arrays["target_ids"]
        states = self.first_states(len(token_ids)) if states is None else states
        log_probs = np.zeros(token_ids.shape, "float32")
        for step in range(token_ids.shape[1]):
            outputs = self.step(token_ids[:, step], states)
            targets = target_ids[:, step]
            picked = tf.gather(outputs.pop("log_probs"), targets, batch_dims=1).numpy()
            log_probs[:, step] = np.where(targets > 0, picked, 0.0)
            states = outputs
        return log_probs, states

    def step(self, token_ids: tf.Tensor, states: dict[str, tf.Tensor]) -> dict[str, tf.Tensor]:
        """As `LanguageFunctions.step`."""
        return self.call("step", token_ids=token_ids, **states)

    def first_states(self, rows: Any) -> dict[str, tf.Tensor]:
        """As `LanguageFunctions.first_states`."""
        specs = self._signatures["step"].structured_input_signature[1]
        return {name: tf.zeros([rows, *spec.shape[1:]]) for name, spec in specs.items() if name != "token_ids"}
