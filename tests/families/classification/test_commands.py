"""The commands on a classifier: train, evaluate, predict, export, list."""

import io
import json

import pytest
from rich.console import Console

from keras_seq.cli.showing import highlighted
from keras_seq.families.classification.results import ClassifiedText, ExplainedText
from keras_seq.zoo import ModelCard

RECIPE = """
task = "classifier"
name = "quick"
seed = 1

[data]
train = "quickstart_sentiment/train.tsv"
validation = "quickstart_sentiment/validation.tsv"
test = "quickstart_sentiment/test.tsv"
out_of_scope_test = "{folder}/outside.tsv"

[model]
builder = "sentiment_model"

[model.arguments]
embedding_dim = 16
hidden_units = [16]
dropout = 0.1

[classification]
keep_in_scope = 0.95

[optimizer]
learning_rate = 1e-2

[fit]
epochs = 3

[expected]
scores = {{ accuracy = 0.5 }}
"""


@pytest.fixture(scope="module")
def folder(tmp_path_factory, invoke):
    """A trained run `run/` and an exported model `models/quick/`."""
    folder = tmp_path_factory.mktemp("classifier")
    (folder / "outside.tsv").write_text("none\tzzz qqq\nnone\txyz\n")
    (folder / "quick.toml").write_text(RECIPE.format(folder=folder))
    result = invoke("train", folder / "quick.toml", "--run-dir", folder / "run", "--quiet")
    assert result.code == 0, result.lines
    assert "Expected test accuracy 0.5000: reached" in result.output and "neutral" in result.output
    result = invoke("export", folder / "run", "--to", folder / "models" / "quick")
    assert result.code == 0, result.lines
    for line in (
        "attention(text: string[batch])",
        "embed(text: string[batch])",
        "serving_default(text: string[batch])",
    ):
        assert line in result.output
    return folder


def test_the_exported_folder_is_whole(folder):
    model = folder / "models" / "quick"
    names = {path.name for path in model.iterdir()}
    assert names >= {"1", "model.keras", "card.json", "README.md", "golden.npz", "task.json"}
    assert {path.name for path in (model / "1" / "assets").iterdir()} >= {"labels.txt", "task.json"}
    card = ModelCard.load(model / "card.json")
    assert card.task == "classifier" and card.metrics["accuracy"] > 0.5
    assert "out of scope test: outside.tsv" in card.data.split
    assert str(folder) not in (model / "card.json").read_text()


def test_evaluate(folder, invoke):
    of_run, of_model = (
        invoke("evaluate", path, *options, "--json")
        for path, options in (
            (folder / "run", []),
            (folder / "models" / "quick", ["--data", "quickstart_sentiment/test.tsv"]),
        )
    )
    run, model = (json.loads(result.output.splitlines()[-1]) for result in (of_run, of_model))
    assert run["task"] == "classifier" and run["examples"] == model["examples"]
    assert {"accuracy", "macro_f1", "ece", "out_of_scope_recall", "in_scope_kept"} <= set(run["metrics"])
    assert run["metrics"]["accuracy"] == model["metrics"]["accuracy"]
    shown = invoke("evaluate", folder / "run")
    assert "texts" in shown.output and "positive" in shown.output and shown.code == 0


def test_predict(folder, invoke, tmp_path):
    texts = tmp_path / "texts.txt"
    texts.write_text("adorei o filme\n\n" + "muito bom " * 60_000 + "\n")
    found = invoke("predict", folder / "models" / "quick", "--input", texts, "--json", "--explain")
    assert found.code == 0, found.lines
    rows = [json.loads(line) for line in found.output.splitlines()]
    assert [set(row) for row in rows] == [{"text", "label", "score", "scores", "tokens"}] * 3
    assert [len(row["tokens"]) for row in rows] == [3, 0, 1000]
    plain = invoke("predict", folder / "run", "adorei\to filme", "--explain")
    label, score, text, tokens = plain.output.rstrip("\n").split("\t")
    assert (label, float(score), text) == (rows[0]["label"], pytest.approx(rows[0]["score"]), "adorei o filme")
    assert sorted(token.split(":")[0] for token in tokens.split()) == ["adorei", "filme", "o"]


@pytest.mark.parametrize(
    ("arguments", "parts"),
    [
        (["--input", "{folder}/words.conll"], ["is a classifier", "plain text"]),
        (["--input", "{folder}/nothing.txt"], ["no such file"]),
    ],
)
def test_what_a_classifier_cannot_read(folder, invoke, arguments, parts):
    (folder / "words.conll").write_text("a O\n")
    result = invoke("predict", folder / "models" / "quick", *[text.format(folder=folder) for text in arguments])
    assert result.code == 2 and len(result.lines) == 1
    assert all(part in result.lines[0] for part in parts)


def test_list_shows_the_trained_model(folder, invoke, monkeypatch):
    monkeypatch.setenv("KERAS_SEQ_MODELS", str(folder / "models"))
    shown = invoke("list", "--task", "classifier")
    assert "quick" in shown.output and "transformer_classifier_model" in shown.output and "accuracy" in shown.output


def test_lines_and_colours():
    result = ClassifiedText(text="a\tb", label="x", score=0.5, scores={"x": 0.5, "y": 0.5})
    assert result.line() == "x\t0.5000\ta b" and not result.spans()
    several = ClassifiedText(text="a", labels=["x", "y"], scores={"x": 0.9, "y": 0.75, "z": 0.1})
    assert several.line() == "x, y\t0.9000, 0.7500\ta"
    tokens = [
        {"token": "a", "start": 0, "end": 1, "weight": 0.9},
        {"token": "b", "start": 2, "end": 3, "weight": 0.1},
    ]
    explained = result.joined(ExplainedText(text="a\tb", tokens=tokens))
    assert explained.line() == "x\t0.5000\ta b\ta:0.90 b:0.10"
    assert ExplainedText(text="a b", tokens=tokens).line() == "a b\ta:0.90 b:0.10"
    assert json.loads(json.dumps(explained)) == explained.as_dict() and type(explained.as_dict()) is dict
    written = io.StringIO()
    Console(file=written, force_terminal=True, color_system="truecolor").print(highlighted(explained))
    assert "\x1b[" in written.getvalue()
    shown = highlighted(explained)
    assert shown.plain == " x  0.5000  a\tb"
    assert [shown.plain[span.start : span.end] for span in shown.spans if "yellow" in str(span.style)] == ["a"]
