"""What all tests share: a quiet TensorFlow, the folder of data sets, and skips that name their reason."""

import importlib.util
import os
from pathlib import Path

# Before anything imports TensorFlow: its C++ log and start-up notices are not warnings of ours.
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
os.environ.setdefault("MPLBACKEND", "Agg")

import pytest


def find_data_dir() -> Path | None:
    """The folder named by KERAS_SEQ_DATA, if it is there."""
    name = os.environ.get("KERAS_SEQ_DATA", "")
    return Path(name).resolve() if name and Path(name).is_dir() else None


def pytest_collection_modifyitems(items):
    if find_data_dir() is not None:
        return
    named = os.environ.get("KERAS_SEQ_DATA")
    reason = f"KERAS_SEQ_DATA={named} is no folder" if named else "KERAS_SEQ_DATA names no folder of data sets"
    for item in items:
        if "data" in item.keywords and item.get_closest_marker("data"):
            item.add_marker(pytest.mark.skip(reason=f"{item.name}: {reason}"))


@pytest.fixture(scope="session")
def data_dir() -> Path:
    """The folder of data sets; a test that asks for it is marked `data`."""
    folder = find_data_dir()
    if folder is None:
        pytest.skip("KERAS_SEQ_DATA names no folder of data sets")
    return folder


@pytest.fixture(scope="session")
def zoo_script():
    """What loads a script of `zoo/` by its name, which is no package, as a module."""

    def load(name):
        path = Path(__file__).resolve().parent.parent / "zoo" / f"{name}.py"
        spec = importlib.util.spec_from_file_location(name, path)
        module = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
        return module

    return load
