"""The steps of a tagger's training, before a batch is trained."""

import functools
from unittest import mock

import numpy as np
import pytest

from keras_seq.core.errors import DataError, InputError, RecipeError
from keras_seq.families.tagging.task import Tagger
from keras_seq.losses import CRFNegativeLogLikelihood, MaskedCrossEntropy


@pytest.fixture
def training(tiny_training):
    return functools.partial(tiny_training, "tagger")


def test_read(training):
    read = training()
    read.read()
    assert read.tag_names == ["O", "B-LOC", "I-LOC", "B-PER", "I-PER"]
    assert list(read.train.store.texts()) == [["Ana", "mora", "em", "Lisboa"], ["Rui", "viaja"]]
    assert (len(read.rows), len(read.validation_rows)) == (2, 1)
    assert read.score_names[-2:] == ["token_accuracy", "f1/PER"]
    with pytest.raises(RecipeError, match="key `fit.monitor` must be one of .*, f1/PER. Received: 'f1/LOC'"):
        training("fit.monitor=f1/LOC").prepare()


def test_build_and_pretrain(training):
    built = training("model.word_vectors=cooccurrence")
    built.read()
    built.build()
    assert set(built.encoder.vocabulary.tokens) == {"ana", "mora", "em", "lisboa", "rui", "viaja"}
    assert isinstance(built.loss, CRFNegativeLogLikelihood) and len(built.batches) == 1
    before = built.model.get_layer("word_embedding").get_weights()[0]
    built.pretrain()
    after = built.model.get_layer("word_embedding").get_weights()[0]
    # The unknown word has no neighbours.
    np.testing.assert_array_equal(after[:2], before[:2])
    assert (after[2:] != before[2:]).any(axis=1).all()
    assert set(built.evaluate(built.model)) == set(built.score_names)
    panels = built.panels()
    assert panels.samples().startswith("| sentence | true | found |") and "PER: Eva" in panels.samples()
    assert panels.confusion()[1].sum() == 2 and set(panels.projector()) == {"words"}


def test_the_scores_of_the_end_are_those_of_an_evaluation(training):
    changed = training("data.columns={token = 2, tag = 1}", "data.max_length=9")
    changed.task = mock.create_autospec(Tagger, instance=True)
    changed.validation_scores()
    options = Tagger.evaluation_of(changed.recipe).options
    changed.task.evaluate.assert_called_once_with(changed.paths["validation"], **options)


def test_another_head(training):
    assert isinstance(training('model.arguments.head="log_softmax"').prepare().loss, MaskedCrossEntropy)
    with pytest.raises(RecipeError, match="key `fit.miss_cost` needs a model with a CRF"):
        training('model.arguments.head="log_softmax"', "fit.miss_cost=1.0").prepare()


def test_files_that_do_not_suit(training, tmp_path):
    with pytest.raises(InputError, match=r"train.conll: holds no entity, every tag is O"):
        training(train="Ana O\n").read()
    for name in ("validation", "test"):
        with pytest.raises(DataError, match=rf"{name}.conll:1: the tag 'B-ORG' is of a type"):
            training(**{name: "Cais B-ORG\n"}).read()
        (tmp_path / f"{name}.conll").unlink()
    without = training()
    without.paths = {"train": without.paths["train"]}
    with pytest.raises(RecipeError, match="key `data.validation` is missing; name a file"):
        without.read()
