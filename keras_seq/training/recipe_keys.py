"""All keys of a class of recipes: their defaults, what they may be, what they mean; as a template and as a page."""

from __future__ import annotations

import json
import types
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated, Any, Literal, Union, get_args, get_origin

import annotated_types
from pydantic.fields import FieldInfo

from keras_seq.training.recipe import Recipe
from keras_seq.training.recipe_section import NAMES_FILES, Section

_WORDS = {str: "text", int: "whole number", float: "number"}


@dataclass(frozen=True)
class Key:
    """A key of a recipe.

    Args:
        name: of the key in its section.
        default: in TOML; `None` where there is none.
        is_required: whether a recipe must have it.
        allowed: what it may be, in words.
        description: what it means.
    """

    name: str
    default: str | None
    is_required: bool
    allowed: str
    description: str


def sections_of(recipe_class: type[Recipe]) -> dict[str, type[Section]]:
    """The sections of a class of recipes, by name; those that all recipes have, and need not have, come last."""
    kinds = {name: field.annotation for name, field in recipe_class.model_fields.items()}
    found = {name: kind for name, kind in kinds.items() if isinstance(kind, type) and issubclass(kind, Section)}
    last = [name for name, field in Recipe.model_fields.items() if not field.is_required()]
    return {name: found[name] for name in sorted(found, key=lambda name: name in last)}


def keys_of(section: type[Section]) -> list[Key]:
    """The keys of a section, or of a recipe those that stand in no section."""
    return [
        Key(name, _default(field), field.is_required(), _allowed(field), field.description or "")
        for name, field in section.model_fields.items()
        if not (isinstance(field.annotation, type) and issubclass(field.annotation, Section))
    ]


def summary_of(section: type[Section]) -> str:
    """The first paragraph of the docstring, in one line."""
    return " ".join((section.__doc__ or "").split("\n\n")[0].split())


def template(task: str, recipe_class: type[Recipe], values: Mapping[str, Sequence[str]] | None = None) -> str:
    """A recipe with all keys of its family, in TOML: those that it must have are to be filled in.

    Args:
        task: the name of the task.
        recipe_class: the class of its recipes.
        values: key, such as `model.builder` -> what it may be, where the class does not know.
    """
    values = values or {}
    lines = [
        f"# {summary_of(recipe_class)}",
        "# Fill in what is empty. A line of # without a space behind it shows a default: take the # away to change it.",
        "",
        f'task = "{task}"',
    ]
    for key in keys_of(recipe_class):
        if key.name != "task":
            lines += _template_lines(key, values.get(key.name, ()))
    for name, section in sections_of(recipe_class).items():
        lines += ["", f"[{name}]", f"# {summary_of(section)}"]
        for key in sorted(keys_of(section), key=lambda key: key.default == "{}"):
            if key.default == "{}":
                # A table comes after the keys of its section.
                lines += ["", f"[{name}.{key.name}]", *_wrapped(f"# {key.description}")]
            else:
                lines += _template_lines(key, values.get(f"{name}.{key.name}", ()))
    return "\n".join(lines) + "\n"


def page(classes: Mapping[str, type[Recipe]]) -> str:
    """All keys of recipes by task, in Markdown: what several have in common stands once.

    Args:
        classes: task -> the class of its recipes.
    """
    users: dict[tuple[str, type[Section]], list[str]] = {}
    for task, recipe_class in classes.items():
        for name, section in sections_of(recipe_class).items():
            users.setdefault((name, section), []).append(task)
    shared = {place: tasks for place, tasks in users.items() if len(tasks) > 1}
    lines = [
        "# The keys of recipes",
        "",
        "A recipe is a TOML file with everything that decides a score. `task` says which kind of model it is for; each",
        "kind reads the keys below and no others: an unknown key, or one of another kind, is an error that names it.",
        "`keras-seq recipe TASK` prints a recipe with all keys of a task, to fill in; `--set section.key=value` of",
        "`keras-seq train` changes one. This page is what `keras-seq recipe --keys` prints.",
        "",
        *(f"- [{task}](#{task}): {summary_of(recipe_class)}" for task, recipe_class in classes.items()),
        *(["- [Sections that several tasks have](#sections-that-several-tasks-have)"] if shared else []),
        "",
        "Every recipe begins with these keys:",
        "",
        *_table(keys_of(Recipe)),
    ]
    for task, recipe_class in classes.items():
        lines += ["", f"## {task}", "", summary_of(recipe_class)]
        for name, section in sections_of(recipe_class).items():
            if (name, section) not in shared:
                lines += _section_lines(name, section)
        common = [f"`[{name}]`" for name, section in sections_of(recipe_class).items() if (name, section) in shared]
        if common:
            lines += ["", f"And [below](#sections-that-several-tasks-have): {', '.join(common)}."]
    if shared:
        lines += ["", "## Sections that several tasks have"]
    for (name, section), tasks in sorted(shared.items(), key=lambda item: item[0][0]):
        lines += [*_section_lines(name, section)[:3], f"{summary_of(section)} Of {', '.join(tasks)}."]
        lines += _section_lines(name, section)[4:]
    return "\n".join(lines) + "\n"


