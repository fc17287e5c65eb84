"""The registry of families: a kind of model, from files to served functions, by the name of its task."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

from keras_seq.core.errors import InputError
from keras_seq.core.plugins import FAMILIES, Reference
from keras_seq.training.recipe import Recipe


@dataclass(frozen=True)
class ExampleCall:
    """How an exported model is called from a shell.

    Args:
        predict: what follows `keras-seq predict MODEL`.
        saved_model_cli: the inputs that `saved_model_cli run` gives to `serving_default`.
    """

    predict: str = "'A sentence.'"
    saved_model_cli: str = "--input_exprs 'text=[\"A sentence.\"]'"


@dataclass(frozen=True, eq=False)
class Family:
    """What belongs to one kind of model.

    What needs a framework is given as text, `"module:name"`, and imported when it is first read: a recipe is read
    without TensorFlow.

    Args:
        name: of the task, as recipes and cards give it.
        unit: what an example is called, in the plural.
        recipe: the class of its recipes: the keys that it reads.
        monitor: the score of the validation data that decides where the recipe names none; or what tells it from the
            recipe, such as a method of its class.
        task: the class of trained models, which `keras_seq.load` gives; its `task` is the name.
        training: takes a recipe, the paths of its data files, the directory of data sets and a progress callback; gives
            what `keras_seq.tasks.train` needs.
        test_case: takes a folder, writes tiny data into it, and the files that `example_call` names; gives the values
            of a recipe that is trained on them in seconds, without a name. Tests of all families use it.
        lower_is_better: those of its scores of which less is better.
        builders_of: the name of the task whose builders its recipes name; empty: its own.
        example_call: how an exported model is called; by default with one text.
        limits: takes a recipe and the split that was scored; gives the sentences of a card on what the scores do not
            say. By default that they hold for examples like those of the data.
    """

    name: str
    unit: str
    recipe: type[Recipe]
    monitor: str | Callable[[Any], str]
    task: Reference[type[Any]] = Reference()
    training: Reference[Callable[..., Any]] = Reference()
    test_case: Reference[Callable[[Path], dict[str, Any]]] = Reference()
    lower_is_better: tuple[str, ...] = ()
    builders_of: str = ""
    example_call: ExampleCall = ExampleCall()
    limits: Callable[[Any, str], tuple[str, ...]] | None = None

    @classmethod
    def in_folder(cls, package: str, task: str, training: str, **declared: Any) -> Self:
        """A family whose task, training and test case stand in the modules of these names of a package.

        Args:
            package: its name: `__name__`, where the family is declared in its `__init__.py`.
            task, training: the names of the classes in `task.py` and `training.py`; `test_case.py` has `write`.
            **declared: all else.
        """
        return cls(
            task=f"{package}.task:{task}",
            training=f"{package}.training:{training}",
            test_case=f"{package}.test_case:write",
            **declared,
        )


def register_family(family: Family) -> None:
    """Enter a family into the registry, for this process.

    Families of this package, and of packages with an entry point of the group `keras_seq.families`, are entered when
    they are first asked for.

    Args:
        family: the family.

    Raises:
        TypeError: if it is not a `Family`.
        ValueError: if another family has this name.
    """
    if not isinstance(family, Family):
        raise TypeError(f"`family` must be a Family. Received: family={family!r}. Register Family(name=..., ...).")
    FAMILIES.add(family.name, family)


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
    family = FAMILIES.get(name)
    if not isinstance(family, Family):
        FAMILIES.remove(name)
        raise InputError(
            f"task {name!r}: its entry point must name a Family. Received: {family!r}; correct the entry point"
        )
    return family


def families() -> list[Family]:
    """All families, by the names of their tasks.

    Raises:
        InputError: as for `family_named`.
    """
    return [family_named(name) for name in family_names()]


def family_names() -> list[str]:
    """The names of all tasks; no family is imported."""
    return FAMILIES.names()
