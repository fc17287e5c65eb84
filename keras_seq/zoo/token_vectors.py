"""What the builders share that read tokens: their inputs, and one vector per token from words, spelling and neighbours.

Private to the room: a builder takes `features` and `dropout` as mappings and hands them on to here.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from typing import Any, TypeVar

import keras
from keras import ops

from keras_seq.core.checks import check_boolean, check_choice, check_positive_integer, check_rate
from keras_seq.layers import (
    CharacterEncoder,
    ConcatenateFeatures,
    HashedBigrams,
    MaskFromIds,
    SubwordEmbedding,
    SumFeatures,
    TokenDropout,
)

Tensor = Any
Options = TypeVar("Options", bound=Any)

# What a tagger may read besides words, and what a classifier of texts may.
TAGGER_FEATURES = ("characters", "max_characters", "num_cases", "case_dim")
TEXT_FEATURES = ("words", "subwords", "bigrams", "combine", *TAGGER_FEATURES)
_CASE_DIM = 8
_BIGRAM_OPTIONS = ("num_buckets", "embedding_dim")
_SUBWORD_OPTIONS = (*_BIGRAM_OPTIONS, "combine")


def check_keys(name: str, given: Mapping[str, Any], known: Sequence[str]) -> None:
    """Raise unless every key of the mapping `name` is known."""
    unknown = sorted(set(given) - set(known))
    if unknown:
        raise ValueError(
            f"`{name}` takes the keys {', '.join(known)}. Received: {', '.join(unknown)}. Remove or rename them."
        )


def from_options(kind: type[Options], given: Mapping[str, Any], argument: str) -> Options:
    """An object of typed options, a dataclass that checks itself, from the mapping of an argument.

    Raises:
        TypeError: if an option has a wrong type, or is missing.
        ValueError: if an option is unknown or out of range; the message begins with the argument and the option.
    """
    check_keys(argument, given, [field.name for field in dataclasses.fields(kind)])
    try:
        return kind(**given)
    except (TypeError, ValueError) as error:
        # It begins with the name of the option, in backticks, or is that of Python for a missing one.
        message = str(error)
        raise type(error)(
            f"`{argument}.{message[1:]}" if message.startswith("`") else f"`{argument}`: {message}"
        ) from None


def dropout_rates(
    dropout: float | Mapping[str, float], places: Sequence[str], places_of_one_rate: Sequence[str]
) -> dict[str, float]:
    """The rate of every place: those of a mapping, else 0; of a single rate, that rate where it is for."""
    if isinstance(dropout, Mapping):
        check_keys("dropout", dropout, places)
        rates = {place: dropout.get(place, 0.0) for place in places}
    else:
        rates = {place: dropout if place in places_of_one_rate else 0.0 for place in places}
    for place, rate in rates.items():
        check_rate(f"dropout.{place}", rate)
    return rates


def check_features(
    features: Mapping[str, Any] | None, embedding_dim: int, known: Sequence[str] = TEXT_FEATURES
) -> dict[str, Any]:
    """The features with every default filled in.

    Raises:
        ValueError: if a key is unknown or missing, a value out of range, or nothing is left to read.
        TypeError: if a value is of the wrong type.
    """
    check_keys("features", features or {}, known)
    features = {"words": True, "combine": "concatenate", **(features or {})}
    check_boolean("features.words", features["words"])
    check_choice("features.combine", features["combine"], ("concatenate", "sum"))
    for key in ("max_characters", "num_cases", "case_dim"):
        if key in features:
            check_positive_integer(f"features.{key}", features[key])
    is_sum = features["combine"] == "sum"
    features.setdefault("case_dim", embedding_dim if is_sum else _CASE_DIM)
    for key, options in (("subwords", _SUBWORD_OPTIONS), ("bigrams", _BIGRAM_OPTIONS)):
        if key in features:
            features[key] = _table_options(f"features.{key}", features[key], options, embedding_dim)
    if "characters" in features and is_sum:
        features["characters"] = {"units": embedding_dim, **features["characters"]}
    if not features["words"] and not any(key in features for key in ("subwords", "bigrams", "characters")):
        raise ValueError(
            "`features` must leave something to read. Received: words=False without subwords, bigrams or characters. "
            "Add one of them."
        )
    return features


def _table_options(name: str, given: Any, known: Sequence[str], embedding_dim: int) -> dict[str, Any]:
    if not isinstance(given, Mapping):
        raise TypeError(f"`{name}` must be a mapping. Received: {name}={given!r}. Give num_buckets, at least.")
    check_keys(name, given, known)
    if "num_buckets" not in given:
        raise ValueError(f"`{name}` must have the key num_buckets. Received: {name}={given!r}. Add it.")
    options = {"embedding_dim": embedding_dim, **given}
    for key in ("num_buckets", "embedding_dim"):
        check_positive_integer(f"{name}.{key}", options[key])
    if "combine" in options:
        check_choice(f"{name}.combine", options["combine"], ("mean", "sum", "sqrt"))
    return options


def word_layers(vocabulary_size: int, embedding_dim: int, rate: float) -> tuple[TokenDropout, keras.layers.Embedding]:
    """The two layers between the ids of words and their vectors."""
    return (
        TokenDropout(rate, name="drop_tokens"),
        keras.layers.Embedding(vocabulary_size, embedding_dim, mask_zero=True, name="word_embedding"),
    )


def token_vectors(
    words: tuple[TokenDropout, keras.layers.Embedding],
    features: Mapping[str, Any],
    rates: Mapping[str, float],
) -> tuple[dict[str, Tensor], Tensor]:
    """Inputs, and the masked vector of each token.

    Args:
        words: What `word_layers` gives; not used where `features["words"]` is false.
        features: What `check_features` gives.
        rates: Of the places `ngrams` (if it is there) and `embeddings`.

    Returns:
        Name -> input, and a tensor `(batch, steps, features)`.
    """
    inputs: dict[str, Tensor] = {}
    parts: dict[str, Tensor] = {}
    if features["words"] or "bigrams" in features:
        inputs["token_ids"] = keras.Input((None,), dtype="int32", name="token_ids")
    if features["words"]:
        drop_tokens, word_embedding = words
        parts["words"] = word_embedding(drop_tokens(inputs["token_ids"]))
    if "subwords" in features:
        inputs["subword_ids"] = keras.Input((None, None), dtype="int32", name="subword_ids")
        kept = _drop_ngrams(rates, "drop_subwords")(inputs["subword_ids"])
        parts["subwords"] = SubwordEmbedding(**features["subwords"], name="subword_embedding")(kept)
    if "bigrams" in features:
        pairs = HashedBigrams(features["bigrams"]["num_buckets"], name="bigrams")(inputs["token_ids"])
        # A row of a single id: what is dropped, as what is padding, has a zero vector.
        pairs = ops.expand_dims(_drop_ngrams(rates, "drop_bigrams")(pairs), -1)
        parts["bigrams"] = SubwordEmbedding(**features["bigrams"], name="bigram_embedding")(pairs)
    if "characters" in features:
        length = features.get("max_characters")
        inputs["character_ids"] = keras.Input((None, length), dtype="int32", name="character_ids")
        encoder = CharacterEncoder(**features["characters"], name="character_encoder")
        parts["characters"] = encoder(inputs["character_ids"])
    if "num_cases" in features:
        inputs["case_ids"] = keras.Input((None,), dtype="int32", name="case_ids")
        case_embedding = keras.layers.Embedding(features["num_cases"], features["case_dim"], name="case_embedding")
        parts["case"] = case_embedding(inputs["case_ids"])
    x = _joined(parts, features["combine"])
    if not features["words"]:
        x = MaskFromIds(name="mask_from_ids")([x, *inputs.values()])
    return inputs, keras.layers.Dropout(rates["embeddings"], name="drop_embeddings")(x)


def _drop_ngrams(rates: Mapping[str, float], name: str) -> TokenDropout:
    return TokenDropout(rates["ngrams"], unknown_id=0, name=name)


def _joined(parts: Mapping[str, Tensor], combine: str) -> Tensor:
    tensors = list(parts.values())
    sizes = {name: tensor.shape[-1] for name, tensor in parts.items()}
    if combine == "sum" and len(set(sizes.values())) > 1:
        listed = ", ".join(f"{name}: {size}" for name, size in sizes.items())
        raise ValueError(
            "`features.combine` 'sum' needs vectors of one size. "
            f"Received: {listed}. Leave their sizes out, or make all equal to `embedding_dim`."
        )
    if len(tensors) == 1:
        return tensors[0]
    return (SumFeatures if combine == "sum" else ConcatenateFeatures)(name="token_vectors")(tensors)
