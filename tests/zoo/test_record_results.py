"""The script that writes zoo/results.csv: its row is that of the runs, and runs that differ are refused."""

import statistics
from pathlib import Path

import pytest

from keras_seq.training import Recipe, RunDirectory

ROOT = Path(__file__).resolve().parents[2]
SCORES = {1: 0.81, 2: 0.84, 3: 0.87}


@pytest.fixture(scope="module")
def script(zoo_script):
    return zoo_script("record_results")


@pytest.fixture
def make_run(tmp_path):
    recipe = Recipe.load(ROOT / "zoo" / "quickstart.toml")

    def make(seed, *changes):
        run = RunDirectory.create(tmp_path / str(seed), recipe.override([f"seed={seed}", *changes]))
        run.write_metrics(
            {
                "test": {"entity_f1": SCORES[seed]},
                "parameters": 1234,
                "training_seconds": 10.4 * seed,
                "cpu": "2 cores",
                "date": f"2026-01-0{seed}",
            }
        )
        return run.path

    return make


def test_the_row_is_that_of_the_runs(script, make_run):
    runs = [make_run(seed) for seed in SCORES]
    row = script.row_of_runs(runs, "quick", "entity_f1", runs[1])
    assert row == {
        "model": "quick",
        "task": "tagger",
        "data": "quickstart",
        "split": "quickstart/test.conll",
        "metric": "entity_f1",
        "seeds": "1 2 3",
        "mean": f"{statistics.mean(SCORES.values()):.4f}",
        "standard_deviation": "0.0300",
        "parameters": "1234",
        # Of the run that is named for its time, not of the last.
        "training_seconds": "21",
        "cpu": "2 cores",
        "command": "keras-seq train zoo/quickstart.toml --set seed=SEED",
        "date": "2026-01-02",
    }


def test_other_files_are_in_the_command(script, make_run):
    changes = ["data.train=wikiann/pt.train.conll", "data.test=wikiann/pt.test.conll"]
    run = make_run(3, *changes)
    row = script.row_of_runs([run], "quick", "entity_f1", run)
    assert row["command"] == (
        "keras-seq train zoo/quickstart.toml --train wikiann/pt.train.conll --test wikiann/pt.test.conll "
        "--set seed=SEED"
    )
    assert (row["data"], row["split"]) == ("wikiann-pt", "wikiann/pt.test.conll")
    assert (row["mean"], row["standard_deviation"]) == ("0.8700", "")


def test_runs_that_differ_in_more_than_the_seed_are_refused(script, make_run):
    runs = [make_run(1), make_run(2, "fit.epochs=3")]
    with pytest.raises(SystemExit, match="differ in the seed or the fold alone"):
        script.row_of_runs(runs, "quick", "entity_f1", runs[0])


def test_the_columns_are_those_of_the_file(script, make_run):
    run = make_run(1)
    row = script.row_of_runs([run], "quick", "entity_f1", run)
    header = (ROOT / "zoo" / "results.csv").read_text(encoding="utf-8").splitlines()[0]
    assert header.split(",") == list(row)


def test_folds_are_one_row(script, make_run, tmp_path):
    recipe = Recipe.load(ROOT / "zoo" / "subj.toml")
    runs = []
    for fold, score in enumerate((0.9, 0.92, 0.94)):
        run = RunDirectory.create(tmp_path / str(fold), recipe.override([f"data.fold={fold}"]))
        metrics = {"parameters": 1, "training_seconds": 2.0, "cpu": "one", "date": "2026-01-01"}
        run.write_metrics({"test": {"accuracy": score}, **metrics})
        runs.append(run.path)
    row = script.row_of_runs(runs, "subj", "accuracy", runs[0])
    assert (row["data"], row["split"], row["seeds"]) == ("subj", "subj/subj.tsv, 3 folds", str(recipe.seed))
    assert (row["mean"], row["standard_deviation"]) == ("0.9200", "0.0200")
    assert row["command"] == "keras-seq train zoo/subj.toml --set seed=SEED data.fold=FOLD"
    with pytest.raises(SystemExit, match="Each seed needs one run"):
        script.row_of_runs([runs[0], runs[0]], "subj", "accuracy", runs[0])


def test_without_a_test_split_the_validation_scores_are_recorded(script, zoo_script, tmp_path):
    recipe = Recipe.load(ROOT / "zoo" / "ngram_tinyshakespeare.toml")
    run = RunDirectory.create(tmp_path / "run", recipe)
    metrics = {"parameters": 1, "training_seconds": 2.0, "cpu": "one", "date": "2026-01-01"}
    run.write_metrics({"validation": {"nats_per_character": 1.5}, **metrics})
    row = script.row_of_runs([run.path], "shakespeare", "nats_per_character", run.path)
    assert (row["data"], row["split"]) == ("tinyshakespeare", "tinyshakespeare/input.txt, last 10%")
    assert row["mean"] == "1.5000"
    refresh_readme = zoo_script("refresh_readme")
    assert refresh_readme.shown_data(row) == "tinyshakespeare, last 10%"
    assert refresh_readme.shown_data({**row, "split": "machado/test.txt"}) == "tinyshakespeare"


def test_data_sets_of_one_folder_have_their_own_names(script):
    assert script._data_name("sst/sst2.test.tsv") == "sst2"
    assert script._data_name("umsab-sentiment/pt.test.tsv") == "umsab-sentiment-pt"
    assert script._data_name("lener-br/test.conll") == "lener-br"
    assert script._data_name("wikiann/pt.test.conll") == "wikiann-pt"
