"""keras_seq: a zoo of sequence models for Keras 3, from a file to a SavedModel that takes raw input.

Importing the package costs nothing: Keras and TensorFlow are imported by the rooms that need them, when first used.
"""

import importlib
from typing import Any

__version__ = "0.1.0"

__all__ = ["__version__", "load"]

# Public name -> the module that defines it. Named as text, so that the rooms below see no import of the rooms above.
_LAZY_ATTRIBUTES = {"load": "keras_seq.tasks"}


def __getattr__(name: str) -> Any:
    if name in _LAZY_ATTRIBUTES:
        return getattr(importlib.import_module(_LAZY_ATTRIBUTES[name]), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted(set(globals()) | set(_LAZY_ATTRIBUTES))
