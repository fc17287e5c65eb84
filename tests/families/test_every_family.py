"""Every registered family does with its tiny test case what a user does with a recipe."""

import pytest
from every_family import check_family

from keras_seq.tasks.registry import family_names


@pytest.mark.parametrize("name", family_names())
def test_from_recipe_to_served_input(name, tmp_path, monkeypatch):
    check_family(name, tmp_path, monkeypatch)
