"""The n-gram baseline goes through the commands of the other tasks."""

import json

import pytest

RECIPE = """
task = "ngram_language_model"
name = "grams"

[data]
train = "{folder}/text.txt"
validation = "{folder}/text.txt"
test = "{folder}/text.txt"

[ngram]
order = 3

[expected]
scores = {{ }}
"""


@pytest.fixture(scope="module")
def folder(tmp_path_factory, invoke):
    folder = tmp_path_factory.mktemp("grams")
    (folder / "text.txt").write_text("a rosa azul é uma rosa\n" * 30, "utf-8")
    (folder / "grams.toml").write_text(RECIPE.format(folder=folder), "utf-8")
    result = invoke("train", folder / "grams.toml", "--run-dir", folder / "run", "--quiet")
    assert result.code == 0, result.lines
    assert "perplexity" in result.output and "ngrams.npz" in result.output
    # Neither what is not there nor what is refused.
    assert "model.keras" not in result.output and "keras-seq export" not in result.output
    return folder


def test_evaluate(folder, invoke):
    result = invoke("evaluate", folder / "run", "--data", folder / "text.txt", "--json")
    assert result.code == 0, result.lines
    summary = json.loads(result.output.splitlines()[-1])
    assert (summary["task"], summary["model"]) == ("ngram_language_model", "grams")
    assert set(summary["metrics"]) >= {"perplexity", "nll", "nats_per_character", "bits_per_character", "memory_mb"}
    assert summary["metrics"] == json.loads(invoke("evaluate", folder / "run", "--json").output)["metrics"]


def test_export_is_refused(folder, invoke):
    result = invoke("export", folder / "run", "--to", folder / "saved")
    assert result.code == 2
    assert "a ngram_language_model does not export; `keras-seq export` is for classifier, " in result.lines[0]
    assert not (folder / "saved").exists()


def test_predict_gives_probabilities(folder, invoke):
    result = invoke("predict", folder / "run", "a rosa", "--json")
    assert result.code == 0, result.lines
    assert set(json.loads(result.output)) == {"text", "log_prob", "perplexity", "num_tokens"}
