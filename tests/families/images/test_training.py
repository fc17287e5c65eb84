"""The steps of the training of a matcher of images, before a batch is trained."""

import numpy as np
import pytest


@pytest.fixture
def training(tiny_training):
    return tiny_training("image_matcher")


def test_read(training):
    training.read()
    assert training.train.images.shape[1:] == (4, 4) and training.size == (6, 5)
    assert not {*training.train.names} & {*training.validation.names} and len(training.validation.names) == 2
    assert training.trials.references.shape == (3, 2)


def test_build_evaluate_and_finish(training):
    training.prepare()
    assert training.task.settings.height == 6 and training.model.output_shape[:2] == (None, 2)
    assert set(training.evaluate(training.model)) == set(training.score_names)
    panels = training.panels()
    assert panels.confusion()[1].sum() == 12
    assert set(panels.pictures()) == {"one_shot_trials", "roc", "precision_recall", "similarities"}
    assert panels.samples().startswith("| class | taken for | times |")
    before = panels.projector()["images"][0]
    training.finish()
    # What is served is the mean over views.
    assert np.abs(panels.projector()["images"][0] - before).max() > 1e-3
    assert training.task.settings.threshold == training.pairs.threshold
    assert training.validation_scores()["examples"] == 6
