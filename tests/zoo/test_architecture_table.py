"""The table of architectures and tasks: each row is a recipe that builds; a row that is there is not trained again."""

import sys
import tomllib
from pathlib import Path

import pytest

from keras_seq.data import list_datasets
from keras_seq.training import Recipe
from keras_seq.zoo import get_builder
from keras_seq.zoo.encoders import ENCODERS

ROOT = Path(__file__).resolve().parents[2]
FROM_DATA = {
    "ner_model": {"num_tags": 3},
    "text_classifier_model": {"num_classes": 2, "activation": "softmax"},
    "siamese_model": {},
}


@pytest.fixture(scope="module")
def script(zoo_script):
    return zoo_script("architecture_table")


@pytest.fixture(scope="module")
def settings(script):
    return tomllib.loads(script.SETTINGS.read_text("utf-8"))


def test_every_encoder_stands_with_every_task(script, settings):
    kinds = {name: options["encoder"]["kind"] for name, options in settings["architectures"].items()}
    assert set(kinds.values()) == {"bag", "recurrent", "convolutional", "transformer"} <= set(ENCODERS.names())
    for task in settings["tasks"]:
        found = {(data, architecture) for of, data, architecture, _ in script.cells_of(settings) if of == task}
        assert any({(data, name) for name in kinds} <= found for data in settings["datasets"])


def test_every_row_is_a_recipe_that_builds(script, settings):
    files = {f"{dataset.directory}/{name}" for dataset in list_datasets() for name in dataset.files}
    cells = script.cells_of(settings)
    recipes = {cell: Recipe.from_dict(script.recipe_values(settings, *cell[1:3], int(cell[3]))) for cell in cells}
    assert len({recipe.name for recipe in recipes.values()}) == len(set(cells)) == len(cells)
    built = set()
    for (task, _, architecture, _), recipe in recipes.items():
        assert {recipe.data.train, recipe.data.validation, recipe.data.test} - {None} <= files
        if (task, architecture) not in built:
            built.add((task, architecture))
            builder = recipe.model.builder
            recipe.build_model(get_builder(builder), vocabulary_size=9, **FROM_DATA[builder])


def test_what_is_missing_is_trained_and_the_page_written(script, settings, tmp_path, monkeypatch, capsys):
    first, *others = [cell for cell in script.cells_of(settings) if cell[1] == "sick"]
    row = {**dict(zip(script.KEY, first, strict=True)), "metric": "pearson", "score": "0.5"}
    trained = []
    for name in ("TABLE", "PAGE"):
        monkeypatch.setattr(script, name, tmp_path / name.lower())
    monkeypatch.setattr(script, "ROOT", tmp_path)
    monkeypatch.setattr(sys, "argv", ["table", "--datasets", "sick"])
    script.write_table({first: row}, script.TABLE)

    def train_cell(settings, cell, folder):
        trained.append(cell)
        return {**row, "architecture": cell[2], "score": "0.25", "training_seconds": "3"}

    monkeypatch.setattr(script, "train_cell", train_cell)
    assert script.main() == 0 == script.main()
    assert trained == others
    page = script.PAGE.read_text("utf-8")
    assert "| sick | pearson | **0.500** | 0.250 |" in page and f"| {first[2]} |" in page
    assert len(script.read_table(script.TABLE)) == len(others) + 1
    capsys.readouterr()


def test_the_page_is_that_of_the_table(script, settings):
    rows = script.read_table(script.TABLE)
    assert set(rows) <= set(script.cells_of(settings))
    assert script.PAGE.read_text("utf-8") == script.page_of(list(rows.values()))


@pytest.mark.thorough
def test_the_committed_table_has_every_row(script, settings):
    assert set(script.read_table(script.TABLE)) == set(script.cells_of(settings))
