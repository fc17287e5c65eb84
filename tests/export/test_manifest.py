"""Files of an exported model that do not belong together are noticed, whoever has mixed them."""

import json
import shutil

import pytest

from keras_seq.core.errors import DataError
from keras_seq.export.manifest import check_version, is_of_version, write_version_manifest

FILES = ("saved_model.pb", "variables/variables.index", "assets/words.txt")
BESIDE = ("card.json", "golden.npz", "encoder/words.txt", "README.md")


def write(folder, names, text):
    for name in names:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(f"{text} {name}")


@pytest.fixture
def model(tmp_path):
    """A model of two versions."""
    for version in ("1", "10"):
        write(tmp_path / "m" / version, FILES, version)
        write(tmp_path / "m", BESIDE, version)
        beside = [tmp_path / "m" / name for name in ("card.json", "golden.npz", "encoder", "README.md")]
        write_version_manifest(tmp_path / "m" / version, beside)
    return tmp_path / "m"


def test_a_whole_model_passes_where_it_is_and_elsewhere(model, tmp_path):
    shutil.copytree(model, tmp_path / "copy")
    for folder in (model, tmp_path / "copy"):
        for version in ("1", "10"):
            check_version(folder / version)
    # Of an older version the files beside are not spoken of: they are those of the newest.
    assert not is_of_version(model / "card.json", model / "1")
    assert is_of_version(model / "card.json", model / "10")


@pytest.mark.parametrize("name", [f"10/{name}" for name in FILES])
def test_another_file_is_named(model, name):
    (model / name).write_text("other")
    with pytest.raises(DataError, match=f"{name}: is not the file that was written with the model .*manifest.json"):
        check_version(model / "10")
    check_version(model / "1")


@pytest.mark.parametrize("name", BESIDE[:3])
def test_another_file_beside_the_highest_version_is_told_of(model, name, capsys):
    (model / name).write_text("other")
    check_version(model / "1")
    assert capsys.readouterr().err == ""
    check_version(model / "10")
    (line,) = capsys.readouterr().err.splitlines()
    assert line == f"keras-seq: {model / name}: was not exported with version 10, which answers without it"


def test_a_version_can_be_taken_back(model, capsys):
    shutil.rmtree(model / "10")
    check_version(model / "1")
    assert "was not exported with version 1, " in capsys.readouterr().err
    assert not is_of_version(model / "card.json", model / "1")


def test_what_is_missing_or_for_people_passes(model, tmp_path):
    (model / "README.md").write_text("better words")
    (model / "golden.npz").unlink()
    check_version(model / "10")
    shutil.copytree(model / "10", tmp_path / "served" / "3")
    check_version(tmp_path / "served" / "3")
    shutil.rmtree(model / "10" / "assets.extra")
    check_version(model / "10")


@pytest.mark.parametrize(
    "content",
    [b"", b"{", b"[]", b"[" * 100_000, b'{"version": 3}', b'{"version": {"a": 1}}', b"\xff", b'{"x": {"../a": ""}}'],
)
def test_a_damaged_manifest_is_one_line(model, content):
    path = model / "10" / "assets.extra" / "manifest.json"
    path.write_bytes(content)
    with pytest.raises(DataError, match="manifest.json:?.*(damaged|not UTF-8)") as caught:
        check_version(model / "10")
    assert "\n" not in str(caught.value)


def test_a_manifest_holds_what_tools_can_check(model):
    tables = json.loads((model / "10" / "assets.extra" / "manifest.json").read_text("utf-8"))
    assert sorted(tables) == ["beside", "version"]
    assert sorted(tables["version"]) == sorted(FILES)
    assert sorted(tables["beside"]) == ["card.json", "encoder/words.txt", "golden.npz"]
