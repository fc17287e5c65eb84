"""Packages that only a part of keras_seq needs: what brings each, and what to type where it is missing."""

import importlib
import importlib.metadata
import re
from collections import Counter
from typing import Any

from keras_seq.core.errors import InputError

_PROJECT = "keras-seq"
# The extra of the default backend.
_DEFAULT = "tensorflow"
# Where a package is not called as what is installed.
_DISTRIBUTIONS = {"PIL": "pillow"}
_REQUIREMENT = re.compile(r"""(?P<distribution>[\w.-]+).*;.*\bextra == ["'](?P<extra>[\w.-]+)["']""")


def extra_module(name: str, purpose: str) -> Any:
    """A module of a package that an extra brings.

    Args:
        name: The module.
        purpose: What needs it, in words: the subject of the message.

    Raises:
        InputError: if it is not installed, with the command to type.
    """
    try:
        return importlib.import_module(name)
    except ModuleNotFoundError as error:
        line = line_of_missing(error, purpose)
        if line is None:
            raise
        raise InputError(line) from error


def line_of_missing(error: ImportError, purpose: str = "this") -> str | None:
    """What to say of an import that failed: one line, or `None` if no extra brings what is missing.

    Example:

    >>> line_of_missing(ModuleNotFoundError(name="keras"), "a layer")
    'a layer needs keras, which is not installed; type: pip install "keras-seq[tensorflow]"'
    """
    package = (error.name or "").split(".")[0]
    extra = extra_of(package) if isinstance(error, ModuleNotFoundError) else None
    if extra is None:
        return None
    return f'{purpose} needs {package}, which is not installed; type: pip install "{_PROJECT}[{extra}]"'


def extra_of(package: str) -> str | None:
    """The extra of this project that brings a package: of several that of the default backend, else the smallest.

    `None`: none brings it, or the project runs from its source without being installed.
    """
    try:
        requirements = importlib.metadata.requires(_PROJECT) or []
    except importlib.metadata.PackageNotFoundError:
        return None
    found = [requirement for requirement in map(_REQUIREMENT.match, requirements) if requirement]
    sizes = Counter(requirement["extra"] for requirement in found)
    name = _DISTRIBUTIONS.get(package, package)
    extras = [requirement["extra"] for requirement in found if requirement["distribution"] == name]
    return _DEFAULT if _DEFAULT in extras else min(extras, key=lambda extra: (sizes[extra], extra), default=None)
