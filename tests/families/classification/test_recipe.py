"""The recipe of a classifier."""

import pytest

from keras_seq.core.errors import RecipeError
from keras_seq.families.classification.recipe import ClassifierRecipe
from keras_seq.training import Recipe


def recipe(**sections):
    values = {"task": "classifier", "name": "demo", "data": {"train": "a"}, "model": {"builder": "b"}}
    return Recipe.from_dict({**values, **sections})


def test_what_a_classifier_reads():
    made = recipe(
        data={"train": "a", "columns": ["fold", "label", "text"], "fold": 2, "held_out": 0.2},
        pretraining={"files": ["b", "c"]},
        transfer={"file": "d"},
    )
    assert isinstance(made, ClassifierRecipe)
    assert (made.fit.monitor, made.fit.direction) == ("accuracy", "max")
    assert recipe(fit={"monitor": "ece"}).fit.direction == "min"
    assert made.data_remarks() == [
        "test: its fold 2",
        "validation: 20% of the training texts",
        "texts for word vectors: b, c",
        "labelled texts for the prior: d",
    ]


@pytest.mark.parametrize(
    ("sections", "message"),
    [
        ({"fit": {"miss_cost": 1.0}}, "`fit.miss_cost` belongs to recipes of tagger"),
        ({"model": {"builder": "b", "word_vectors": "random"}}, "`model.word_vectors` belongs to recipes of tagger"),
        ({"transfer": {"columns": ["text"]}}, 'key `transfer.columns` must hold "label" and "text", each once'),
    ],
)
def test_what_it_does_not_read(sections, message):
    with pytest.raises(RecipeError, match=message):
        recipe(**sections)
