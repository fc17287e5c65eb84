"""The recipe of a tagger."""

import pytest

from keras_seq.core.errors import RecipeError
from keras_seq.families.tagging.recipe import TaggerRecipe
from keras_seq.training import Recipe


def recipe(**sections):
    values = {"task": "tagger", "name": "demo", "data": {"train": "a", "validation": "b"}, "model": {"builder": "b"}}
    return Recipe.from_dict({**values, **sections})


def test_what_a_tagger_reads():
    made = recipe(fit={"miss_cost": 2.0}, model={"builder": "b", "word_vectors": "cooccurrence"})
    assert isinstance(made, TaggerRecipe)
    assert (made.fit.monitor, made.fit.direction, made.fit.miss_cost) == ("entity_f1", "max", 2.0)
    assert made.data.scheme == "BIOES" and made.data_remarks() == []


@pytest.mark.parametrize(
    ("sections", "message"),
    [
        ({"data": {"train": "a"}}, "key `data.validation` is missing; add it"),
        (
            {"pretraining": {"method": "cbow"}},
            "`pretraining.method` belongs to recipes of classifier, pair_matcher and ",
        ),
        ({"data": {"train": "a", "validation": "b", "fold": 3}}, "`data.fold` belongs to recipes of classifier"),
        ({"data": {"train": "a", "validation": "b", "scheme": "IOB"}}, "`data.scheme` must be 'BIO' or 'BIOES'"),
    ],
)
def test_what_it_does_not_read(sections, message):
    with pytest.raises(RecipeError, match=message):
        recipe(**sections)
