"""Classification: one label of a text, or several."""

from keras_seq.families.classification.recipe import ClassifierRecipe
from keras_seq.families.classification.task import Classifier
from keras_seq.families.classification.training import ClassifierTraining
from keras_seq.tasks.registry import Family

FAMILY = Family(
    task=Classifier,
    recipe=ClassifierRecipe,
    training=ClassifierTraining,
    monitor="accuracy",
    lower_is_better=("nll", "ece"),
)
