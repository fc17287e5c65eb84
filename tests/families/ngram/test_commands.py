"""The commands on the n-gram baseline, beside what those of all families do."""

import json

import pytest


@pytest.fixture(scope="module")
def folder(checked):
    return checked("ngram_language_model")


def test_evaluate(folder, invoke):
    (folder / "text.txt").write_text("a rosa azul é uma rosa\n" * 30, "utf-8")
    result = invoke("evaluate", folder / "run", "--data", folder / "text.txt", "--json")
    assert result.code == 0, result.lines
    summary = json.loads(result.output.splitlines()[-1])
    assert (summary["task"], summary["model"]) == ("ngram_language_model", "tiny")
    assert set(summary["metrics"]) >= {"perplexity", "nll", "nats_per_character", "bits_per_character", "memory_mb"}


def test_export_is_refused(folder, invoke):
    result = invoke("export", folder / "run", "--to", folder / "saved")
    assert result.code == 2
    assert "a ngram_language_model does not export; `keras-seq export` is for classifier, " in result.lines[0]
    assert not (folder / "saved").exists()


def test_predict_gives_probabilities(folder, invoke):
    result = invoke("predict", folder / "run", "a rosa", "--json")
    assert result.code == 0, result.lines
    assert set(json.loads(result.output)) == {"text", "log_prob", "perplexity", "num_tokens"}
