"""What version 0.1.0 trained and exported is loaded still, and answers as it did then."""

import json
import tarfile
from pathlib import Path

import pytest
from replaying import call, differences
from typer.testing import CliRunner

import keras_seq
from keras_seq.cli.main import app
from keras_seq.training import RunDirectory

FOLDER = Path(__file__).resolve().parent / "fixtures" / "old_forms"
EXPECTED = json.loads((FOLDER / "expected.json").read_text("utf-8"))
RUNS = [name for name in EXPECTED if name.endswith("_run")]
TOLERANCE = 1e-6
LARGEST = 300_000


@pytest.fixture(autouse=True)
def data_of_then(monkeypatch):
    monkeypatch.setenv("KERAS_SEQ_DATA", str(FOLDER / "data"))


@pytest.fixture
def unpack(tmp_path):
    def unpacked(name):
        with tarfile.open(FOLDER / f"{name}.tar.xz") as archive:
            archive.extractall(tmp_path, filter="data")
        return tmp_path / name

    return unpacked


def task_of(name):
    return name.rsplit("_", 1)[0]


def test_each_family_of_then_has_a_run_and_a_model():
    assert {path.name.removesuffix(".tar.xz") for path in FOLDER.glob("*.tar.xz")} == set(EXPECTED)
    tasks = {task_of(name) for name in RUNS}
    assert len(tasks) == 7
    assert {task_of(name) for name in set(EXPECTED) - set(RUNS)} == tasks - {"ngram_language_model"}
    assert max(path.stat().st_size for path in FOLDER.rglob("*") if path.is_file()) < LARGEST


# Of each form one that is quick, and the one whose options have changed.
ALWAYS = ("image_matcher_run", "language_model_model", "music_model", "ngram_language_model_run")


@pytest.mark.parametrize(
    "name", [pytest.param(name, marks=[pytest.mark.thorough] * (name not in ALWAYS)) for name in EXPECTED]
)
def test_it_answers_as_then(name, unpack):
    model = keras_seq.load(unpack(name))
    assert model.task == task_of(name)
    found = [
        line
        for number, one in enumerate(EXPECTED[name])
        for line in differences(
            one["answer"], call(model, one["method"], one["arguments"]), TOLERANCE, f"{one['method']} ({number})"
        )
    ]
    assert not found, "\n".join(found)


@pytest.mark.parametrize("name", RUNS)
def test_the_recipe_of_a_run_is_read(name, unpack):
    recipe = RunDirectory(unpack(name)).recipe
    assert (recipe.task, recipe.name, recipe.seed) == (task_of(name), f"tiny_{task_of(name)}", 3)


@pytest.mark.parametrize("name", ["language_model_run", "language_model_model"])
def test_the_command_scores_it_on_the_test_file_of_its_recipe(name, unpack):
    result = CliRunner().invoke(app, ["evaluate", str(unpack(name)), "--json"])
    assert result.exit_code == 0, result.stderr
    expected = EXPECTED[name][-1]
    assert (expected["method"], expected["arguments"]) == ("evaluate", {"data": {"file": "names_pt/test.txt"}})
    metrics = {key: value for key, value in expected["answer"].items() if isinstance(value, float)}
    assert not differences(metrics, json.loads(result.stdout.splitlines()[-1])["metrics"], TOLERANCE)


def test_another_answer_is_seen():
    then = {"text": "a", "scores": [0.5, 200.0]}
    assert not differences(then, {"text": "a", "scores": [0.5 + 9e-7, 200.0001], "new": 1}, TOLERANCE)
    for other in ({"text": "b"}, {"scores": [0.5, 200.001]}, {"scores": [0.5]}, {"scores": [0.5, float("nan")]}):
        assert len(differences(then, {**then, **other}, TOLERANCE)) == 1
    assert len(differences(then, {"text": "a"}, TOLERANCE)) == 1
