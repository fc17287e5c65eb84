"""Fixtures: one tagger, trained on the bundled corpus, for the tests of the task and of what all tasks share."""

import pytest

from keras_seq.training import Recipe

RECIPE = {
    "task": "tagger",
    "name": "small",
    "seed": 3,
    "data": {
        "train": "quickstart/train.conll",
        "validation": "quickstart/validation.conll",
        "test": "quickstart/test.conll",
        "scheme": "BIOES",
    },
    "model": {
        "builder": "ner_model",
        "arguments": {
            "embedding_dim": 16,
            "units": [24],
            "features": {"characters": {"embedding_dim": 8, "units": 12}, "case_dim": 4},
            "dropout": {"tokens": 0.1, "embeddings": 0.2},
        },
    },
    "optimizer": {"learning_rate": 2e-2, "ema": 0.9},
    "fit": {"epochs": 5},
}


@pytest.fixture(scope="session")
def recipe():
    return Recipe.from_dict(RECIPE)


@pytest.fixture(scope="session")
def run(shared_folder, recipe):
    """A run directory and what `train` returned."""
    return shared_folder.trained("tagging", recipe)
