"""Packages that only a part of keras_seq needs: what brings each, and what to type where it is missing."""

import importlib
from typing import Any

from keras_seq.core.errors import InputError

# Package -> the extra of this one that brings it. `pyproject.toml` says what each is for.
EXTRAS = {
    "keras": "tensorflow",
    "tensorflow": "tensorflow",
    "tensorboard": "tensorflow",
    "scipy": "tensorflow",
    "mido": "music",
    "PIL": "images",
    "matplotlib": "plots",
    "pyarrow": "parquet",
    "sentencepiece": "pieces",
    "tokenizers": "pieces",
    "spacy": "spacy",
}


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

    >>> line_of_missing(ModuleNotFoundError(name="mido"), "music")
    'music needs mido, which is not installed; type: pip install "keras-seq[music]"'
    """
    package = (error.name or "").split(".")[0]
    extra = EXTRAS.get(package)
    if extra is None or not isinstance(error, ModuleNotFoundError):
        return None
    return f'{purpose} needs {package}, which is not installed; type: pip install "keras-seq[{extra}]"'
