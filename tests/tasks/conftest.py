"""One tagger, trained on the bundled corpus, for all tests of the task."""

import pytest

from keras_seq.tasks import load
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


@pytest.fixture(scope="session")
def tagger(run):
    return load(run[0])


@pytest.fixture(scope="session")
def exported_tagger(shared_folder, run):
    """The folder of the exported tagger; no test writes into it."""
    return shared_folder.once("tagging_saved", lambda folder: load(run[0]).export(folder / "small_pt")) / "small_pt"
