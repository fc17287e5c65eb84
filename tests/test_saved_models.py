"""Nothing that a shipped model needs beside it is missing. That each answers as on the day it was shipped is tested in
`export/test_parity.py`."""

import csv
from pathlib import Path

import pytest

from keras_seq.tasks import family_named
from keras_seq.tasks.text_task import ENCODER_FOLDER, TokenTask
from keras_seq.zoo import ModelCard, list_builders

ROOT = Path(__file__).resolve().parent.parent
SAVED_MODELS = ROOT / "saved_models"
NAMES = sorted(path.name for path in SAVED_MODELS.glob("[!.]*") if path.is_dir())


def size_of(folder):
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())


def test_every_result_has_a_recipe_and_every_model_a_result():
    with (ROOT / "zoo" / "results.csv").open(encoding="utf-8", newline="") as file:
        models = {row["model"] for row in csv.DictReader(file)}
    assert set(NAMES) <= models
    assert models <= {path.stem for path in (ROOT / "zoo").glob("*.toml")}


def test_all_models_stay_small():
    assert size_of(SAVED_MODELS) < 150e6


@pytest.mark.parametrize("name", NAMES)
def test_each_model_stays_small(name):
    assert size_of(SAVED_MODELS / name) < 20e6


@pytest.mark.parametrize("name", NAMES)
def test_model_is_complete(name):
    folder = SAVED_MODELS / name
    card = ModelCard.load(folder / "card.json")
    assert card.name == name
    assert card.builder in list_builders()
    assert (folder / "README.md").read_text(encoding="utf-8") == card.render()
    task = family_named(card.task).task
    for file in ("model.keras", "golden.npz"):
        assert (folder / file).is_file(), file
    assert (folder / "task.json").is_file()
    assert not issubclass(task, TokenTask) or any((folder / ENCODER_FOLDER).iterdir())
    assert [path for path in folder.iterdir() if path.name.isdigit() and (path / "saved_model.pb").is_file()]
