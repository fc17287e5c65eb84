"""The table of architectures: each cell is a recipe that can be read, rows replace older ones, the picture is drawn."""

import csv
import tomllib
from pathlib import Path

import pytest

from keras_seq.data import list_datasets
from keras_seq.training import Recipe
from keras_seq.zoo import get_builder

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="module")
def script(zoo_script):
    return zoo_script("architecture_table")


@pytest.fixture(scope="module")
def settings(script):
    return tomllib.loads(script.SETTINGS.read_text("utf-8"))


def test_every_cell_is_a_recipe_that_builds(script, settings):
    files = {f"{dataset.directory}/{name}" for dataset in list_datasets() for name in dataset.files}
    names = set()
    for data in settings["datasets"]:
        for architecture in settings["architectures"]:
            recipe = Recipe.from_dict(script.recipe_values(settings, data, architecture))
            names.add(recipe.name)
            assert {recipe.data.train, recipe.data.validation, recipe.data.test} - {None} <= files
    assert len(names) == len(settings["datasets"]) * len(settings["architectures"])
    for architecture in settings["architectures"]:
        recipe = Recipe.from_dict(script.recipe_values(settings, "sst2", architecture))
        recipe.build_model(get_builder(recipe.model.builder), vocabulary_size=9, num_classes=2)


def test_rows_replace_those_of_the_same_cell(script, tmp_path):
    row = dict.fromkeys(script.COLUMNS, "1") | {"data": "a", "architecture": "GRU", "score": "0.5"}
    table = tmp_path / "table.csv"
    script.write_table([row, {**row, "architecture": "mean", "score": "0.7"}], table)
    script.write_table([{**row, "score": "0.6"}], table)
    with table.open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert [(found["architecture"], found["score"]) for found in rows] == [("GRU", "0.6"), ("mean", "0.7")]
    script.draw_table([{**found, "metric": "macro_f1"} for found in rows], tmp_path / "table.png")
    assert (tmp_path / "table.png").read_bytes()[:4] == b"\x89PNG"


def test_the_committed_table_has_every_cell(script, settings):
    with script.TABLE.open(newline="") as file:
        cells = [(row["data"], row["architecture"]) for row in csv.DictReader(file)]
    assert sorted(cells) == sorted((data, name) for data in settings["datasets"] for name in settings["architectures"])
    assert script.PICTURE.is_file()
