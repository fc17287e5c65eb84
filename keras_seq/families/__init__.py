"""Families: each kind of model in a folder of its own, from its files to what it serves.

Here alone they are named. A family is imported when it is first asked for.
"""

from typing import TYPE_CHECKING

from keras_seq.core.lazy import lazy_imports

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

if TYPE_CHECKING:
    from keras_seq.families.classification.task import Classifier as Classifier
    from keras_seq.families.images.task import ImageMatcher as ImageMatcher
    from keras_seq.families.language.task import LanguageModel as LanguageModel
    from keras_seq.families.music.task import MusicModel as MusicModel
    from keras_seq.families.ngram.task import NgramLanguageModel as NgramLanguageModel
    from keras_seq.families.pairs.task import PairMatcher as PairMatcher
    from keras_seq.families.regression.task import Regressor as Regressor
    from keras_seq.families.tagging.task import Tagger as Tagger
else:
    __getattr__, __dir__ = lazy_imports(__name__, __file__)
