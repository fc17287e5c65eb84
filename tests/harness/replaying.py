"""Calls of trained models that stand in a JSON file: what is called, with what, and what the answer was."""

from typing import Any

import numpy as np

from keras_seq.data import find_data
from keras_seq.tasks.capabilities import Examples

# What version 0.1.0 called otherwise.
RENAMED = {"match_file": "pairs_of"}


def call(model: Any, method: str, arguments: dict[str, Any]) -> Any:
    """What a method of a model answers, as JSON holds it.

    Args:
        model: what `keras_seq.load` gives.
        method: its name.
        arguments: by their names. `{"file": reference}` stands for the path of a data file, `{"array": numbers}` for
            an array of uint8; all else is passed as it is.
    """
    method = RENAMED.get(method, method)
    return plain(getattr(model, method)(**{name: _given(value) for name, value in arguments.items()}))


def plain(value: Any) -> Any:
    """A value as JSON holds it: arrays become lists, and booleans in them 0 and 1."""
    if isinstance(value, Examples):
        return plain(value.answer(list(value.rows)))
    if isinstance(value, dict):
        return {key: plain(part) for key, part in value.items()}
    if isinstance(value, (list, tuple)):
        return [plain(part) for part in value]
    if isinstance(value, np.ndarray):
        return (value.astype(int) if value.dtype == bool else value).tolist()
    return value.item() if isinstance(value, np.generic) else value


def differences(expected: Any, found: Any, tolerance: float, place: str = "") -> list[str]:
    """Where an answer is another one than was expected; a key that was not there then is no difference.

    Args:
        expected, found: what `plain` gives.
        tolerance: by which a number may differ, times the number where that is above 1.
        place: how the whole is called.
    """
    if isinstance(expected, dict) and isinstance(found, dict):
        missing = [f"{place}.{key}: is missing" for key in expected if key not in found]
        pairs = [(f"{place}.{key}", value, found[key]) for key, value in expected.items() if key in found]
    elif isinstance(expected, list) and isinstance(found, list):
        missing = [f"{place}: {len(expected)} expected, found {len(found)}"] if len(expected) != len(found) else []
        pairs = [(f"{place}[{index}]", *two) for index, two in enumerate(zip(expected, found, strict=False))]
    else:
        numbers = all(isinstance(value, float) for value in (expected, found))
        same = abs(expected - found) <= tolerance * max(1.0, abs(expected)) if numbers else expected == found
        return [] if same else [f"{place}: {expected!r} expected, found {found!r}"]
    return missing + [line for where, one, other in pairs for line in differences(one, other, tolerance, where)]


def _given(value: Any) -> Any:
    if isinstance(value, list):
        return [_given(part) for part in value]
    if isinstance(value, dict) and set(value) == {"file"}:
        return find_data(value["file"])
    if isinstance(value, dict) and set(value) == {"array"}:
        return np.array(value["array"], "uint8")
    return value
