"""`task.json` tells of which family a SavedModel is; what is wrong with it is one line."""

import json
import shutil
import subprocess
import sys
from importlib.metadata import EntryPoint

import numpy as np
import pytest
import tensorflow as tf

import keras_seq
from keras_seq.core.errors import DataError, InputError
from keras_seq.core.plugins import FAMILIES
from keras_seq.export import Served, TaskFile, list_versions, write_saved_model
from keras_seq.families.images.served import ImageMatchingFunctions, ImageSettings
from keras_seq.zoo import siamese_image_model

SETTINGS = ImageSettings(9, 8, threshold=0.2)
IMAGES = np.random.default_rng(0).random((3, 9, 8)).astype("float32")


@pytest.fixture(scope="module")
def exported(tmp_path_factory):
    served = ImageMatchingFunctions(siamese_image_model((6, 5), filters=(4, 6), projection_units=3), SETTINGS)
    return write_saved_model(tmp_path_factory.mktemp("exported") / "m", served, family="image_matcher")


@pytest.fixture
def version(exported, tmp_path):
    """A copy of the version without its manifest: what is written into its files is what they say."""
    shutil.copytree(exported, tmp_path / "m" / "1")
    shutil.rmtree(tmp_path / "m" / "1" / "assets.extra")
    return tmp_path / "m" / "1"


def rewrite(version, **changes):
    path = version / "assets" / "task.json"
    path.write_text(json.dumps({**json.loads(path.read_text("utf-8")), **changes}))


def refused(version, error=InputError):
    with pytest.raises(error) as caught:
        keras_seq.load(version)
    assert "\n" not in str(caught.value) and len(str(caught.value)) < 500
    return str(caught.value)


def test_what_it_holds(exported):
    path = exported / "assets" / "task.json"
    assert json.loads(path.read_text("utf-8")) == {
        "format": 1,
        "family": "image_matcher",
        "keras_seq": keras_seq.__version__,
        "settings": SETTINGS.to_dict(),
    }
    file = TaskFile.read(path)
    assert (file.family, file.settings, file.keras_seq) == ("image_matcher", SETTINGS.to_dict(), keras_seq.__version__)
    manifest = json.loads((exported / "assets.extra" / "manifest.json").read_text("utf-8"))
    assert "assets/task.json" in manifest["version"]
    # The last file: where it stands, nothing else is missing.
    assert path.stat().st_mtime_ns == max(file.stat().st_mtime_ns for file in exported.rglob("*") if file.is_file())


def test_what_a_later_version_adds_is_passed_over(version):
    expected = keras_seq.load(version).embed(IMAGES)
    rewrite(version, keras_seq="7.0.0", licence="CC0", settings={**SETTINGS.to_dict(), "colours": 3})
    matcher = keras_seq.load(version)
    assert matcher.settings == SETTINGS
    np.testing.assert_array_equal(matcher.embed(IMAGES), expected)


def test_a_newer_format(version):
    rewrite(version, format=2, family={"name": "in a new form"})
    path = version / "assets" / "task.json"
    assert refused(version) == (f"{path}: made by a newer keras_seq (format 2); this version reads up to 1: upgrade")


@pytest.mark.parametrize(
    ("key", "value"),
    [(key, value) for key in ("format", "family", "keras_seq", "settings") for value in (None, True, -1, 0.5, [], [[]])]
    + [("format", 0), ("format", "1"), ("format", {}), ("family", {}), ("settings", "x"), ("settings", 10**15)],
)
def test_values_of_a_wrong_type(version, key, value):
    rewrite(version, **{key: value})
    assert f"task.json: damaged (its `{key}` is no " in refused(version, DataError)


