"""Every registered family does with its tiny test case what a user does with a recipe."""

import pytest

from keras_seq.tasks.registry import family_names

# One that is exported, and one that is not; a run and an export of each family are made by its own tests as well.
ALWAYS = ("image_matcher", "ngram_language_model")


@pytest.mark.parametrize(
    "name", [pytest.param(name, marks=[pytest.mark.thorough] * (name not in ALWAYS)) for name in family_names()]
)
def test_from_recipe_to_served_input(name, checked):
    checked(name)
