"""What a tagger serves: raw text, or tokens, to tags with places and confidences."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import keras
import tensorflow as tf

from keras_seq.core.errors import InputError
from keras_seq.ops.crf import crf_marginals
from keras_seq.ops.tag_decoding import decode_tags
from keras_seq.text import TokenEncoder, WordTokenizer

# Rows that run through the model together when a batch is served.
ROWS_PER_GROUP = 16


class TaggingFunctions(tf.Module):
    """Tokenizer, encoder, model and decoder joined into the two functions that a tagger serves.

    The same functions answer in Python and, exported, in any TensorFlow runtime: all ops are stock ones.

    Args:
        model: a tagger of the zoo, whose inputs are among those that the encoder gives.
        tokenizer: splits text.
        encoder: turns tokens into ids.
        tag_names: the tags in the order of the model's ids, BIO or BIOES; what is served is BIO.
    """

    def __init__(
        self, model: keras.Model, tokenizer: WordTokenizer, encoder: TokenEncoder, tag_names: Sequence[str]
    ) -> None:
        super().__init__()
        self.model = model
        self.tokenizer = tokenizer
        self.encoder = encoder
        self.tag_names = tuple(tag_names)
        self.input_names = tuple(tensor.name for tensor in model.inputs)

    @tf.function(input_signature=[tf.TensorSpec([None], tf.string, name="text")], autograph=False)
    def text(self, texts: tf.Tensor) -> dict[str, tf.Tensor]:
        """Tag raw text.

        Args:
            texts: string `(batch,)`, UTF-8.

        Returns:
            `tokens` and `tags` string `(batch, steps)` padded with `""`; `starts` and `ends` int32, character offsets
            into the text, end exclusive, 0 at padding; `scores` float32, the marginal probability of the tag, 0 at
            padding.
        """
        tokens, starts, ends = self.tokenizer.tokenize(texts)
        return {"tokens": tokens, **self._tag(tokens), "starts": starts, "ends": ends}

    @tf.function(input_signature=[tf.TensorSpec([None, None], tf.string, name="tokens")], autograph=False)
    def tokenized(self, tokens: tf.Tensor) -> dict[str, tf.Tensor]:
        """Tag text that is split already.

        Args:
            tokens: string `(batch, steps)`, padded with `""` on either side.

        Returns:
            `tags` and `scores` `(batch, steps)` as `text` gives them.
        """
        steps = tf.shape(tokens)[1]
        # Recurrent loops need one step.
        outputs = self._tag(tf.pad(tokens, [[0, 0], [0, tf.cast(steps == 0, tf.int32)]]))
        return {name: value[:, :steps] for name, value in outputs.items()}

    def signatures(self) -> dict[str, Callable[..., Any]]:
        """The functions by the names under which they are served."""
        return {"serving_default": self.text, "tokenized": self.tokenized}

    def _tag(self, tokens: tf.Tensor) -> dict[str, tf.Tensor]:
        ids = self.encoder.encode(tokens)
        tag_ids, scores = _by_length(self._decode, {name: ids[name] for name in self.input_names}, tokens)
        mask = tf.not_equal(tokens, "")
        return {
            "tags": tf.where(mask, tf.gather(_served_names(self.tag_names), tag_ids), ""),
            "scores": tf.where(mask, scores, 0.0),
        }

    def _decode(self, inputs: dict[str, tf.Tensor], mask: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        """Tag ids and their marginal probabilities, `(batch, steps)` each."""
        outputs = self.model(inputs, training=False)
        tag_ids = decode_tags(outputs, mask)
        is_chain = len(outputs.shape) == 4
        probabilities = crf_marginals(outputs, mask) if is_chain else tf.exp(tf.cast(outputs, tf.float32))
        return tag_ids, tf.gather(probabilities, tag_ids, batch_dims=2)


def _by_length(
    decode: Callable[..., tuple[tf.Tensor, tf.Tensor]], inputs: dict[str, tf.Tensor], tokens: tf.Tensor
) -> tuple[tf.Tensor, tf.Tensor]:
    """Decode rows of similar length together: short ones do not wait for the longest, and memory stays bounded."""
    is_token = tf.not_equal(tokens, "")
    rows, steps = tf.unstack(tf.shape(tokens))
    # What stands after the last token of a row is cut off; padding on the left stays.
    widths = tf.reduce_max(tf.where(is_token, tf.range(1, steps + 1), 1), axis=1)
    order = tf.argsort(widths)
    # A batch without rows is one empty group.
    groups = tf.maximum((rows + ROWS_PER_GROUP - 1) // ROWS_PER_GROUP, 1)

    def body(group: tf.Tensor, tag_ids: tf.TensorArray, scores: tf.TensorArray) -> tuple:
        chosen = order[group * ROWS_PER_GROUP : (group + 1) * ROWS_PER_GROUP]
        width = tf.maximum(tf.reduce_max(tf.gather(widths, chosen)), 1)
        cut = {name: tf.gather(values[:, :width], chosen) for name, values in inputs.items()}
        found = decode(cut, tf.gather(is_token[:, :width], chosen))
        padding = [[0, 0], [0, steps - width]]
        results = [tf.pad(values, padding) for values in found]
        return group + 1, tag_ids.write(group, results[0]), scores.write(group, results[1])

    arrays = [
        tf.TensorArray(dtype, groups, infer_shape=False, element_shape=[None, None]) for dtype in (tf.int32, tf.float32)
    ]
    _, tag_ids, scores = tf.while_loop(
        lambda group, *_: group < groups, body, (0, *arrays), parallel_iterations=2, maximum_iterations=groups
    )
    place = tf.argsort(order)
    return tf.gather(tag_ids.concat(), place), tf.gather(scores.concat(), place)


class SavedTaggingFunctions:
    """The functions of a tagger that was exported, called through the signatures of its SavedModel.

    Args:
        path: the folder of one version, which holds `saved_model.pb`.

    Raises:
        InputError: if it is not the SavedModel of a tagger.
    """

    def __init__(self, path: str | os.PathLike) -> None:
        try:
            self._loaded = tf.saved_model.load(os.fspath(path))
        except (OSError, ValueError, KeyError, tf.errors.OpError) as error:
            reason = " ".join(str(error).split())[:200]
            raise InputError(f"{path}: cannot be loaded ({reason}); export it again") from error
        self._signatures = self._loaded.signatures
        tags = Path(path) / "assets" / "tags.txt"
        missing = {"serving_default", "tokenized"} - set(self._signatures)
        if missing or not tags.is_file():
            raise InputError(f"{path}: is not the SavedModel of a tagger; name one that `keras-seq export` has written")
        self.tag_names = tuple(read_tag_names(tags))

    def text(self, texts: tf.Tensor) -> dict[str, tf.Tensor]:
        """As `TaggingFunctions.text`."""
        return self._signatures["serving_default"](text=tf.convert_to_tensor(texts, tf.string))

    def tokenized(self, tokens: tf.Tensor) -> dict[str, tf.Tensor]:
        """As `TaggingFunctions.tokenized`."""
        return self._signatures["tokenized"](tokens=tf.convert_to_tensor(tokens, tf.string))


def read_tag_names(path: Path) -> list[str]:
    """The tags of a `tags.txt`, one a line, in the order of their ids."""
    return path.read_text(encoding="utf-8").split("\n")[:-1]


class Asset(tf.Module):
    """A file that a SavedModel carries along, in its `assets` folder.

    Args:
        path: the file; it must stay until the SavedModel is written.
    """

    def __init__(self, path: str | os.PathLike) -> None:
        super().__init__()
        self.file = tf.saved_model.Asset(os.fspath(path))


def _served_names(tag_names: Sequence[str]) -> list[str]:
    """BIO names of BIOES tags: `S` begins an entity, `E` goes on with it."""
    return [{"S": "B", "E": "I"}.get(name[0], name[0]) + name[1:] for name in tag_names]
