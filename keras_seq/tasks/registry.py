"""The registry of families: a kind of model, from files to served functions, by the name of its task."""

from __future__ import annotations

import difflib
import importlib
from collections.abc import Callable
from dataclasses import dataclass
from importlib.metadata import EntryPoint, entry_points
from typing import Any

import keras_seq
from keras_seq.core.errors import InputError

GROUP = "keras_seq.families"
"""The group of entry points by which other packages bring families: task name = "module:attribute" of a `Family`."""


@dataclass(frozen=True)
class ExampleCall:
    """How an exported model is called from a shell.

    Args:
        predict: what follows `keras-seq predict MODEL`.
        saved_model_cli: the inputs that `saved_model_cli run` gives to `serving_default`.
    """

    predict: str = "'A sentence.'"
    saved_model_cli: str = "--input_exprs 'text=[\"A sentence.\"]'"


@dataclass(frozen=True)
class Family:
    """What belongs to one kind of model.

    Args:
        name: the name of the task, as recipes and cards give it.
        unit: what an example is called, in the plural.
        task: the class of trained models, which `keras_seq.load` gives.
        training: takes a recipe, the paths of its data files, the directory of data sets and a progress callback; gives
            what `keras_seq.tasks.train` needs.
        monitor: the score of the validation data that decides where the recipe names none.
        lower_is_better: those of its scores of which less is better.
        example_call: how an exported model is called; by default with one text.
        limits: takes a recipe and the split that was scored; gives the sentences of a card on what the scores do not
            say. By default that they hold for examples like those of the data.
        data_sentences: takes a recipe; gives what a card says of the data beside the files for training, validation
            and test.
    """

    name: str
    unit: str
    task: type[Any]
    training: Callable[..., Any]
    monitor: str
    lower_is_better: tuple[str, ...] = ()
    example_call: ExampleCall = ExampleCall()
    limits: Callable[[Any, str], tuple[str, ...]] | None = None
    data_sentences: Callable[[Any], tuple[str, ...]] | None = None


_FAMILIES: dict[str, Family] = {}


def register_family(family: Family) -> None:
    """Enter a family into the registry, for this process.

    Families of this package, and of packages with an entry point, are entered when they are first asked for.

    Args:
        family: the family.

    Raises:
        TypeError: if it is not a `Family`.
        ValueError: if another family has this name.
    """
    if not isinstance(family, Family):
        raise TypeError(f"`family` must be a Family. Received: family={family!r}. Register Family(name=..., ...).")
    if _FAMILIES.setdefault(family.name, family) is not family:
        raise ValueError(
            f"`family` must have a new name: a family is registered as {family.name!r} already. "
            f"Received: family={family!r}. Rename one of them."
        )


def family_named(name: str) -> Family:
    """The family of a task.

    Args:
        name: the name of the task.

    Raises:
        InputError: if there is none, with the closest names; if it cannot be imported; or if two packages bring one of
            this name.

    Example:
        >>> family_named("tagger").unit
        'sentences'
    """
    if name not in _FAMILIES:
        places = _places()
        if name not in places:
            raise InputError(_unknown(name, sorted({*_FAMILIES, *places})))
        register_family(_imported(name, places[name]))
    return _FAMILIES[name]


def families() -> list[Family]:
    """All families, by the names of their tasks.

    Raises:
        InputError: as for `family_named`.
    """
    return [family_named(name) for name in sorted({*_FAMILIES, *_places()})]


def _places() -> dict[str, dict[str, EntryPoint]]:
    """Task name -> the places that bring a family of this name, by their text."""
    own = importlib.import_module(keras_seq.FAMILIES).FAMILIES
    found: dict[str, dict[str, EntryPoint]] = {}
    for place in (
        *(EntryPoint(name, f"{module}:FAMILY", GROUP) for name, module in own.items()),
        *entry_points(group=GROUP),
    ):
        found.setdefault(place.name, {})[place.value] = place
    return found


def _imported(name: str, places: dict[str, EntryPoint]) -> Family:
    if len(places) > 1:
        raise InputError(f"task {name!r} is brought by {' and '.join(places)}; uninstall the package of one of them")
    (place,) = places.values()
    try:
        family = place.load()
    except (ImportError, AttributeError) as error:
        raise InputError(
            f"task {name!r}: its family {place.value} cannot be imported ({error}); install its package again"
        ) from error
    if not isinstance(family, Family) or family.name != name:
        raise InputError(
            f"task {name!r}: {place.value} must be a Family of this name. Received: {family!r}; correct the entry point"
        )
    return family


def _unknown(name: str, known: list[str]) -> str:
    closest = difflib.get_close_matches(name, known, n=3, cutoff=0.4)
    hint = f"did you mean {' or '.join(closest)}?" if closest else "name one of them"
    return f"task {name!r} is unknown; this version of keras_seq knows {', '.join(known)}; {hint}"
