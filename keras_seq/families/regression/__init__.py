"""Regression: a number for a text, with an interval."""

from keras_seq.families.regression.recipe import RegressionRecipe
from keras_seq.families.regression.results import limits
from keras_seq.tasks.registry import Family

FAMILY = Family.in_folder(
    __name__,
    "Regressor",
    "RegressionTraining",
    name="regressor",
    unit="texts",
    recipe=RegressionRecipe,
    monitor="pearson",
    lower_is_better=("mae", "rmse", "interval_width"),
    builders_of="classifier",
    limits=limits,
)
