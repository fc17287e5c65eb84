"""The registry of builders: a model's name is the name of the function that builds it."""

import ast
import difflib
import functools
import importlib
import inspect
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

Builder = TypeVar("Builder", bound=Callable[..., Any])


@dataclass(frozen=True, kw_only=True)
class BuilderNote:
    """What a listing says of a builder.

    Args:
        name: The name of the function.
        task: The task that its models are for, such as `"tagger"`.
        summary: The first line of the function's docstring.
        module: The module that defines it.
    """

    name: str
    task: str
    summary: str
    module: str


@dataclass(frozen=True, kw_only=True)
class RegisteredBuilder(BuilderNote):
    """What the registry knows of a builder.

    Args:
        name, task, summary, module: As of `BuilderNote`.
        build: The function itself.
        example: Arguments that build a small model within a second: what tests and listings use.
    """

    build: Callable[..., Any]
    example: Mapping[str, Any]


_BUILDERS: dict[str, RegisteredBuilder] = {}


@functools.cache
def _own_notes() -> dict[str, BuilderNote]:
    """The builders of this folder, read in their files: nothing is imported, so no framework is."""
    notes = {}
    for path in Path(__file__).parent.glob("*.py"):
        for node in ast.parse(path.read_text(encoding="utf-8")).body:
            calls = [call for call in getattr(node, "decorator_list", ()) if isinstance(call, ast.Call)]
            if isinstance(node, ast.FunctionDef) and (tasks := [_task_in(call) for call in calls if _registers(call)]):
                summary = (ast.get_docstring(node) or "").partition("\n")[0]
                notes[node.name] = BuilderNote(
                    name=node.name, task=tasks[0], summary=summary, module=f"{__package__}.{path.stem}"
                )
    return notes


def _registers(call: ast.Call) -> bool:
    return isinstance(call.func, ast.Name) and call.func.id == register_builder.__name__


def _task_in(call: ast.Call) -> str:
    return next(ast.literal_eval(keyword.value) for keyword in call.keywords if keyword.arg == "task")


def builder_notes() -> list[BuilderNote]:
    """What is known of each builder, by name; no framework is imported."""
    notes: dict[str, BuilderNote] = {**_own_notes(), **_BUILDERS}
    return [notes[name] for name in sorted(notes)]


def register_builder(task: str, example: Mapping[str, Any]) -> Callable[[Builder], Builder]:
    """Enter a builder into the registry, under the name of the function.

    Args:
        task: The task that the models are for, such as `"tagger"`.
        example: Keyword arguments that build a small model within a second. Every test of the whole registry uses them.

    Returns:
        A decorator that gives the function back unchanged.

    Raises:
        TypeError: if what is decorated is not a function, or `task` not a string.
        ValueError: if the name is taken, or the function has no docstring.

    Example:

    >>> from keras_seq.zoo import get_builder, register_builder
    >>> @register_builder(task="tagger", example={"num_tags": 3})
    ... def documented_model(num_tags):
    ...     "A model that shows how a builder is registered."
    ...     return num_tags
    >>> get_builder("documented_model")(num_tags=3)
    3
    >>> from keras_seq.zoo.registry import unregister_builder
    >>> unregister_builder("documented_model")
    """
    if not isinstance(task, str) or not task:
        raise TypeError(
            f"`task` must be the name of a task. Received: task={task!r}. Write @register_builder(task=...)."
        )

    def register(build: Builder) -> Builder:
        if not inspect.isfunction(build):
            raise TypeError(
                f"`build` must be a function. Received: build={build!r}. Decorate a function `<thing>_model`."
            )
        name = build.__name__
        known = {note.name: note.module for note in builder_notes()}
        if name in _BUILDERS or known.get(name, build.__module__) != build.__module__:
            raise ValueError(
                f"`{name}` must be a new name: a builder of this name is registered already. "
                f"Received: build={build.__module__}.{name}, registered: {known[name]}.{name}. Rename one of them."
            )
        docstring = inspect.getdoc(build)
        if not docstring:
            raise ValueError(f"`{name}` must have a docstring. Received: build={build!r}. Its first line is listed.")
        _BUILDERS[name] = RegisteredBuilder(
            name=name,
            task=task,
            summary=docstring.splitlines()[0],
            module=build.__module__,
            build=build,
            example=dict(example),
        )
        return build

    return register


def unregister_builder(name: str) -> None:
    """Take a builder out of the registry (what a test that registers one does at its end).

    Args:
        name: The name of a registered builder.

    Raises:
        ValueError: if no builder has this name.
    """
    del _BUILDERS[registered_builder(name).name]


def list_builders(task: str | None = None) -> list[str]:
    """Return the sorted names of the registered builders.

    Args:
        task: Only builders for this task; `None` means all.

    Returns:
        A list of names.

    Raises:
        ValueError: if no builder is for this task; the message holds the closest known tasks.

    Example:

    >>> from keras_seq.zoo import list_builders
    >>> isinstance(list_builders(), list)
    True
    """
    notes = builder_notes()
    names = [note.name for note in notes if task in (None, note.task)]
    if not names and task is not None:
        raise ValueError(_unknown("task", task, {note.task for note in notes}))
    return names


def registered_builder(name: str) -> RegisteredBuilder:
    """Return the registry's entry for a builder.

    Args:
        name: The name of a registered builder.

    Returns:
        A `RegisteredBuilder`.

    Raises:
        ValueError: if no builder has this name; the message holds the closest known names.
    """
    if name not in _BUILDERS and name in _own_notes():
        importlib.import_module(_own_notes()[name].module)
    if name not in _BUILDERS:
        raise ValueError(_unknown("name", name, list_builders()))
    return _BUILDERS[name]


def get_builder(name: str) -> Callable[..., Any]:
    """Return the function that builds a model.

    Args:
        name: The name of a registered builder.

    Returns:
        The builder: a function that returns an uncompiled functional `keras.Model`.

    Raises:
        ValueError: if no builder has this name; the message holds the closest known names.

    Example:

    >>> from keras_seq.zoo import get_builder
    >>> get_builder("no_such_model")
    Traceback (most recent call last):
      ...
    ValueError: `name` must be one of ...
    """
    return registered_builder(name).build


def _unknown(argument, value, known):
    closest = difflib.get_close_matches(str(value), sorted(known), n=3, cutoff=0.4)
    hint = f"Did you mean {' or '.join(repr(name) for name in closest)}?" if closest else "See `list_builders()`."
    listed = ", ".join(repr(name) for name in sorted(known)) or "(nothing is registered)"
    return f"`{argument}` must be one of {listed}. Received: {argument}={value!r}. {hint}"
