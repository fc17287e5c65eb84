"""The steps of an n-gram model's training."""

import pytest

from keras_seq.core.errors import DataError, InputError, RecipeError
from keras_seq.families.ngram.training import NgramTraining
from keras_seq.training import Recipe, RunDirectory


@pytest.fixture
def training(tmp_path):
    def make(*changes, **texts):
        for name, text in {"train": "ana\nrui\neva\n" * 20, **texts}.items():
            (tmp_path / f"{name}.txt").write_text(text)
        named = [f"data.{name}={name}.txt" for name in texts]
        values = {"task": "ngram_language_model", "name": "tiny", "data": {"train": "train.txt", "held_out": 0.25}}
        recipe = Recipe.from_dict({**values, "language": {"unit": "character"}}).override([*named, *changes])
        return NgramTraining(recipe, {name: tmp_path / f"{name}.txt" for name in ("train", *texts)})

    return make


def test_nothing_is_counted_before_fit(training, tmp_path):
    prepared = training().prepare()
    assert (len(prepared.text.corpus), len(prepared.validation.corpus)) == (180, 60)
    assert not hasattr(prepared, "task")
    result = prepared.fit(RunDirectory.create(tmp_path / "run", prepared.recipe), quiet=True)
    assert (result.best_epoch, len(result.history)) == (1, 1) and set(result.best_scores) == set(prepared.score_names)
    assert prepared.num_parameters == prepared.task.num_parameters > 0
    scores = prepared.final_scores()
    assert set(scores) == {"validation"} and scores["validation"]["examples"] == 60


def test_files_that_do_not_suit(training):
    with pytest.raises(RecipeError, match="key `model.builder` belongs to recipes of"):
        training("model.builder=language_model").read()
    with pytest.raises(InputError, match="train.txt: holds no training text"):
        training(train="a").read()
    for name in ("validation", "test"):
        with pytest.raises(DataError, match=rf"{name}.txt: empty file"):
            training(**{name: ""}).read()
