"""One tiny tagger, trained and exported once, for all tests of the command line."""

import os
from pathlib import Path

import pytest
from command_line import corpus as corpus
from command_line import each_model_is_loaded_once as each_model_is_loaded_once
from command_line import invoke as invoke
from command_line import said_once
from command_line import trained as trained

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="session")
def environment():
    """For processes: as a user has it, not as the tests set it."""
    kept = {name: value for name, value in os.environ.items() if name != "TF_CPP_MIN_LOG_LEVEL"}
    return {**kept, "TF_NUM_INTRAOP_THREADS": "1", "PYTHONPATH": str(ROOT)}


@pytest.fixture(autouse=True)
def data_is_found_by_file_name(corpus, monkeypatch):
    """The card of an exported model names files, not the folder they lay in."""
    monkeypatch.setenv("KERAS_SEQ_DATA", str(corpus))


@pytest.fixture(scope="session")
def exported(trained, shared_folder):
    """The exported model's folder, and what `export` said."""
    return said_once(shared_folder, "saved_models", "export", trained.folder, "--to")
