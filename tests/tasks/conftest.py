"""One tagger, trained on the bundled corpus, for all tests of the task."""

import pytest

from keras_seq.tasks import load, train
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
def run(tmp_path_factory, recipe):
    """A run directory and what `train` returned."""
    path = tmp_path_factory.mktemp("tasks") / "run"
    metrics = train(recipe, path, quiet=True)
    return path, metrics


@pytest.fixture(scope="session")
def tagger(run):
    return load(run[0])
