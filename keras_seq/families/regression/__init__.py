"""Regression: a number for a text, with an interval."""

from keras_seq.families.regression.recipe import RegressionRecipe
from keras_seq.families.regression.results import limits
from keras_seq.tasks.registry import Family

FAMILY = Family(
    name="regressor",
    unit="texts",
    recipe=RegressionRecipe,
    task=f"{__name__}.task:Regressor",
    training=f"{__name__}.training:RegressionTraining",
    test_case=f"{__name__}.test_case:write",
    monitor="pearson",
    lower_is_better=("mae", "rmse", "interval_width"),
    builders_of="classifier",
    limits=limits,
)
