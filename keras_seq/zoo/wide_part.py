"""The wide part of a classifier: scores of classes straight from words, pairs and character n-grams.

Private to the room: a builder takes `wide` as a mapping and hands it on to here.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Any

import keras

from keras_seq.core.checks import check_boolean, check_non_negative_integer, check_positive_number, check_rate
from keras_seq.layers import HashedBigrams, WideScores
from keras_seq.zoo.token_vectors import from_options

Tensor = Any


@dataclasses.dataclass(frozen=True)
class Wide:
    """The options of a wide part: see `keras_seq.zoo.sentiment_model`."""

    words: bool = True
    bigrams: int = 0
    subwords: int = 0
    scale: float = 6.0
    dropout: float = 0.3
    prior: bool = False

    def __post_init__(self) -> None:
        for name in ("words", "prior"):
            check_boolean(name, getattr(self, name))
        for name in ("bigrams", "subwords"):
            check_non_negative_integer(name, getattr(self, name))
        check_positive_number("scale", self.scale)
        check_rate("dropout", self.dropout)


def wide_layers(
    wide: Mapping[str, Any] | None, vocabulary_size: int, num_classes: int
) -> dict[str, keras.layers.Layer]:
    """The layers of the wide part by name, none where `wide` is `None`.

    Raises:
        TypeError: if a value is of the wrong type.
        ValueError: if a key is unknown, a value out of range, or nothing is left to read.
    """
    if wide is None:
        return {}
    if not isinstance(wide, Mapping):
        raise TypeError(f"`wide` must be a mapping or `None`. Received: wide={wide!r}. Pass {{}} for words alone.")
    options = from_options(Wide, wide, "wide")
    # What it reads -> number of ids, padding included.
    sizes = {"words": vocabulary_size} if options.words else {}
    sizes |= {name: buckets + 1 for name in ("bigrams", "subwords") if (buckets := getattr(options, name))}
    known = [key for key in ("words", "bigrams") if key in sizes]
    if not sizes or (options.prior and not known):
        raise ValueError(
            "`wide` must leave something to read, a prior words or bigrams. "
            f"Received: wide={dict(wide)!r}. Set words=True, or numbers of buckets."
        )
    layers: dict[str, keras.layers.Layer] = {}
    if "bigrams" in sizes:
        layers["wide_pairs"] = HashedBigrams(options.bigrams, name="wide_pairs")
    chosen = {f"wide_{key}": (size, options.dropout, True) for key, size in sizes.items()}
    if options.prior:
        chosen |= {f"prior_{key}": (sizes[key], 0.0, False) for key in known}
    for name, (size, rate, is_trained) in chosen.items():
        layers[name] = WideScores(
            size,
            num_classes,
            scale=options.scale,
            dropout=rate,
            trainable=is_trained,
            name=name,
            dtype="float32",
        )
    return layers


def with_wide_scores(
    scores: Tensor, layers: Mapping[str, keras.layers.Layer], inputs: dict[str, Tensor], rate: float
) -> Tensor:
    """Add the scores of the wide part to those of the network.

    Args:
        scores: Those of the network, `(batch, classes)`.
        layers: What `wide_layers` gives.
        inputs: Name -> input of the model; those that the wide part reads and that are missing are added.
        rate: How often the network, the wide part and the prior are left out of a text in training, each by itself.

    Returns:
        A tensor `(batch, classes)`.
    """
    if not layers:
        return scores
    branches: dict[str, list[Tensor]] = {"deep": [scores]}
    pairs = None
    for name, layer in layers.items():
        branch, _, what = name.partition("_")
        if what == "pairs":
            pairs = layer(_input(inputs, "token_ids"))
            continue
        ids = {"bigrams": pairs}.get(what)
        if ids is None:
            ids = _input(inputs, "subword_ids" if what == "subwords" else "token_ids")
        branches.setdefault(branch, []).append(layer(ids))
    added = []
    for branch, parts in branches.items():
        total = keras.layers.Add(name=f"{branch}_scores", dtype="float32")(parts) if len(parts) > 1 else parts[0]
        # One number per text: all classes of a branch are left out together.
        drop = keras.layers.Dropout(rate, noise_shape=(None, 1), name=f"drop_{branch}", dtype="float32")
        added.append(drop(total))
    return keras.layers.Add(name="all_scores", dtype="float32")(added)


def _input(inputs: dict[str, Tensor], name: str) -> Tensor:
    if name not in inputs:
        shape = (None, None) if name == "subword_ids" else (None,)
        inputs[name] = keras.Input(shape, dtype="int32", name=name)
    return inputs[name]
