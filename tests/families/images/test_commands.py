"""The commands on a matcher of images: train, evaluate, predict, export."""

import json

import numpy as np
import pytest

RECIPE = """
task = "image_matcher"
name = "marks"

[data]
train = "{folder}/images.npz"
test = "{folder}/images.npz"
held_out = 0.4

[pairs]
objective = "info_nce"

[images]
height = 6
width = 6
runs = 2
rotations = false

[model]
builder = "siamese_image_model"
arguments = {{ filters = [4] }}

[batching]
batch_size = 3

[fit]
epochs = 1
"""


@pytest.fixture(scope="module")
def folder(tmp_path_factory, invoke):
    """A trained run `run/` and a model `models/marks/`."""
    folder = tmp_path_factory.mktemp("images")
    images = np.random.default_rng(0).random((15, 8, 8)).astype("float32")
    np.savez(folder / "images.npz", images=images, labels=np.repeat(np.arange(5), 3))
    np.savez(folder / "pairs.npz", a=images[:3], b=images[[0, 4, 8]])
    (folder / "marks.toml").write_text(RECIPE.format(folder=folder))
    result = invoke("train", folder / "marks.toml", "--run-dir", folder / "run", "--quiet")
    assert result.code == 0, result.lines
    result = invoke("export", folder / "run", "--to", folder / "models" / "marks")
    assert result.code == 0, result.lines
    assert "serving_default(a: float32[batch, 8, 8, 1], b: float32[batch, 8, 8, 1])" in result.output
    assert "--pairs pairs.npz" in result.output
    return folder


def test_evaluate(folder, invoke):
    found = []
    for model in ("run", "models/marks"):
        result = invoke("evaluate", folder / model, "--data", folder / "images.npz", "--json", "--quiet")
        found.append(json.loads(result.output.splitlines()[-1]))
    assert found[0]["task"] == "image_matcher" and found[0]["examples"] == 15
    assert {"recall_at_1", "mrr", "embedding_spread"} <= set(found[0]["metrics"])
    assert found[1]["metrics"] == pytest.approx(found[0]["metrics"], abs=1e-6)


def test_predict_pairs(folder, invoke):
    result = invoke("predict", folder / "models" / "marks", "--pairs", folder / "pairs.npz", "--json", "--quiet")
    rows = [json.loads(line) for line in result.output.splitlines()]
    assert [row["pair"] for row in rows] == [0, 1, 2]
    assert rows[0]["similarity"] == 1.0 and rows[0]["duplicate"]
    result = invoke("predict", folder / "run", "--pairs", folder / "pairs.npz", "--quiet")
    assert result.output.splitlines()[0] == "same\t1.0000\tpair 0"


@pytest.mark.parametrize(
    ("options", "parts"),
    [
        (["some text"], ["an image_matcher does not read texts", "a TEXT, or --input, is for classifier"]),
        (["--pairs", "{folder}/marks.toml"], ["marks.toml: no NPZ file"]),
        (["--pairs", "{folder}/images.npz"], ["no array `a`"]),
        (["--input", "{folder}/words.conll"], ["an image_matcher does not read texts", "--input is for classifier"]),
        (["--nearest", "2", "some text"], ["does not find texts; --nearest is for pair_matcher"]),
    ],
)
def test_wrong_input(folder, invoke, options, parts):
    (folder / "words.conll").write_text("a O\n")
    result = invoke("predict", folder / "run", *(option.format(folder=folder) for option in options))
    assert result.code == 2
    for part in parts:
        assert part in result.lines[-1], result.lines
