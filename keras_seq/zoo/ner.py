"""The model for named entities and other per-token tags."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import keras

from keras_seq.core.checks import check_boolean, check_choice, check_positive_integer
from keras_seq.layers import MaskFromIds
from keras_seq.zoo.encoders import Encoder, Recurrent, check_no_other, connected, encoded, make_encoder, sizes_of
from keras_seq.zoo.heads import Tags
from keras_seq.zoo.registry import register_builder
from keras_seq.zoo.token_vectors import TAGGER_FEATURES, check_features, dropout_rates, token_vectors, word_layers

DROPOUTS = ("tokens", "embeddings", "recurrent")


@register_builder(
    task="tagger",
    example={
        "vocabulary_size": 50,
        "num_tags": 5,
        "embedding_dim": 8,
        "units": (6,),
        "features": {"characters": {"vocabulary_size": 20, "units": 6}, "max_characters": 5, "num_cases": 4},
    },
)
def ner_model(
    vocabulary_size: int,
    num_tags: int | Sequence[str],
    *,
    embedding_dim: int = 100,
    units: int | Sequence[int] | None = None,
    bidirectional: bool | None = None,
    encoder: Encoder | Mapping[str, Any] | None = None,
    features: Mapping[str, Any] | None = None,
    head: str = "crf",
    dropout: float | Mapping[str, float] = 0.5,
    name: str = "ner_model",
) -> keras.Model:
    """Tag every token: word vectors (and spelling), a stack of LSTMs, a CRF or a log-softmax.

    The textbook model (Embedding, LSTM, Dense, log-softmax) is
    `ner_model(vocabulary_size, num_tags, bidirectional=False, head="log_softmax", dropout=0)`.

    Masking: `token_ids` 0 is padding, on either side or inside; it never changes the output at a real step. Train with
    `keras_seq.losses.CRFNegativeLogLikelihood` (head `"crf"`) or `MaskedCrossEntropy` (`"log_softmax"`), labels -1 at
    padding.

    Args:
        vocabulary_size: number of token ids, padding (0) and unknown (1) included.
        num_tags: number of tags, or their names in id order: then the CRF never decodes a move that the tag scheme
            forbids.
        embedding_dim: size of the word vectors.
        units: sizes of the stacked LSTM layers, per direction (`[128]`).
        bidirectional: whether each layer reads in both directions (True).
        encoder: in the place of these two, what reads the vectors of tokens: an encoder of `keras_seq.zoo.encoders`
            (`Bag`, `Recurrent`, `Convolutional`, `Transformer` or one of your own), or a mapping of its options with
            its name as `kind`, such as `{"kind": "transformer", "num_blocks": 1}`.
        features: further inputs. `characters`: arguments of `keras_seq.layers.CharacterEncoder` (at least
            `vocabulary_size`) adds the input `character_ids`, of `max_characters` characters a token if that is given;
            `num_cases`: number of case classes adds the input `case_ids`, embedded in `case_dim` (8) dimensions.
            `word_starts` (False): for tokens that are pieces of words, adds the input `word_starts`, 1 at the first
            piece of a word and 0 elsewhere. All pieces are read; the head sees first pieces alone, and its mask is
            `True` there alone, so that each word has one tag. Labels are -1 at the other pieces.
        head: `"crf"` or `"log_softmax"`.
        dropout: one rate for vectors and states, or rates by place: `tokens` (replaced by unknown), `embeddings`,
            `recurrent` (in the encoder, and before the head); places not named have rate 0.
        name: name of the model.

    Returns:
        An uncompiled functional model. Inputs, a dict: `token_ids` `(batch, steps)`, and as chosen `character_ids`
        `(batch, steps, characters)`, `case_ids` and `word_starts` `(batch, steps)`, all int32. Output: potentials
        `(batch, steps, tags, tags)` for `keras_seq.ops.crf`, or log-probabilities `(batch, steps, tags)`; give the
        functions of `keras_seq.ops.crf` the mask `word_starts != 0` where there is that input.

    Raises:
        ValueError: if an argument is out of range or a key is unknown.

    Example:
        >>> from keras_seq.zoo import ner_model
        >>> model = ner_model(vocabulary_size=20_000, num_tags=13)
        >>> model.output_shape
        (None, None, 13, 13)

    Reference:
        Huang, Xu and Yu, "Bidirectional LSTM-CRF Models for Sequence Tagging", arXiv:1508.01991, 2015;
        Ma and Hovy, "End-to-end Sequence Labeling via Bi-directional LSTM-CNNs-CRF", ACL 2016.
    """
    # --- Layers
    check_positive_integer("vocabulary_size", vocabulary_size)
    check_positive_integer("embedding_dim", embedding_dim)
    check_choice("head", head, ("crf", "log_softmax"))
    tags = Tags(num_tags, crf=head == "crf")
    check_no_other(encoder, units=units, bidirectional=bidirectional)
    if units is not None and not sizes_of("units", units):
        raise ValueError(f"`units` must hold at least one size. Received: units={units!r}. Pass [128], for instance.")
    default = Recurrent("lstm", (128,) if units is None else units, True if bidirectional is None else bidirectional)
    reader = make_encoder(default if encoder is None else encoder)
    rates = dropout_rates(dropout, DROPOUTS, ("embeddings", "recurrent"))
    features = {"word_starts": False, **check_features(features, embedding_dim, (*TAGGER_FEATURES, "word_starts"))}
    check_boolean("features.word_starts", features["word_starts"])
    words = word_layers(vocabulary_size, embedding_dim, rates["tokens"])
    connect = reader.prepare(rates)
    layers = tags.layers()

    # --- Functional graph
    inputs, x = token_vectors(words, features, rates)
    x = encoded(connect, x)
    if features["word_starts"]:
        inputs["word_starts"] = keras.Input((None,), dtype="int32", name="word_starts")
        x = MaskFromIds(name="first_pieces")([x, inputs["word_starts"]])

    # --- Model
    return keras.Model(inputs, connected(layers, x), name=name)
