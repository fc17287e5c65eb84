"""Commands refuse an output that cannot be, before seconds are spent on a model."""

import os

import pytest
from typer.testing import CliRunner

from keras_seq.cli import predict_command
from keras_seq.cli.main import app


@pytest.fixture
def texts(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "texts").write_text("Ana mora em Lisboa.\n")
    os.link("texts", "hard")
    os.symlink("texts", "soft")
    os.symlink("circle", "circle")
    return tmp_path / "texts"


@pytest.mark.skipif(os.name == "nt", reason="links of POSIX")
@pytest.mark.parametrize("option", ["--input", "--pairs"])
@pytest.mark.parametrize(
    ("output", "message"),
    [
        ("texts", "texts: is the input (texts), which would be lost; name another file"),
        ("hard", "hard: is the input (texts), which would be lost; name another file"),
        ("soft", "soft: is the input (texts), which would be lost; name another file"),
        ("circle", "circle: links lead in a circle; name a file"),
        ("missing/out", "missing/out: the folder missing does not exist; create it first"),
        (".", ".: is a folder, a file is to be written; name a file in it"),
    ],
)
def test_predict(texts, option, output, message):
    result = CliRunner().invoke(app, ["predict", "no model", option, "texts", "--output", output])
    assert (result.exit_code, result.stderr) == (2, f"keras-seq: {message}\n")
    assert texts.read_text() == "Ana mora em Lisboa.\n"


def test_generate(texts):
    result = CliRunner().invoke(app, ["generate", "no model", "--output", "missing/tune.mid"])
    assert (result.exit_code, result.stderr) == (
        2,
        "keras-seq: missing/tune.mid: the folder missing does not exist; create it first\n",
    )


def test_few_long_texts_are_held_at_a_time():
    texts = ["a", "b" * 600_000, "c" * 600_000, "d", *["e"] * 600]
    held = list(predict_command._chunks(iter(texts)))
    assert [len(chunk) for chunk in held] == [3, 512, 89] and [text for chunk in held for text in chunk] == texts
