"""One tagger for all tests of the task, from its run and as it is exported."""

import pytest
from small_tagger import recipe as recipe
from small_tagger import run as run

from keras_seq.tasks import load


@pytest.fixture(scope="session")
def tagger(run):
    return load(run[0])


@pytest.fixture(scope="session")
def exported_tagger(shared_folder, run):
    """The folder of the exported tagger; no test writes into it."""
    return shared_folder.once("tagging_saved", lambda folder: load(run[0]).export(folder / "small_pt")) / "small_pt"
