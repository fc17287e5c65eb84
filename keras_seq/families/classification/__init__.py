"""Classification: one label of a text, or several."""

from keras_seq.families.classification.recipe import ClassifierRecipe
from keras_seq.tasks.registry import Family

FAMILY = Family(
    name="classifier",
    unit="texts",
    recipe=ClassifierRecipe,
    task=f"{__name__}.task:Classifier",
    training=f"{__name__}.training:ClassifierTraining",
    test_case=f"{__name__}.test_case:write",
    monitor="accuracy",
    lower_is_better=("nll", "ece"),
)
