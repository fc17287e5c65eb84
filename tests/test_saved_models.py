"""Every shipped model answers as on the day it was shipped, and nothing it needs beside it is missing."""

import csv
from pathlib import Path

import numpy as np
import pytest

from keras_seq.zoo import ModelCard, list_builders

ROOT = Path(__file__).resolve().parent.parent
SAVED_MODELS = ROOT / "saved_models"
NAMES = sorted(path.name for path in SAVED_MODELS.iterdir() if path.is_dir()) if SAVED_MODELS.is_dir() else []


def test_every_result_has_a_model_and_every_model_a_result():
    with (ROOT / "zoo" / "results.csv").open(encoding="utf-8", newline="") as file:
        assert sorted({row["model"] for row in csv.DictReader(file)}) == NAMES


def test_all_models_stay_small():
    assert sum(path.stat().st_size for path in SAVED_MODELS.rglob("*") if path.is_file()) < 150e6


@pytest.mark.parametrize("name", NAMES)
def test_model_is_complete(name):
    folder = SAVED_MODELS / name
    card = ModelCard.load(folder / "card.json")
    assert card.name == name
    assert card.builder in list_builders()
    assert (folder / "model.keras").is_file()
    assert [path for path in folder.iterdir() if path.name.isdigit() and (path / "saved_model.pb").is_file()]


@pytest.mark.parametrize("name", NAMES)
def test_golden_outputs(name):
    """golden.npz holds the inputs of `serving_default` as `input/<name>` and its outputs as `output/<name>`."""
    import tensorflow as tf

    folder = SAVED_MODELS / name
    version = max((path for path in folder.iterdir() if path.name.isdigit()), key=lambda path: int(path.name))
    with np.load(folder / "golden.npz", allow_pickle=False) as arrays:
        golden = {key: arrays[key] for key in arrays.files}
    inputs = {key.removeprefix("input/"): value for key, value in golden.items() if key.startswith("input/")}
    expected = {key.removeprefix("output/"): value for key, value in golden.items() if key.startswith("output/")}
    assert inputs and expected and len(golden) == len(inputs) + len(expected)

    served = tf.saved_model.load(str(version))
    outputs = served.signatures["serving_default"](**{key: tf.constant(value) for key, value in inputs.items()})
    assert set(outputs) == set(expected)
    for key, value in expected.items():
        actual = outputs[key].numpy()
        if actual.dtype == object:
            actual = np.char.decode(actual.astype("S"), "utf-8")
        if np.issubdtype(value.dtype, np.floating):
            np.testing.assert_allclose(actual, value, atol=1e-4, err_msg=key)
        else:
            np.testing.assert_array_equal(actual, value, err_msg=key)
