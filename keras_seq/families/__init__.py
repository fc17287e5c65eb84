"""Families: each kind of model in a folder of its own, from its files to what it serves.

Here alone they are named. A family is imported when it is first asked for.
"""

import importlib
from typing import Any

# Task name -> the module that declares its `FAMILY`.
FAMILIES = {
    "classifier": "keras_seq.families.classification",
    "image_matcher": "keras_seq.families.images",
    "language_model": "keras_seq.families.language",
    "music": "keras_seq.families.music",
    "ngram_language_model": "keras_seq.families.ngram",
    "pair_matcher": "keras_seq.families.pairs",
    "regressor": "keras_seq.families.regression",
    "tagger": "keras_seq.families.tagging",
}
# What users call -> the module that defines it.
_LAZY_ATTRIBUTES = {
    "Classifier": "keras_seq.families.classification.task",
    "ImageMatcher": "keras_seq.families.images.task",
    "LanguageModel": "keras_seq.families.language.task",
    "MusicModel": "keras_seq.families.music.task",
    "NgramLanguageModel": "keras_seq.families.ngram.task",
    "PairMatcher": "keras_seq.families.pairs.task",
    "Regressor": "keras_seq.families.regression.task",
    "Tagger": "keras_seq.families.tagging.task",
}

__all__ = [
    "FAMILIES",
    "Classifier",
    "ImageMatcher",
    "LanguageModel",
    "MusicModel",
    "NgramLanguageModel",
    "PairMatcher",
    "Regressor",
    "Tagger",
]


def __getattr__(name: str) -> Any:
    if name in _LAZY_ATTRIBUTES:
        return getattr(importlib.import_module(_LAZY_ATTRIBUTES[name]), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted(set(globals()) | set(_LAZY_ATTRIBUTES))
