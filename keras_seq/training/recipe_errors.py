"""What is wrong with a recipe, in one line: file, line, key, what is expected, what came, what to do."""

import difflib
import re
from collections.abc import Mapping, Sequence
from typing import Any

from pydantic import BaseModel

from keras_seq.core.errors import InputError
from keras_seq.core.plugins import FAMILIES

# Unknown keys that a message lists beside the first.
_MOST_KEYS = 5


def explain(errors: Sequence[Any], model: type[BaseModel], task: str, source: str, text: str) -> str:
    """One line for the first thing that pydantic found wrong.

    Args:
        errors: What pydantic found.
        model: The class of the recipe.
        task: The task of the recipe.
        source: What the message calls the recipe, usually its path.
        text: The TOML text, where there is one.
    """
    error = errors[0]
    keys, index = _keys_of(error, model)
    key = ".".join(keys) + index
    place = place_of(keys, source, text)
    if error["type"] == "extra_forbidden":
        unknown = [_keys_of(other, model)[0] for other in errors if other["type"] == "extra_forbidden"]
        return _explain_unknown(error, keys, unknown[1:], model, task, source, text)
    if error["type"] == "missing" and index:
        return f"{place}: key `{'.'.join(keys)}` has too few values. Received: {shown(error['input'])}; add some"
    if error["type"] == "missing":
        return f"{place}: key `{key}` is missing; add it"
    expected = _EXPECTED.get(error["type"]) or error["msg"].removeprefix("Value error, ")
    if error["type"] == "value_error" and not expected.startswith("must"):
        return f"{place}: [{key}]: {expected}"
    if keys and keys[-1] == "jit_compile":
        expected = 'must be true, false or "auto"'
    expected = re.sub(r"^(Input|String|Tuple|List) should", "must", expected)
    return f"{place}: key `{key}` {expected}. Received: {shown(error['input'])}; correct the value"


def closest(key: str, known: Sequence[str]) -> str:
    """The known key that is most like another one, or all that are known."""
    close = difflib.get_close_matches(key, known, n=1, cutoff=0.5)
    return f"did you mean `{close[0]}`?" if close else f"known are: {', '.join(known)}"


def shown(value: Any) -> str:
    """A value as a message shows it, not too long."""
    text = repr(value)
    return text if len(text) <= 80 else text[:77] + "..."


def place_of(keys: Sequence[str], source: str, text: str) -> str:
    """Where a key stands, as `file:line`; the file alone when it does not stand there plainly."""
    line = _line_of(keys, text)
    return f"{source}:{line}" if line else source


def _explain_unknown(
    error: Any,
    keys: list[str],
    further: Sequence[list[str]],
    model: type[BaseModel],
    task: str,
    source: str,
    text: str,
) -> str:
    """An unknown key: whose it is, or which one is like it; and how many more there are."""
    if isinstance(error["input"], Mapping) and len(keys) == 1:
        # Of a foreign section the first key says where it comes from.
        inner = [[*keys, name] for name in error["input"] if _owners([*keys, name])]
        keys = inner[0] if inner else keys
    key, owners = ".".join(keys), _owners(keys)
    known = list(_fields_at(model, keys[:-1]))
    if owners:
        close = difflib.get_close_matches(keys[-1], known, n=1, cutoff=0.6)
        hint = f", or did you mean `{close[0]}`?" if close else ""
        message = f"key `{key}` belongs to recipes of {_listed(owners)}, not of {task}; take it out{hint}"
    else:
        message = f"unknown key `{key}`; {closest(keys[-1], known)}"
    if further:
        names = [f"`{'.'.join(other)}`" for other in further]
        rest = f" and {len(names) - _MOST_KEYS} more" if len(names) > _MOST_KEYS else ""
        message += f" (unknown are also {', '.join(names[:_MOST_KEYS])}{rest})"
    return f"{place_of(keys, source, text)}: {message}"


def _owners(keys: Sequence[str]) -> list[str]:
    """The tasks whose recipes have a key."""
    found = []
    for task in FAMILIES.names():
        try:
            model: Any = FAMILIES.get(task).recipe
        except InputError:
            # Of another package, and broken: it is told of when it is asked for.
            continue
        if keys[-1] in _fields_at(model, keys[:-1]):
            found.append(task)
    return found


def _listed(names: Sequence[str]) -> str:
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}"


def _keys_of(error: Any, model: type[BaseModel]) -> tuple[list[str], str]:
    """The keys that lead to an error, and its place in a list."""
    section: Any = model
    keys: list[str] = []
    index = ""
    for part in error["loc"]:
        if isinstance(part, int):
            index = f"[{part}]"
        elif isinstance(section, type) and issubclass(section, BaseModel):
            field = section.model_fields.get(part)
            section = None if field is None else field.annotation
            keys.append(part)
        elif section in (dict[str, Any], dict[str, float]):
            keys.append(part)
        # What remains are the arms of a union (`bool`, `literal['auto']`): no keys of the recipe.
    return keys, index


_EXPECTED = {
    "int_type": "must be a whole number",
    "float_type": "must be a number",
    "string_type": "must be a string",
    "bool_type": "must be true or false",
    "dict_type": "must be a table of keys and values",
    "model_type": "must be a section of keys and values",
    "model_attributes_type": "must be a section of keys and values",
    "tuple_type": "must be a list",
    "string_too_short": "must not be empty",
    "string_pattern_mismatch": "must be made of letters, digits, '.', '_' and '-', a letter or digit first",
}


def _fields_at(model: Any, keys: Sequence[str]) -> Mapping[str, Any]:
    """The keys of a section; none where there is no such section."""
    for key in keys:
        field = model.model_fields.get(key)
        model = None if field is None else field.annotation
        if not (isinstance(model, type) and issubclass(model, BaseModel)):
            return {}
    return model.model_fields


def _line_of(keys: Sequence[str], text: str) -> int | None:
    """The line of a key in TOML text, or that of its section; `None` when neither stands there plainly."""
    section: list[str] = []
    section_line = None
    for number, line in enumerate(text.splitlines(), start=1):
        header = re.match(r"\s*\[([^\[\]]+)\]", line)
        if header:
            section = [part.strip().strip("\"'") for part in header[1].split(".")]
            if section == list(keys[: len(section)]):
                section_line = number
            continue
        entry = re.match(r"\s*([\w.\"'-]+)\s*=", line)
        if entry:
            full = section + [part.strip("\"'") for part in entry[1].split(".")]
            if full == list(keys[: len(full)]):
                return number
    return section_line
