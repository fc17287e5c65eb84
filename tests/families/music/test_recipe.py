"""The recipe of a music model."""

import pytest

from keras_seq.core.errors import RecipeError
from keras_seq.families.music.recipe import MusicModelRecipe
from keras_seq.training import Recipe


def recipe(**sections):
    values = {"task": "music", "name": "demo", "data": {"train": "a"}, "model": {"builder": "b"}}
    return Recipe.from_dict({**values, **sections})


def test_what_a_music_model_reads():
    made = recipe(batching={"tokens_per_batch": 100})
    assert isinstance(made, MusicModelRecipe)
    assert (made.fit.monitor, made.fit.direction) == ("nll_per_step", "min")
    assert made.data_remarks() == ["validation: 10% of the training pieces"]


@pytest.mark.parametrize(
    ("sections", "message"),
    [
        ({"data": {"train": "a", "min_count": 2}}, "`data.min_count` belongs to recipes of classifier, "),
        ({"music": {"steps": 2}}, "unknown key `music.steps`"),
        (
            {"language": {"unit": "word"}},
            "`language.unit` belongs to recipes of language_model and ngram_",
        ),
    ],
)
def test_what_it_does_not_read(sections, message):
    with pytest.raises(RecipeError, match=message):
        recipe(**sections)
