"""The steps of an n-gram model's training."""

import functools

import pytest

from keras_seq.core.errors import DataError, InputError, RecipeError
from keras_seq.training import RunDirectory


@pytest.fixture
def training(tiny_training):
    return functools.partial(tiny_training, "ngram_language_model")


def test_nothing_is_counted_before_fit(training, tmp_path):
    prepared = training().prepare()
    assert (len(prepared.text.corpus), len(prepared.validation.corpus)) == (180, 60)
    assert not hasattr(prepared, "task")
    assert prepared.describe(prepared.paths["train"]) is None  # of running text there is nothing to tell
    result = prepared.fit(RunDirectory.create(tmp_path / "run", prepared.recipe), quiet=True)
    assert (result.best_epoch, len(result.history)) == (1, 1) and set(result.best_scores) == set(prepared.score_names)
    assert prepared.num_parameters == prepared.task.num_parameters > 0
    scores = prepared.final_scores()
    assert set(scores) == {"validation", "test"} and scores["validation"]["examples"] == 60


def test_files_that_do_not_suit(training):
    with pytest.raises(RecipeError, match="key `model.builder` belongs to recipes of"):
        training("model.builder=language_model").read()
    with pytest.raises(InputError, match="train.txt: holds no training text"):
        training(train="a").read()
    for name in ("validation", "test"):
        with pytest.raises(DataError, match=rf"{name}.txt: empty file"):
            training(**{name: ""}).read()