def _section_lines(name: str, section: type[Section]) -> list[str]:
    return ["", f"### `[{name}]`", "", summary_of(section), "", *_table(keys_of(section))]


def _table(keys: Sequence[Key]) -> Iterator[str]:
    yield "| key | default | may be | |"
    yield "|---|---|---|---|"
    for key in keys:
        default = "required" if key.is_required else "none" if key.default is None else f"`{key.default}`"
        cells = (f"`{key.name}`", default, key.allowed, key.description)
        yield f"| {' | '.join(cell.replace('|', '&#124;') for cell in cells)} |"


def _template_lines(key: Key, values: Sequence[str]) -> list[str]:
    allowed = f"one of {', '.join(values)}" if values else key.allowed
    if key.is_required:
        return ["", *_wrapped(f"# {key.description} ({allowed}; required)"), f'{key.name} = ""']
    if key.default is None:
        allowed = f"{allowed}; none by default"
    return ["", *_wrapped(f"# {key.description} ({allowed})"), f"#{key.name} = {key.default or ''}".rstrip()]


def _wrapped(comment: str, width: int = 120) -> list[str]:
    lines = [""]
    for word in comment.split():
        if lines[-1] and len(lines[-1]) + len(word) + 1 > width:
            lines.append("#")
        lines[-1] = f"{lines[-1]} {word}".strip()
    return lines


def _default(field: FieldInfo) -> str | None:
    value = field.get_default(call_default_factory=True)
    return None if field.is_required() or value is None else _toml(value)


def _toml(value: Any) -> str:
    if isinstance(value, dict):
        return "{}"
    if isinstance(value, tuple | list):
        return f"[{', '.join(map(_toml, value))}]"
    return json.dumps(value, ensure_ascii=False)


def _allowed(field: FieldInfo) -> str:
    """What a key may be, in words."""
    if NAMES_FILES in field.metadata:
        return "files" if _is_tuple(field.annotation) else "a file"
    return ", ".join([_kind(field.annotation), *_bounds(field.metadata)])


def _kind(annotation: Any) -> str:
    origin, arguments = get_origin(annotation), get_args(annotation)
    if annotation is bool:
        return "true or false"
    if annotation in _WORDS:
        return f"a {_WORDS[annotation]}"
    if origin is Literal:
        return _choice([_toml(value) for value in arguments])
    if origin in (Union, types.UnionType):
        kinds = [_kind(argument) for argument in arguments if argument is not type(None)]
        return " or ".join(kinds) if len(kinds) == 1 else _choice(kinds).replace("true or false or", "true, false or")
    if origin is Annotated:
        return _kind(arguments[0])
    if origin is tuple:
        if arguments[-1] is Ellipsis:
            return f"a list of {_kind(arguments[0])}" if get_origin(arguments[0]) is Literal else "a list of numbers"
        return "two numbers"
    return "a table"


def _is_tuple(annotation: Any) -> bool:
    return get_origin(annotation) is tuple


def _choice(names: Sequence[str]) -> str:
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} or {names[-1]}"


def _bounds(metadata: Sequence[Any]) -> Iterator[str]:
    for bound in metadata:
        if isinstance(bound, annotated_types.Ge):
            yield f"at least {bound.ge}"
        elif isinstance(bound, annotated_types.Gt):
            yield f"above {bound.gt}"
        elif isinstance(bound, annotated_types.Le):
            yield f"at most {bound.le}"
        elif isinstance(bound, annotated_types.Lt):
            yield f"below {bound.lt}"
