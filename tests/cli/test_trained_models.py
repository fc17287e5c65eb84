"""The card of a run: a command that trains it again, and no folder of the user's."""

from pathlib import Path

import pytest

import keras_seq.tasks
from keras_seq.cli import trained_models
from keras_seq.cli.trained_models import card_of_run, recipe_of
from keras_seq.core.errors import InputError, RunError
from keras_seq.training import Recipe, RunDirectory

ROOT = Path(__file__).resolve().parents[2]
METRICS = {
    "test": {"entity_f1": 0.5, "examples": 3},
    "parameters": 10,
    "training_seconds": 1.5,
    "cpu": "2 cores",
    "versions": {"keras": "3.15.1"},
    "date": "2026-01-31",
}


@pytest.fixture
def quickstart():
    return Recipe.load(ROOT / "zoo" / "quickstart.toml")


@pytest.fixture
def sentiment():
    return Recipe.load(ROOT / "zoo" / "quickstart_sentiment.toml")


def card_of(recipe, folder, metrics=METRICS):
    run = RunDirectory.create(folder, recipe)
    run.write_metrics(metrics)
    return card_of_run(run, "mine")


def test_a_recipe_of_the_zoo_is_named(quickstart, tmp_path):
    recipe = quickstart.override(["seed=7", "description=another", "expected.scores={}"])
    card = card_of(recipe, tmp_path / "run")
    assert card.command == "keras-seq train zoo/quickstart.toml --set seed=7"
    assert card.data.name == "quickstart" and card.data.licence == "Apache-2.0"
    assert "train: quickstart/train.conll" in card.data.split
    assert 'train = "quickstart/train.conll"' in card.recipe
    assert card.metrics == {"entity_f1": 0.5} and card.parameters == 10


@pytest.mark.parametrize("change", ["fit.epochs=77", "data.test=none", "name=mine"])
def test_another_recipe_is_that_of_the_card(quickstart, tmp_path, change):
    card = card_of(quickstart.override([change]), tmp_path / "run")
    assert card.command == "keras-seq train recipe.toml"


def test_without_a_checkout_the_recipe_is_that_of_the_card(quickstart, tmp_path, monkeypatch):
    monkeypatch.setattr(trained_models, "ZOO", tmp_path / "none")
    assert card_of(quickstart, tmp_path / "run").command == "keras-seq train recipe.toml"


def test_the_folders_of_the_user_are_not_named(quickstart, sentiment, tmp_path):
    folder = tmp_path / "private"
    recipe = quickstart.override([f"data.train={folder}/a.conll", "data.validation=../secret/b.conll.gz"])
    recipe = recipe.override(["data.test=mine/c.conll"])
    card = card_of(recipe, tmp_path / "run")
    assert card.data.name == "a.conll" and card.data.licence == "not stated"
    assert card.data.split == "train: a.conll, validation: b.conll.gz, test: mine/c.conll"
    assert "private" not in card.to_json() and "secret" not in card.to_json()
    changes = [f"transfer.file={folder}/more.tsv", f"pretraining.files=['{folder}/a.txt', '{folder}/b.txt']"]
    other = card_of(sentiment.override([*changes, f"pretraining.vectors={folder}/glove.txt"]), tmp_path / "other")
    assert other.data.split.endswith("texts for word vectors: a.txt, b.txt, labelled texts for the prior: more.tsv")
    assert 'vectors = "glove.txt"' in other.recipe and "private" not in other.to_json()
    card.save(tmp_path / "card.json")
    known = recipe_of(str(tmp_path))
    assert known.data.train == "a.conll" and known.first_difference(recipe)[0] == "data.train"


@pytest.mark.parametrize(
    ("name", "data", "limit"),
    [
        (
            "intent_en",
            "out of scope validation: clinc150/oos_dev.tsv, out of scope test: clinc150/oos_test.tsv, texts for word "
            "vectors: banking77/train.tsv, clinc150/oos_train.tsv",
            "texts",
        ),
        ("subj", "test: its fold 0, validation: 5% of the training texts", "texts"),
        ("jsb_chorales", "test: jsb-chorales/jsb-chorales-quarter.json", "pieces of music"),
        ("tinyshakespeare", "validation: its last 10%", "texts"),
        ("similar_en", "test: stsb/en.test.tsv", "texts"),
        ("names_pt", "of its texts 90% train, 5% validate and 5% test, by their hash", "texts"),
        ("ner_pt", "test: lener-br/test.conll", "sentences"),
        ("oneshot_omniglot", "validation: 10% of the training images", "images"),
    ],
)
def test_a_card_speaks_of_what_the_model_reads(name, data, limit, tmp_path):
    card = card_of(Recipe.load(ROOT / "zoo" / f"{name}.toml"), tmp_path / "run")
    assert card.data.split.endswith(data)
    assert card.limitations[0] == f"Scores hold for {limit} like those of its data (test file); others score lower."
    assert ("| Language |" in card.render()) == (name not in ("jsb_chorales", "oneshot_omniglot"))


@pytest.mark.parametrize(
    ("validate_on", "sentence"),
    [
        ("end", "validation: what is new in the last 20% of the training texts"),
        ("random", "validation: 20% of the training texts"),
    ],
)
def test_how_pairs_are_held_out(validate_on, sentence, tmp_path):
    changes = ["data.validation=none", "data.held_out=0.2", f"pairs.validate_on={validate_on}"]
    card = card_of(Recipe.load(ROOT / "zoo" / "mqp.toml").override(changes), tmp_path / "run")
    assert card.data.split.endswith(sentence)


@pytest.mark.parametrize("key", ["test", "cpu", "date"])
def test_metrics_that_lack_something_are_one_line(quickstart, tmp_path, key):
    kept = {name: value for name, value in METRICS.items() if name != key}
    named = "validation" if key == "test" else key
    with pytest.raises(RunError, match=rf"metrics\.json: lacks {named}; train again"):
        card_of(quickstart, tmp_path / "run", kept)


@pytest.mark.parametrize("name", ["ação 😀.conll", 'my "own".conll', "back\\slash.conll"])
def test_file_names_reach_the_recipe_as_they_are(name, corpus, invoke, monkeypatch):
    seen = []

    def train(recipe, *_, **__):
        seen.append(recipe.data.train)
        raise InputError("enough; no more is tested")

    monkeypatch.setattr(keras_seq.tasks, "train", train)
    result = invoke("train", corpus / "tiny.toml", "--train", name)
    assert result.code == 2 and seen == [name]
