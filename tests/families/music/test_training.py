"""The steps of the training of a music model, before a batch is trained."""

import json

import pytest

from keras_seq.core.errors import DataError
from keras_seq.families.music.training import MusicTraining
from keras_seq.training import Recipe

PIECE = [[60, 64], [], [62], [60]]


@pytest.fixture
def training(tmp_path):
    path = tmp_path / "tunes.json"
    path.write_text(json.dumps({"train": [PIECE] * 6, "valid": [PIECE], "test": [PIECE] * 2}))
    recipe = Recipe.from_dict(
        {
            "task": "music",
            "name": "tiny",
            "data": {"train": "tunes.json", "validation": "tunes.json", "test": "tunes.json"},
            "model": {"builder": "music_model", "arguments": {"units": 4}},
            "batching": {"batch_size": 4},
            "music": {"sample_length": 3},
        }
    )
    return MusicTraining(recipe, dict.fromkeys(("train", "validation", "test"), path))


def test_read(training):
    training.read()
    assert (len(training.train), len(training.validation)) == (6, 1)
    training.paths["train"].write_text(json.dumps({"train": [PIECE] * 6, "valid": [PIECE]}))
    with pytest.raises(DataError, match="no list 'test'"):
        training.read()


def test_build_and_evaluate(training):
    training.prepare()
    assert training.model is training.built_model and len(training.batches) == 2
    assert set(training.evaluate(training.model)) == set(training.score_names)
    assert training.validation_scores()["examples"] == 1
    panels = training.panels()
    assert set(panels.pictures()) == {"piano_rolls"} and panels.samples().count(" · ") == 2
