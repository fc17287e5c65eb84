"""Tagging: the entities of a text, by a tag for each token."""

from keras_seq.families.tagging.recipe import TaggerRecipe
from keras_seq.families.tagging.task import Tagger
from keras_seq.families.tagging.training import TaggerTraining
from keras_seq.tasks.registry import Family

FAMILY = Family(
    task=Tagger,
    recipe=TaggerRecipe,
    training=TaggerTraining,
    monitor="entity_f1",
)
