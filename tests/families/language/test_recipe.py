"""The recipe of a language model."""

import pytest

from keras_seq.core.errors import RecipeError
from keras_seq.families.language.recipe import LanguageModelRecipe
from keras_seq.training import Recipe


def recipe(**sections):
    values = {"task": "language_model", "name": "demo", "data": {"train": "a"}, "model": {"builder": "b"}}
    return Recipe.from_dict({**values, **sections})


def test_what_a_language_model_reads():
    made = recipe()
    assert isinstance(made, LanguageModelRecipe)
    assert (made.fit.monitor, made.fit.direction) == ("perplexity", "min")
    assert made.data_remarks() == ["validation: its last 10%"]
    lines = recipe(language={"layout": "lines"})
    assert lines.data_remarks() == ["of its texts 90% train, 5% validate and 5% test, by their hash"]


@pytest.mark.parametrize(
    ("sections", "message"),
    [
        ({"data": {"train": "a", "max_characters": 9}}, "`data.max_characters` belongs to recipes of classifier, "),
        ({"ngram": {"order": 3}}, "`ngram.order` belongs to recipes of ngram_language_model"),
        ({"language": {"column": "name"}}, r"\[language\]: `column` and `letter_case` are for layout"),
    ],
)
def test_what_it_does_not_read(sections, message):
    with pytest.raises(RecipeError, match=message):
        recipe(**sections)
