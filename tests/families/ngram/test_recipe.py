"""The recipe of an n-gram model."""

import pytest

from keras_seq.core.errors import RecipeError
from keras_seq.families.ngram.recipe import NgramRecipe
from keras_seq.training import Recipe


def recipe(**sections):
    values = {"task": "ngram_language_model", "name": "demo", "data": {"train": "a"}}
    return Recipe.from_dict({**values, **sections})


def test_what_an_ngram_model_reads():
    made = recipe(language={"layout": "lines", "column": "name"}, ngram={"order": 3})
    assert isinstance(made, NgramRecipe)
    assert set(made.to_dict()) == {"task", "name", "description", "seed", "data", "expected", "language", "ngram"}
    assert made.data_remarks() == ["of its texts 90% train, 5% validate and 5% test, by their hash"]


@pytest.mark.parametrize(
    ("sections", "message"),
    [
        ({"model": {"builder": "kneser_ney"}}, "`model.builder` belongs to recipes of classifier, .*; take it out"),
        ({"fit": {"epochs": 3}}, "`fit.epochs` belongs to recipes of classifier, "),
        ({"language": {"window": 3}}, "`language.window` belongs to recipes of language_model"),
    ],
)
def test_what_it_does_not_read(sections, message):
    with pytest.raises(RecipeError, match=message):
        recipe(**sections)
