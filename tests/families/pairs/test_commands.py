"""The commands on a matcher: train, evaluate, predict, export."""

import json

import pytest

from keras_seq.cli.showing import highlighted, line_of

RECIPE = """
task = "pair_matcher"
name = "alike"
seed = 1

[data]
train = "{folder}/train.tsv"
test = "{folder}/train.tsv"
held_out = 0.25

[model]
builder = "siamese_model"

[model.arguments]
embedding_dim = 16
recurrent = {{ units = [] }}
dropout = 0.1

[optimizer]
learning_rate = 1e-2

[fit]
epochs = 2
"""
WORDS = ("red", "blue", "green", "small", "large", "old", "new", "warm")


@pytest.fixture(scope="module")
def folder(tmp_path_factory, invoke):
    """A trained run `run/` and a model with an index `models/alike/`."""
    folder = tmp_path_factory.mktemp("pairs")
    same = [f"1\tthe {word} house\tone {word} house" for word in WORDS]
    other = [f"0\tthe {word} house\tone {WORDS[place - 3]} tree" for place, word in enumerate(WORDS)]
    (folder / "train.tsv").write_text("\n".join([*same, *other]) + "\n")
    (folder / "index.txt").write_text("".join(f"one {word} house\n" for word in WORDS))
    (folder / "pairs.tsv").write_text("the red house\tone red house\nthe red house\tone blue tree\n")
    (folder / "pairs.csv").write_text('"test_id","question1","question2"\n1,"the red\nhouse","one ""red"" house"\n')
    (folder / "alike.toml").write_text(RECIPE.format(folder=folder))
    result = invoke("train", folder / "alike.toml", "--run-dir", folder / "run", "--quiet")
    assert result.code == 0, result.lines
    target = folder / "models" / "alike"
    result = invoke("export", folder / "run", "--to", target, "--index", folder / "index.txt")
    assert result.code == 0, result.lines
    for line in ("serving_default(a: string[batch], b: string[batch])", "index(k: int32[batch], text: string[batch])"):
        assert line in result.output, result.output
    assert f"keras-seq predict {target} --pairs pairs.tsv" in result.output
    return folder


def test_evaluate(folder, invoke):
    result = invoke("evaluate", folder / "run", "--json", "--quiet")
    summary = json.loads(result.output.splitlines()[-1])
    assert summary["task"] == "pair_matcher" and summary["examples"] == 2 * len(WORDS)
    assert {"accuracy", "f1", "roc_auc"} <= set(summary["metrics"])
    again = invoke("evaluate", folder / "models" / "alike", "--data", folder / "train.tsv", "--json", "--quiet")
    assert json.loads(again.output.splitlines()[-1])["metrics"] == pytest.approx(summary["metrics"], abs=1e-6)


def test_predict_pairs(folder, invoke):
    result = invoke("predict", folder / "models" / "alike", "--pairs", folder / "pairs.tsv", "--json", "--quiet")
    first, second = [json.loads(line) for line in result.output.splitlines()]
    assert first["a"] == second["a"] == "the red house"
    assert first["similarity"] > second["similarity"]
    target = folder / "found.tsv"
    invoke("predict", folder / "run", "--pairs", folder / "pairs.tsv", "--output", target, "--quiet")
    rows = [line.split("\t") for line in target.read_text().splitlines()]
    assert [row[2:] for row in rows] == [["the red house", "one red house"], ["the red house", "one blue tree"]]
    assert {row[0] for row in rows} <= {"same", "different"}
    quora = invoke("predict", folder / "run", "--pairs", folder / "pairs.csv", "--json", "--quiet")
    assert json.loads(quora.output.splitlines()[0])["a"] == "the red\nhouse"


def test_predict_what_is_nearest(folder, invoke):
    model = folder / "models" / "alike"
    result = invoke("predict", model, "the blue house", "--nearest", "2", "--json")
    (found,) = [json.loads(line) for line in result.output.splitlines()]
    assert len(found["nearest"]) == 2 and found["nearest"][0]["score"] >= found["nearest"][1]["score"]
    plain = invoke("predict", model, "the blue house")
    assert len(plain.output.splitlines()[0].split("\t")) == 1 + 5


def test_mistakes_are_told_in_a_line(folder, invoke, trained):
    (folder / "one.tsv").write_text("the red house\n")
    for arguments, message in (
        (("predict", folder / "run", "a", "--pairs", folder / "pairs.tsv"), "one of them"),
        (("predict", folder / "run", "--pairs", folder / "pairs.tsv", "--nearest", "2"), "leave one of them out"),
        (("predict", folder / "run", "--pairs", folder / "one.tsv"), "one.tsv:1:"),
        (("predict", folder / "run", "--pairs", folder / "none.tsv"), "no such file"),
        (("predict", folder / "run", "the red house"), "has no index of texts"),
        (("predict", folder / "models" / "alike", "--nearest", "9", "red"), "from 1 to 8, the size of its index"),
        (("predict", trained.folder, "--pairs", folder / "pairs.tsv"), "--pairs is for matchers"),
        (("export", trained.folder, "--to", folder / "x", "--index", folder / "index.txt"), "--index is for matchers"),
    ):
        result = invoke(*arguments)
        assert result.code == 2 and message in result.lines[-1], (arguments, result.lines)


def test_what_is_shown():
    pair = {"a": "one\ttwo", "b": "three", "similarity": 0.5, "duplicate": True}
    assert line_of(pair) == "same\t0.5000\tone two\tthree"
    assert highlighted(pair).plain == " same  0.5000  one\ttwo | three"
    found = {"text": "one", "nearest": [{"text": "two", "score": 0.25}]}
    assert line_of(found) == "one\t0.2500 two"
    assert highlighted(found).plain == "one\n  0.2500 two"
