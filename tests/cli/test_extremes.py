"""Cards, recipes and values of any content: one line, and no business of the other models."""

import json
import os
import shutil
import zipfile

import pytest

ODD = {
    "nest": b"[" * 200_000,
    "objects": b'{"a":' * 100_000,
    "integer": b"1" * 10_000,
    "metrics": b'{"metrics": [1]}',
    "binary": b"\xff\xfe\0",
    "empty": b"",
}


@pytest.fixture
def cards(exported, tmp_path, monkeypatch):
    """A folder of models; gives the content of a card that is whole, and a function that writes one."""
    monkeypatch.setenv("KERAS_SEQ_MODELS", str(tmp_path))
    card = json.loads((exported.folder / "card.json").read_text(encoding="utf-8"))

    def write(name, content):
        (tmp_path / name).mkdir()
        os.symlink(exported.folder / "1", tmp_path / name / "1")
        (tmp_path / name / "card.json").write_bytes(content)

    return card, write


@pytest.mark.skipif(os.name == "nt", reason="links and FIFOs of POSIX")
def test_a_bad_card_does_not_hide_the_others(cards, tmp_path, invoke):
    card, write = cards
    write("whole", json.dumps({**card, "name": "whole", "description": "\x1b[2J"}).encode())
    for name, content in ODD.items():
        write(name, content)
    write("score", json.dumps({**card, "name": "score", "metrics": {"f1": "high"}}).encode())
    (tmp_path / "fifo").mkdir()
    os.mkfifo(tmp_path / "fifo" / "card.json")
    (tmp_path / "folder" / "card.json").mkdir(parents=True)
    for options in ([], ["--json"]):
        result = invoke("list", *options)
        assert result.code == 0 and "whole" in result.output and "\x1b" not in result.output
        assert not any(name in result.output.split() for name in ODD)
        assert all(any(f"{name}/card.json" in line for line in result.lines) for name in [*ODD, "fifo", "folder"])
    for name in ODD:
        result = invoke("evaluate", name)
        assert result.code == 2 and len(result.lines) == 1
        assert ("not UTF-8" if name == "binary" else "not a model card") in result.lines[0]


@pytest.mark.skipif(os.name == "nt", reason="links of POSIX")
def test_the_recipe_in_a_card_may_be_anything(cards, invoke):
    card, write = cards
    recipes = {"open": "[[[", "deep": "a = " + "[" * 100_000, "digits": "seed = " + "9" * 5_000, "dots": "a." * 20_000}
    for name, recipe in recipes.items():
        write(name, json.dumps({**card, "name": name, "recipe": recipe}).encode())
        result = invoke("evaluate", name)
        assert result.code == 2 and len(result.lines) == 1
        assert f"{name}: the recipe in its card is no TOML" in result.lines[0]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("a = " + "[" * 100_000, "nested more than 32 deep: no recipe is"),
        ("seed = " + "9" * 5_000, "an integer of thousands of digits: no recipe is"),
        ("[model.arguments." + "a." * 2_000 + "b]", "nested more than 32 deep: no recipe is"),
        ("#" * 300_000, "has more than 250,000 bytes"),
    ],
    ids=["nest", "digits", "dots", "size"],
)
def test_recipes_of_extremes(text, message, tmp_path, invoke):
    (tmp_path / "recipe.toml").write_text(text)
    result = invoke("train", tmp_path / "recipe.toml")
    assert result.code == 2 and message in result.lines[0] and len(result.lines) == 1


@pytest.mark.parametrize("value", ["[" * 50_000, "9" * 5_000, "0x" + "f" * 9_000, "{a." + "b." * 900 + "c = 1}"])
def test_values_of_extremes(value, corpus, invoke):
    result = invoke("train", corpus / "tiny.toml", "--set", f"model.arguments.units={value}")
    assert result.code == 2 and len(result.lines) == 1 and "give a value that a recipe may have" in result.lines[0]
    result = invoke("train", corpus / "tiny.toml", "--set", "a." * 20_000 + "b=1")
    assert result.code == 2 and len(result.lines[0]) < 300


def test_homes_of_nobody(trained, corpus, invoke, monkeypatch):
    nobody = "~nobody-of-this-name/a"
    for command in (
        ["data", "fetch", "wnut17", "--data-dir", nobody],
        ["evaluate", trained.folder, "--data", nobody],
        ["evaluate", trained.folder, "--data", "a.conll", "--data-dir", nobody],
    ):
        result = invoke(*command)
        assert result.code == 2 and f"{nobody}: no such home folder" in result.lines[0]


@pytest.mark.parametrize("part", ["config.json", "model.weights.h5"])
@pytest.mark.parametrize(
    "content", [b"[" * 200_000, b"9" * 5_000, b"null", b""], ids=["nest", "digits", "null", "empty"]
)
def test_models_of_extremes(part, content, trained, tmp_path, invoke):
    run = tmp_path / "run"
    shutil.copytree(trained.folder, run, ignore=shutil.ignore_patterns("checkpoints", "tensorboard"))
    with zipfile.ZipFile(trained.folder / "model.keras") as old, zipfile.ZipFile(run / "model.keras", "w") as new:
        for name in old.namelist():
            new.writestr(name, content if name == part else old.read(name))
    (run / "manifest.json").unlink()
    result = invoke("predict", run, "Ana")
    assert result.code == 2 and len(result.lines) == 1
    assert "model.keras: cannot be loaded (" in result.lines[0] and "; put the original back" in result.lines[0]
