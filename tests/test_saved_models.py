"""Every shipped model answers as on the day it was shipped, and nothing it needs beside it is missing."""

import csv
from pathlib import Path

import pytest

from keras_seq.export import check_golden
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
    folder = SAVED_MODELS / name
    version = max((path for path in folder.iterdir() if path.name.isdigit()), key=lambda path: int(path.name))
    assert check_golden(version, folder / "golden.npz") <= 1e-4
