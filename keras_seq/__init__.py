"""keras_seq: a zoo of sequence models for Keras 3, from a file to a SavedModel that takes raw input.

Importing the package costs nothing: Keras and TensorFlow are imported by the rooms that need them, when first used.
Where Keras is there already, the layers, losses and metrics are registered with it, so that `.keras` files open; by the
import of a room that comes after Keras, too.
"""

import importlib
from typing import Any

from keras_seq.core.lazy import register_classes

__version__ = "0.1.0"

__all__ = ["__version__", "load"]

# Public name -> the module that defines it. Named as text, so that the rooms below see no import of the rooms above.
_LAZY_ATTRIBUTES = {"load": "keras_seq.tasks"}
# The room whose `FAMILIES` the registry of `keras_seq.tasks` reads.
FAMILIES = "keras_seq.families"
# `keras_seq.layers.LSTM` after `import keras_seq` alone.
_LAZY_ROOMS = ("data", "export", "families", "layers", "losses", "metrics", "ops", "tasks", "text", "training", "zoo")


def __getattr__(name: str) -> Any:
    if name in _LAZY_ATTRIBUTES:
        return getattr(importlib.import_module(_LAZY_ATTRIBUTES[name]), name)
    if name in _LAZY_ROOMS:
        return importlib.import_module(f"{__name__}.{name}")
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted(set(globals()) | set(_LAZY_ATTRIBUTES) | set(_LAZY_ROOMS))


register_classes()
