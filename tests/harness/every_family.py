"""What a family does with its tiny test case, from its recipe to served raw input, by the commands of a user."""

import json
import shlex
from types import SimpleNamespace

import pytest
import tomli_w
from command_line import run_command
from example_calls import printed_calls, run_printed

import keras_seq
from keras_seq.tasks import family_named
from keras_seq.tasks.capabilities import Exports, has
from keras_seq.training import KerasRecipe
from keras_seq.zoo import ModelCard


def said(*command):
    """What a command that succeeds writes to stdout."""
    result = run_command(*command)
    assert result.code == 0, result.lines
    return result.output


def scores_of(model):
    return json.loads(said("evaluate", model, "--json", "--quiet").splitlines()[-1])


def check_family(name, folder, patch):
    """Train, evaluate, predict, export, load, list; what was made is in `run` and `models/tiny`.

    Args:
        name: The name of the task.
        folder: An empty one.
        patch: A monkeypatch, which makes it the working directory.

    Returns:
        `metrics` of the training; `exported`, what the command said, and the `card`, where the family is exported.
    """
    patch.chdir(folder)
    patch.setenv("KERAS_SEQ_MODELS", str(folder / "models"))
    family = family_named(name)
    assert family.task.task == name
    values = {"name": "tiny", **family.test_case(folder)}
    if issubclass(family.recipe, KerasRecipe):
        values.setdefault("fit", {"epochs": 1})
    (folder / "tiny.toml").write_text(tomli_w.dumps(values), "utf-8")
    trained = said("train", "tiny.toml", "--run-dir", folder / "run", "--quiet")
    metrics = json.loads((folder / "run" / "metrics.json").read_text("utf-8"))
    assert metrics["task"] == name and metrics["parameters"] > 0 and {"validation", "test"} <= set(metrics)
    summary = scores_of(folder / "run")
    assert summary["examples"] > 0 and summary["metrics"].items() <= metrics["test"].items()
    made = SimpleNamespace(metrics=metrics, trained=trained, scores=summary["metrics"])
    if has(family.task, Exports):
        made.exported = said("export", folder / "run", "--to", folder / "models" / "tiny")
        check_exported(family, folder, made)
    else:
        assert "keras-seq export" not in trained and "model.keras" not in trained
        assert said("predict", folder / "run", *shlex.split(family.example_call.predict)).strip()
    return made


def check_exported(family, folder, made):
    predict, served = printed_calls(made.exported)
    answers = run_printed(predict)
    assert answers.strip() and "Result for output key" in run_printed(served)
    assert said("predict", folder / "run", *shlex.split(family.example_call.predict)) == answers
    exported = folder / "models" / "tiny"
    model = keras_seq.load(exported)
    assert (model.task, model.unit) == (family.name, family.unit)
    assert scores_of(exported)["metrics"] == pytest.approx(made.scores, abs=1e-6)
    made.card = ModelCard.load(exported / "card.json")
    assert made.card.task == family.name and made.card.limitations
    assert set(made.card.metrics) <= set(made.metrics["test"])
    listed = [json.loads(line) for line in said("list", "--task", family.name, "--json").splitlines()]
    assert "tiny" in [entry["model"] for entry in listed]
