"""The recipe of a matcher of texts."""

import pytest

from keras_seq.core.errors import RecipeError
from keras_seq.families.pairs.recipe import PairMatcherRecipe
from keras_seq.training import Recipe


def recipe(**sections):
    values = {"task": "pair_matcher", "name": "demo", "data": {"train": "a"}, "model": {"builder": "b"}}
    return Recipe.from_dict({**values, **sections})


def test_the_score_that_decides_depends_on_what_is_known():
    assert isinstance(recipe(), PairMatcherRecipe)
    assert recipe().fit.monitor == "f1"
    scored = {"columns": ["score", "a", "b"], "objective": "similarity"}
    assert recipe(pairs=scored).fit.monitor == "pearson"
    assert recipe().override(["pairs.form=classes", "pairs.objective=triplet"]).fit.monitor == "recall_at_1"
    assert recipe(pairs=scored, fit={"monitor": "spearman"}).fit.monitor == "spearman"


def test_what_a_card_says_of_the_data():
    assert recipe().data_remarks() == ["validation: 10% of the training texts"]
    end = recipe(pairs={"validate_on": "end"}, pretraining={"files": ["b"]})
    assert end.data_remarks() == [
        "validation: what is new in the last 10% of the training texts",
        "texts for word vectors: b",
    ]
    assert recipe(data={"train": "a", "validation": "b"}).data_remarks() == []


@pytest.mark.parametrize(
    ("sections", "message"),
    [
        ({"data": {"train": "a", "label_separator": "|"}}, "`data.label_separator` belongs to recipes of classifier"),
        ({"transfer": {"file": "b"}}, "`transfer.file` belongs to recipes of classifier"),
    ],
)
def test_what_it_does_not_read(sections, message):
    with pytest.raises(RecipeError, match=message):
        recipe(**sections)
