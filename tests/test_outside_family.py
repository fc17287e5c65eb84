"""A family that another package brings through an entry point does all that those of this one do."""

import json
import shutil
import sys
from pathlib import Path

import pytest
from command_line import run_command
from example_calls import printed_calls, run_printed

import keras_seq
from keras_seq.core.plugins import FAMILIES
from keras_seq.zoo.cards import ModelCard
from keras_seq.zoo.registry import list_builders, unregister_builder

FIXTURE = Path(__file__).parent / "fixtures" / "outside_family" / "halving.py"
RECIPE = """
task = "halver"
name = "halves"

[data]
train = "numbers.json"
validation = "numbers.json"
test = "numbers.json"

[model]
builder = "halving_model"

[optimizer]
learning_rate = 0.2

[fit]
epochs = 6
"""


@pytest.fixture(scope="module", autouse=True)
def installed(tmp_path_factory):
    """The package, as `pip install` leaves it; nothing of it stays."""
    site = tmp_path_factory.mktemp("site")
    shutil.copy(FIXTURE, site)
    info = site / "halving-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: halving\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text("[keras_seq.families]\nhalver = halving:FAMILY\n")
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(site)
        patch.setattr(FAMILIES, "_added", dict(FAMILIES._added))
        yield
    sys.modules.pop("halving", None)
    if "halving_model" in list_builders():
        unregister_builder("halving_model")


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("halves")
    (folder / "numbers.json").write_text(json.dumps([1.0, -2.0, 4.0]))
    (folder / "recipe.toml").write_text(RECIPE)
    return folder


@pytest.fixture(scope="module", autouse=True)
def in_the_folder(folder):
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        patch.setenv("KERAS_SEQ_MODELS", str(folder / "saved_models"))
        yield


@pytest.fixture(scope="module")
def trained(in_the_folder):
    return said("train", "recipe.toml", "--run-dir", "run", "--quiet")


@pytest.fixture(scope="module")
def exported(trained):
    return said("export", "run", "--to", "saved_models/halves")


def said(*command):
    result = run_command(*command)
    assert result.code == 0, result.lines
    return result.output


def test_train(trained, folder):
    metrics = json.loads((folder / "run" / "metrics.json").read_text())
    assert metrics["task"] == "halver" and metrics["test"]["error"] < 0.2 and metrics["parameters"] == 1
    errors = [record["error"] for record in metrics["history"]]
    assert metrics["best_epoch"] == errors.index(min(errors)) + 1 and errors[-1] < errors[0]
    assert "error" in trained


def test_evaluate_and_predict(trained):
    summary = json.loads(said("evaluate", "run", "--json").splitlines()[-1])
    assert summary["examples"] == 3 and summary["metrics"]["error"] < 0.2
    assert json.loads(said("predict", "run", "8", "--json"))["half"] == pytest.approx(4, abs=0.5)
    result = run_command("predict", "run", "8", "--explain")
    assert result.code == 2 and "a halver does not explain" in result.lines[-1]


def test_export_and_what_it_prints(exported, folder):
    assert "serving_default(number: float32[batch])" in exported
    for call in printed_calls(exported):
        assert run_printed(call)
    model = keras_seq.load("halves")
    assert model.task == "halver"
    assert model.predict(["8"]) == keras_seq.load(folder / "run").predict(["8"])


def test_the_card(exported, folder):
    card = ModelCard.load(folder / "saved_models" / "halves" / "card.json")
    assert (card.task, card.builder, card.limitations) == (
        "halver",
        "halving_model",
        ("It knows small numbers alone.",),
    )
    assert card.metrics["error"] < 0.2 and "[halving]" in card.recipe and "subwords" not in card.recipe


def test_list_and_recipe(exported):
    entries = [json.loads(line) for line in said("list", "--task", "halver", "--json").splitlines()]
    assert [(entry["builder"], entry["model"]) for entry in entries] == [("halving_model", "halves")]
    template = said("recipe", "halver")
    assert "[halving]" in template and "repeats" in template and "[subwords]" not in template


def test_keys_of_other_families_are_refused():
    result = run_command("train", "recipe.toml", "--run-dir", "other", "--set", "images.ways=5")
    assert result.code == 2 and "images" in result.lines[-1] and len(result.lines) == 1
