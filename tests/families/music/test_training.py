"""The steps of the training of a music model, before a batch is trained."""

import json

import pytest

from keras_seq.core.errors import DataError

PIECE = [[60, 64], [], [62], [60]]


@pytest.fixture
def training(tiny_training):
    return tiny_training("music")


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