@pytest.mark.parametrize("key", ["format", "family", "keras_seq", "settings"])
def test_missing_keys(version, key):
    path = version / "assets" / "task.json"
    path.write_text(json.dumps({name: value for name, value in json.loads(path.read_text()).items() if name != key}))
    assert f"task.json: damaged (its `{key}` is no " in refused(version, DataError)


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b"[" * 100_000, b"\xff", b'{"format": 1', b"null"])
def test_damaged(version, content):
    (version / "assets" / "task.json").write_bytes(content)
    assert "task.json" in refused(version, DataError)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"height": 0}, "`height` must be"),
        ({"height": "9"}, "`height` must be"),
        ({"invert": 1}, "`invert` must be a boolean"),
        ({"threshold": None}, "`threshold` must be a number"),
        ({"threshold": [0.5]}, "`threshold` must be a number"),
        ({"view_shift": 10**15}, "`view_shift` must be at most"),
    ],
)
def test_settings_of_a_wrong_type(version, changes, message):
    rewrite(version, settings={**SETTINGS.to_dict(), **changes})
    assert f"task.json: damaged ({message}" in refused(version, DataError)


def test_another_family(version):
    rewrite(version, family="tagger")
    assert "task.json: damaged (lacks `tags`)" in refused(version, DataError)
    rewrite(version, family="image_matchr")
    assert "did you mean image_matcher" in refused(version)
    rewrite(version, family="ngram_language_model")
    assert "task.json: task 'ngram_language_model' serves no functions" in refused(version)


def test_a_changed_file_is_told_by_the_manifest(exported, tmp_path):
    shutil.copytree(exported, tmp_path / "m" / "1")
    rewrite(tmp_path / "m" / "1", settings={**SETTINGS.to_dict(), "threshold": 0.3})
    assert "task.json: is not the file that was written with the model" in refused(tmp_path / "m", DataError)


def test_a_copy_without_it_is_not_whole(exported, tmp_path):
    shutil.copytree(exported, tmp_path / "m" / "1")
    (tmp_path / "m" / "1" / "assets" / "task.json").unlink()
    assert "m/1: lacks assets/task.json, so it is not whole" in refused(tmp_path / "m")
    shutil.rmtree(tmp_path / "m" / "1" / "assets.extra")
    assert "m/1: is not the SavedModel of a known task" in refused(tmp_path / "m")


def test_a_broken_package_of_another_family_stops_nothing(version, monkeypatch):
    own = FAMILIES._places()
    broken = EntryPoint("broken", "no_such_module:FAMILY", FAMILIES.group)
    monkeypatch.setattr(FAMILIES, "_places", lambda: {"broken": {broken.value: broken}, **own})
    assert keras_seq.load(version).task == "image_matcher"
    # The form of version 0.1.0, which is told by its files.
    (version / "assets" / "task.json").unlink()
    (version / "assets" / "images.json").write_text(json.dumps(SETTINGS.to_dict()))
    assert keras_seq.load(version).settings == SETTINGS


KILLED = """
import os, sys
import tensorflow as tf
from keras_seq.export import Served, TaskFile, write_saved_model
served = Served()
served.declare("serving_default", lambda x: {"y": x}, tf.TensorSpec([None], tf.string, name="x"))
TaskFile.write = lambda file, path: os._exit(9)
write_saved_model(sys.argv[1], served, family="image_matcher", beside={"card.json": lambda path: path.write_text("{}")})
"""


@pytest.mark.thorough
def test_a_kill_before_it_leaves_no_version(tmp_path):
    target = tmp_path / "m"
    result = subprocess.run([sys.executable, "-c", KILLED, str(target)], capture_output=True, timeout=300)
    assert result.returncode == 9, result.stderr
    assert list_versions(target) == []
    refused(target)
    served = Served()
    served.declare("serving_default", lambda x: {"y": x}, tf.TensorSpec([None], tf.string, name="x"))
    write_saved_model(target, served, family="image_matcher")
    assert list_versions(target) == [1]
    # What the kill has left is gone.
    assert sorted(entry.name for entry in target.iterdir()) == ["1"]
