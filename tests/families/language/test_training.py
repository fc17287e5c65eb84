"""The steps of a language model's training, before a batch is trained."""

import functools

import pytest

from keras_seq.core.errors import DataError, InputError
from keras_seq.data import StreamBatches
from keras_seq.families.language.data import LineBatches
from keras_seq.training import CarriedStates


@pytest.fixture
def training(tiny_training):
    return functools.partial(tiny_training, "language_model")


def test_the_end_of_a_stream_validates(training):
    read = training()
    read.read()
    assert (len(read.train.corpus), len(read.validation.corpus)) == (180, 60)
    assert read.encoder is read.validation.encoder


def test_build_a_stream(training):
    built = training().prepare()
    assert isinstance(built.batches, StreamBatches) and isinstance(built.model, CarriedStates)
    assert built.shown_scores == ("perplexity", "bits_per_character")
    assert set(built.evaluate(built.model)) == set(built.score_names)
    assert built.validation_scores()["examples"] == 60 and built.panels().projector is None


def test_build_lines(training):
    built = training("language.layout=lines", validation="ana\neva\n").prepare()
    assert isinstance(built.batches, LineBatches) and built.validation_scores()["examples"] == 2
    inputs, _ = built.fixed_batch()
    assert set(inputs) == {"token_ids", "target_ids"}


def test_files_that_do_not_suit(training):
    with pytest.raises(InputError, match=r"train.txt: holds no training text"):
        training(train="a").read()
    for name in ("validation", "test"):
        with pytest.raises(DataError, match=rf"{name}.txt: empty file"):
            training(**{name: ""}).read()
