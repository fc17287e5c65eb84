"""What a matcher of texts serves: how alike two texts are, the vector of a text, and the nearest among many."""

from __future__ import annotations

import dataclasses
import os
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from keras_seq.core.checks import check_choice, check_non_negative_integer, check_number, check_positive_integer
from keras_seq.data.description import Description
from keras_seq.data.labelled_text import LABELLED_TEXT
from keras_seq.data.pairs import PAIR_FORMS, PAIRS
from keras_seq.data.roles import Roles
from keras_seq.export.comparison import compared_rows
from keras_seq.export.json_settings import MOST_TOKENS, JSONSettings
from keras_seq.export.row_options import RowOption, checked_options, integer_option
from keras_seq.export.text_functions import TextFunctions
from keras_seq.text import TokenEncoder, Tokenizer
from keras_seq.text.code_points import whole_characters
from keras_seq.zoo.parts import tower_of

# Of a file: pairs, or labelled text.
FORMS = (*PAIR_FORMS, "classes")


@dataclasses.dataclass(frozen=True)
class MatchingSettings(JSONSettings):
    """How similarities become an answer, and how a file of pairs is read.

    Args:
        threshold: from this similarity on two texts are duplicates; chosen on validation data.
        max_tokens: of longer text the rest is not read.
        form: `"tsv"` or `"quora"`, files of pairs; `"classes"`, files of labelled text.
        columns: those of the file in their order, or role -> number or name of its column; not of `"quora"`.
        score_range: the least and the largest score of pairs that have one.
        same_from: pairs of at least this score, as a share of the range, are duplicates.
        index_size: how many texts the signature `index` compares; 0: there is none.
    """

    legacy_files = ("matching.json",)

    threshold: float = 0.5
    max_tokens: int = 1000
    form: str = "tsv"
    columns: Roles = ("label", "a", "b")
    score_range: Sequence[float] = (0.0, 1.0)
    same_from: float = 0.8
    index_size: int = 0

    def __post_init__(self) -> None:
        check_number("threshold", self.threshold)
        check_positive_integer("max_tokens", self.max_tokens, most=MOST_TOKENS)
        check_choice("form", self.form, FORMS)
        check_number("same_from", self.same_from)
        check_non_negative_integer("index_size", self.index_size)
        for name, kind in (("columns", str), ("score_range", (int, float))):
            values = getattr(self, name)
            is_list = isinstance(values, Sequence) and not isinstance(values, str)
            is_right = is_list or (name == "columns" and isinstance(values, Mapping) and len(values) > 0)
            if not is_right or not all(isinstance(value, kind) for value in values):
                raise TypeError(f"`{name}` must be a list of its kind. Received: {name}={values!r}. Write it so.")
        if len(self.score_range) != 2 or not self.score_range[0] < self.score_range[1]:
            raise ValueError(
                "`score_range` must be the least and the largest score. "
                f"Received: score_range={self.score_range!r}. Give two numbers, the smaller one first."
            )

    def examples_of(self, path: str | os.PathLike) -> Iterator[Any]:
        """The pairs, or labelled texts, of a file."""
        if self.form == "classes":
            return LABELLED_TEXT.examples(path, self.columns)
        return PAIRS.examples(path, self.columns, form=self.form)

    def describe(self, path: str | os.PathLike) -> Description:
        """What is understood of a file."""
        if self.form == "classes":
            return LABELLED_TEXT.sniff(path, self.columns)
        return PAIRS.sniff(path, self.columns, form=self.form)


class MatchingFunctions(TextFunctions):
    """Tokenizer, encoder and siamese model joined into the functions that a matcher serves.

    The same functions answer in Python and, exported, in any TensorFlow runtime: all ops are stock ones.

    Args:
        model: a model of `keras_seq.zoo.siamese_model`.
        tokenizer: splits text.
        encoder: turns tokens into ids.
        settings: how similarities become an answer.
        index_texts: what `index` finds; none: there is no such signature.
        index_vectors: their vectors, `(texts, features)` of length 1.
    """

    def __init__(
        self,
        model: keras.Model,
        tokenizer: Tokenizer,
        encoder: TokenEncoder,
        settings: MatchingSettings | None = None,
        index_texts: Sequence[str] = (),
        index_vectors: np.ndarray | None = None,
    ) -> None:
        settings = dataclasses.replace(settings or MatchingSettings(), index_size=len(index_texts))
        self._vector_model = tower_of(model)
        super().__init__(model, self._vector_model, tokenizer, encoder, settings)
        text = tf.TensorSpec([None], tf.string, name="text")
        a, b = (tf.TensorSpec([None], tf.string, name=name) for name in ("a", "b"))
        self.declare("serving_default", self._pairs, a, b)
        self.declare("embed", self._embed, text)
        self.index_texts = tuple(index_texts)
        if self.index_texts:
            encoded = [whole_characters(text).encode() for text in self.index_texts]
            self._texts = tf.Variable(encoded, trainable=False, name="index_texts")
            # Columns are texts: the product with a query reads memory from front to back.
            self._vectors = tf.Variable(np.asarray(index_vectors, "float32").T, trainable=False, name="index_vectors")
            self.declare("index", self._index, text, self._asked().spec)

    def _pairs(self, a: tf.Tensor, b: tf.Tensor) -> dict[str, tf.Tensor]:
        """How alike the texts of pairs are.

        Args:
            a, b: string `(batch,)`, UTF-8: row r of `a` is compared with row r of `b`. Of each text the first
                `settings.max_tokens` tokens are read.

        Returns:
            `similarity` float32 `(batch,)`, the cosine of the two vectors, from -1 to 1; `duplicate` bool `(batch,)`,
            whether it is at least the threshold; `read_tokens` and `num_tokens` int32 `(batch,)`, how many tokens of
            the two texts together were read, and how many they have.
        """
        return compared_rows(self._embed, a, b, self.settings.threshold)

    def _index(self, text: tf.Tensor, k: tf.Tensor) -> dict[str, tf.Tensor]:
        """The most similar texts of the index, exactly: each is compared.

        Args:
            text: string `(batch,)`, UTF-8: the queries.
            k: int32 `(batch,)`, how many texts to give for each; from 1 to the size of the index.

        Returns:
            `texts` string `(batch, largest k)`, the most similar first, and their `scores` float32; from the `k` of a
            row on padded with `""` and 0; `read_tokens` and `num_tokens` int32 `(batch,)` as of `embed`.
        """
        k = checked_options([self._asked()], {"k": k}, tf.size(text))["k"]
        # A batch without rows has no largest number.
        largest = tf.reduce_max(tf.concat([k, [0]], axis=0))
        read = self._embed(text)
        scores, places = tf.math.top_k(read.pop("vector") @ self._vectors, largest)
        is_asked = tf.range(largest) < k[:, tf.newaxis]
        return {
            "texts": tf.where(is_asked, tf.gather(self._texts, places), ""),
            "scores": tf.where(is_asked, scores, 0.0),
            **read,
        }

    def _asked(self) -> RowOption:
        """How many texts of the index are asked for."""
        return integer_option("k", 1, self.settings.index_size)
