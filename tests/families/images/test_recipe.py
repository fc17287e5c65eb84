"""The recipe of a matcher of images."""

import pytest

from keras_seq.core.errors import RecipeError
from keras_seq.families.images.recipe import ImageMatcherRecipe
from keras_seq.training import Recipe


def recipe(**sections):
    values = {"task": "image_matcher", "name": "demo", "data": {"train": "a"}, "model": {"builder": "b"}}
    return Recipe.from_dict({**values, **sections})


def test_what_a_matcher_of_images_reads():
    made = recipe()
    assert isinstance(made, ImageMatcherRecipe)
    assert (made.fit.monitor, made.pairs.objective) == ("accuracy", "info_nce")
    assert made.data_remarks() == ["validation: 10% of the training images"]
    assert recipe(pairs={"objective": "batch_hard"}).pairs.margin_of_objective == 0.5


@pytest.mark.parametrize(
    ("sections", "message"),
    [
        ({"pairs": {"form": "classes"}}, "`pairs.form` belongs to recipes of pair_matcher, .*; take it out"),
        ({"pairs": {"objective": "logistic"}}, "key `pairs.objective` must be 'triplet', .* Received: 'logistic'"),
        ({"batching": {"tokens_per_batch": 9}}, "`batching.tokens_per_batch` belongs to recipes of classifier, "),
        ({"subwords": {"num_buckets": 9}}, "`subwords.num_buckets` belongs to recipes of .* and tagger"),
    ],
)
def test_what_it_does_not_read(sections, message):
    with pytest.raises(RecipeError, match=message):
        recipe(**sections)
