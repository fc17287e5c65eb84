"""The commands on a matcher of images, beside what those of all families do."""

import json

import numpy as np
import pytest

from keras_seq.data.images import inverted


@pytest.fixture(scope="module")
def folder(checked):
    return checked("image_matcher")


def test_predict_pairs(folder, invoke):
    result = invoke("predict", folder / "models" / "tiny", "--pairs", folder / "pairs.npz", "--json", "--quiet")
    rows = [json.loads(line) for line in result.output.splitlines()]
    assert [row["pair"] for row in rows] == [0, 1, 2]
    # It is compared with itself.
    assert rows[1]["similarity"] == 1.0 and rows[1]["duplicate"]
    result = invoke("predict", folder / "run", "--pairs", folder / "pairs.npz", "--quiet")
    assert result.output.splitlines()[1] == "same\t1.0000\tpair 1"


def test_bright_and_dark_are_exchanged(folder, invoke, tmp_path):
    arrays = np.load(folder / "pairs.npz")
    np.savez_compressed(tmp_path / "white.npz", **{name: inverted(arrays[name]) for name in "ab"})
    run = folder / "models" / "tiny"
    expected = invoke("predict", run, "--pairs", folder / "pairs.npz", "--json", "--quiet").output
    exchanged = invoke("predict", run, "--pairs", tmp_path / "white.npz", "--invert", "--json", "--quiet")
    assert exchanged.output == expected
    np.savez_compressed(tmp_path / "white.npz", a=np.ones_like(arrays["a"], bool), b=np.ones_like(arrays["b"], bool))
    told = invoke("predict", run, "--pairs", tmp_path / "white.npz", "--quiet")
    assert "most is bright, where the model was trained on dark paper; --invert exchanges" in "".join(told.lines)
    assert "--invert is of images, which --pairs names" in invoke("predict", run, "a", "--invert").lines[-1]


@pytest.mark.parametrize(
    ("options", "parts"),
    [
        (["some text"], ["an image_matcher does not read texts", "a TEXT, or --input, is for classifier"]),
        (["--pairs", "{folder}/tiny.toml"], ["tiny.toml: no NPZ file"]),
        (["--pairs", "{folder}/train.npz"], ["no array `a`"]),
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
