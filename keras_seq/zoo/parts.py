"""Where the parts of a built model are, found by what they are: as well in a model that was loaded from a file."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, TypeVar

import keras

from keras_seq.layers import SubwordEmbedding, WideScores
from keras_seq.layers.step_pooling import StepPooling

Tensor = Any
Part = TypeVar("Part")


def parts_of(model: keras.Model, kind: type[Part] | tuple[type[Part], ...]) -> list[Part]:
    """The layers of a kind, those of the models inside it too, in the order in which the model applies them."""
    found: list[Part] = []
    for layer in model.layers:
        if isinstance(layer, kind):
            found.append(layer)
        if isinstance(layer, keras.Model):
            found += parts_of(layer, kind)
    return found


def tower_of(model: keras.Model) -> keras.Model:
    """The model of one side of a siamese model, whose output is the vector of that side.

    Raises:
        ValueError: if there is none.
    """
    return _only(model, keras.Model, "tower")


def pooling_of(model: keras.Model) -> StepPooling:
    """The layer that makes one vector of the steps; its `step_weights` are what each counts.

    Raises:
        ValueError: if there is none.
    """
    return _only(model, StepPooling, "pooling")


def steps_of(model: keras.Model) -> Tensor:
    """What is pooled, `(batch, steps, features)`.

    Raises:
        ValueError: if nothing is.
    """
    # A mask that comes with the sequence is an input too.
    return keras.tree.flatten(pooling_of(model).input)[0]


def text_vector_of(model: keras.Model) -> Tensor:
    """The vector of a text, `(batch, features)`: what the last dense layer makes the scores of.

    Raises:
        ValueError: if there is no dense layer.
    """
    dense = [layer for layer in model.layers if isinstance(layer, keras.layers.Dense)]
    if not dense:
        raise ValueError(_missing(model, "dense layer that gives the scores"))
    return dense[-1].input


def word_table_of(model: keras.Model) -> keras.layers.Embedding | None:
    """The table of the vectors of words: it takes id 0 for padding. `None` where no words are read."""
    tables = [table for table in parts_of(model, keras.layers.Embedding) if table.mask_zero]
    return tables[0] if tables else None


def subword_table_of(model: keras.Model) -> SubwordEmbedding | None:
    """The table of the vectors of subwords; `None` where none are read."""
    for part in (model, *parts_of(model, keras.Model)):
        for layer in part.layers:
            if isinstance(layer, SubwordEmbedding) and "subword_ids" in set(_inputs_of(part, layer)):
                return layer
    return None


def wide_tables_of(model: keras.Model) -> dict[str, WideScores]:
    """The layers that score classes straight from ids, by name."""
    return {layer.name: layer for layer in model.layers if isinstance(layer, WideScores)}


def ids_read_by(model: keras.Model, layer: keras.layers.Layer) -> str | keras.layers.Layer:
    """What gives a layer its ids: the name of an input of the model, or the layer that makes them of `token_ids`."""
    source = _sources(model, layer)[0]
    return source.name if isinstance(source, keras.layers.InputLayer) else source


def _inputs_of(model: keras.Model, layer: Any) -> Iterator[str]:
    """The names of the inputs that what a layer is called on was made of."""
    for source in _sources(model, layer):
        if isinstance(source, keras.layers.InputLayer):
            yield source.name
        else:
            yield from _inputs_of(model, source)


def _sources(model: keras.Model, layer: Any) -> list[Any]:
    """The operations whose outputs a layer is called on."""
    made_by = {id(tensor): each for each in model.operations for tensor in keras.tree.flatten(each.output)}
    return [made_by[id(tensor)] for tensor in keras.tree.flatten(layer.input)]


def _only(model: keras.Model, kind: type[Part], name: str) -> Part:
    found = [layer for layer in model.layers if isinstance(layer, kind)]
    if len(found) != 1:
        raise ValueError(_missing(model, f"layer that is its {name}"))
    return found[0]


def _missing(model: keras.Model, part: str) -> str:
    return f"`model` must have one {part}. Received: model={model.name!r}. Build it with a builder of the zoo."
