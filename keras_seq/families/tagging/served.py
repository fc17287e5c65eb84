"""What a tagger serves: raw text, or tokens, to tags with places and confidences."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import keras
import tensorflow as tf

from keras_seq.core.checks import check_names
from keras_seq.core.reading import read_names
from keras_seq.core.streaming import State
from keras_seq.export.by_length import run_by_length
from keras_seq.export.json_settings import REMEDY, JSONSettings
from keras_seq.export.served import finite_states, state_specs
from keras_seq.export.text_functions import TokenFunctions
from keras_seq.export.windows import OVERLAP, TOKENS_PER_WINDOW, Windows, read_in_windows
from keras_seq.ops.crf import crf_marginals
from keras_seq.ops.tag_decoding import decode_tags
from keras_seq.text import TokenEncoder, Tokenizer
from keras_seq.text.tokenizer import WORD_STARTS
from keras_seq.zoo.streaming import streaming_model, why_not_streaming

TAGS_FILE = "tags.txt"
# Rows, and windows of a long text, that run through the model together: more cost memory, fewer time.
ROWS_PER_GROUP, WINDOWS_PER_GROUP = 16, 8


@dataclasses.dataclass(frozen=True)
class TaggingSettings(JSONSettings):
    """What a tagger knows of its tags.

    Args:
        tags: their names in the order of the model's ids, BIO or BIOES.
    """

    legacy_files = (TAGS_FILE,)

    tags: Sequence[str]

    def __post_init__(self) -> None:
        check_names("tags", self.tags)

    @classmethod
    def from_legacy(cls, folder: Path) -> TaggingSettings:
        return cls(tuple(read_names(folder / TAGS_FILE, REMEDY)))


class TaggingFunctions(TokenFunctions):
    """Tokenizer, encoder, model and decoder joined into the functions that a tagger serves.

    A tagger of words that reads forwards and decides step by step serves `step` too, for texts that come in parts.

    The same functions answer in Python and, exported, in any TensorFlow runtime: all ops are stock ones.

    Args:
        model: a tagger of the zoo, whose inputs are among those that the encoder gives.
        tokenizer: splits text.
        encoder: turns tokens into ids.
        settings: the tags; what is served is BIO.
    """

    def __init__(
        self, model: keras.Model, tokenizer: Tokenizer, encoder: TokenEncoder, settings: TaggingSettings
    ) -> None:
        super().__init__(model, model, tokenizer, encoder, settings)
        self.declare("serving_default", self._text, tf.TensorSpec([None], tf.string, name="text"))
        tokens = tf.TensorSpec([None, None], tf.string, name="tokens")
        self.declare("tokenized", self._tokenized, tokens)
        if not why_not_streaming(model):
            self.streaming = streaming_model(model)
            self.declare("step", self._step, tokens, *state_specs(self.streaming.initial_state(1)))

    def _text(self, text: tf.Tensor) -> dict[str, tf.Tensor]:
        """Tag raw text, all of it: a long one in windows (`keras_seq.export.windows`).

        Args:
            text: string `(batch,)`, UTF-8.

        Returns:
            `tokens`, which are words, and `tags` string `(batch, steps)` padded with `""`; `starts` and `ends` int32,
            character offsets into the text, end exclusive, 0 at padding; `scores` float32, the marginal probability of
            the tag, 0 at padding.
        """
        words, starts, ends = self.tokenizer.words(text)
        return {"tokens": words, **self._tag(words), "starts": starts, "ends": ends}

    def _tokenized(self, tokens: tf.Tensor) -> dict[str, tf.Tensor]:
        """Tag text that is split already.

        Args:
            tokens: string `(batch, steps)`, padded with `""` on either side.

        Returns:
            `tags` and `scores` `(batch, steps)` as of raw text.
        """
        steps = tf.shape(tokens)[1]
        # Recurrent loops need one step.
        outputs = self._tag(tf.pad(tokens, [[0, 0], [0, tf.cast(steps == 0, tf.int32)]]))
        return {name: value[:, :steps] for name, value in outputs.items()}

    def _step(self, tokens: tf.Tensor, **states: tf.Tensor) -> dict[str, tf.Tensor]:
        """Tag the next tokens of texts that come in parts, as the whole texts would be tagged.

        Args:
            tokens: string `(batch, steps)`, any number of steps; `""` leaves the states of a row as they are.
            **states: by their names, `(batch, ...)` each, finite, zeros before the first step; see
                `keras_seq.zoo.streaming_model`.

        Returns:
            `tags` and `scores` `(batch, steps)` as of raw text, and the new states.
        """
        steps = tf.shape(tokens)[1]
        with tf.control_dependencies(finite_states(states)):
            # Of no step, there is one window of one that is padding.
            padded = tf.pad(tokens, [[0, 0], [0, tf.cast(steps == 0, tf.int32)]])

        def reads(window: slice, found: tuple[tf.TensorArray, ...], states: State) -> tuple[Any, State]:
            rows = self.tokenizer.parts(padded[:, window])
            inputs = self._inputs(rows.tokens, rows.word_starts)
            outputs = dict(self.streaming({**inputs, **states}, training=False))
            decoded = _decoded(outputs.pop(self.model.output_names[0]), _real(inputs, tf.not_equal(rows.tokens, "")))
            # Steps come first where windows are joined.
            parts = [tf.transpose(rows.at_words(values)) for values in decoded]
            return tuple(array.write(array.size(), part) for array, part in zip(found, parts, strict=True)), outputs

        arrays = tuple(
            tf.TensorArray(dtype, 0, dynamic_size=True, infer_shape=False, element_shape=[None, None])
            for dtype in (tf.int32, tf.float32)
        )
        found, states = read_in_windows(reads, tf.shape(padded)[1], arrays, states)
        named = self._named(padded, *(tf.transpose(array.concat()) for array in found))
        return {**{name: value[:, :steps] for name, value in named.items()}, **states}

    # A function of its own: model and tables stand in the graph once for both signatures.
    @tf.function(input_signature=[tf.TensorSpec([None, None], tf.string)], autograph=False)
    def _tag(self, words: tf.Tensor) -> dict[str, tf.Tensor]:
        # Ids are looked up here, for those of all characters of a long text would be twenty times as large as it.
        def run(rows: dict[str, tf.Tensor], mask: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
            inputs = self._inputs(**rows)
            return _decoded(self.model(inputs, training=False), _real(inputs, mask))

        rows = self.tokenizer.parts(words)
        windows = Windows.of(rows.tokens, rows.word_starts, size=TOKENS_PER_WINDOW, overlap=OVERLAP)
        found = run_by_length(
            run,
            {"tokens": windows.tokens, "word_starts": windows.word_starts},
            windows.tokens,
            (tf.int32, tf.float32),
            rows_per_group=ROWS_PER_GROUP,
            tokens_per_group=WINDOWS_PER_GROUP * TOKENS_PER_WINDOW,
            per_step=True,
        )
        return self._named(words, *(rows.at_words(windows.joined(values)) for values in found))

    def _inputs(self, tokens: tf.Tensor, word_starts: tf.Tensor) -> dict[str, tf.Tensor]:
        """What the model reads of tokens."""
        inputs = self.encoder.encode(tokens, [name for name in self.input_names if name != WORD_STARTS])
        inputs = {name: _without_padding(ids) if ids.shape.rank == 3 else ids for name, ids in inputs.items()}
        return inputs | ({WORD_STARTS: word_starts} if WORD_STARTS in self.input_names else {})

    def _named(self, tokens: tf.Tensor, tag_ids: tf.Tensor, scores: tf.Tensor) -> dict[str, tf.Tensor]:
        mask = tf.not_equal(tokens, "")
        return {
            "tags": tf.where(mask, tf.gather(_served_names(self.settings.tags), tag_ids), ""),
            "scores": tf.where(mask, scores, 0.0),
        }


def _without_padding(ids: tf.Tensor) -> tf.Tensor:
    """Ids of the parts of tokens, `(batch, steps, parts)`, as far as any token has parts: most tokens are short."""
    used = tf.where(tf.reduce_any(tf.not_equal(ids, 0), axis=[0, 1]))[:, 0]
    return ids[:, :, : tf.reduce_max(tf.concat([used + 1, [1]], axis=0))]


def _real(inputs: dict[str, tf.Tensor], mask: tf.Tensor) -> tf.Tensor:
    """Which steps have a tag: all real ones, of pieces the first of each word."""
    return tf.not_equal(inputs[WORD_STARTS], 0) if WORD_STARTS in inputs else mask


def _decoded(outputs: tf.Tensor, mask: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
    """Tag ids and their marginal probabilities, `(batch, steps)` each, of what a tagger puts out."""
    tag_ids = decode_tags(outputs, mask)
    is_chain = len(outputs.shape) == 4
    probabilities = crf_marginals(outputs, mask) if is_chain else tf.exp(tf.cast(outputs, tf.float32))
    return tag_ids, tf.gather(probabilities, tag_ids, batch_dims=2)


def _served_names(tag_names: Sequence[str]) -> list[str]:
    """BIO names of BIOES tags: `S` begins an entity, `E` goes on with it."""
    return [{"S": "B", "E": "I"}.get(name[0], name[0]) + name[1:] for name in tag_names]
