"""Classification: one label of a text, or several."""

from keras_seq.families.classification.recipe import ClassifierRecipe
from keras_seq.tasks.registry import Family

FAMILY = Family.in_folder(
    __name__,
    "Classifier",
    "ClassifierTraining",
    name="classifier",
    unit="texts",
    recipe=ClassifierRecipe,
    monitor="accuracy",
    lower_is_better=("nll", "ece"),
)
