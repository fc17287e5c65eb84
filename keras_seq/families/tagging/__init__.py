"""Tagging: the entities of a text, by a tag for each token."""

from keras_seq.families.tagging.recipe import TaggerRecipe
from keras_seq.tasks.registry import Family

FAMILY = Family(
    name="tagger",
    unit="sentences",
    recipe=TaggerRecipe,
    task=f"{__name__}.task:Tagger",
    training=f"{__name__}.training:TaggerTraining",
    test_case=f"{__name__}.test_case:write",
    monitor="entity_f1",
)
