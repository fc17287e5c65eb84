"""Regression: a number for a text, with an interval."""

from keras_seq.families.regression.recipe import RegressionRecipe
from keras_seq.families.regression.results import limits
from keras_seq.families.regression.task import Regressor
from keras_seq.families.regression.training import RegressionTraining
from keras_seq.tasks.registry import Family

FAMILY = Family(
    task=Regressor,
    recipe=RegressionRecipe,
    training=RegressionTraining,
    monitor="pearson",
    lower_is_better=("mae", "rmse", "interval_width"),
    builders_of="classifier",
    limits=limits,
)
