"""Tagging: the entities of a text, by a tag for each token."""

from keras_seq.families.tagging.recipe import TaggerRecipe
from keras_seq.tasks.registry import Family

FAMILY = Family.in_folder(
    __name__, "Tagger", "TaggerTraining", name="tagger", unit="sentences", recipe=TaggerRecipe, monitor="entity_f1"
)
