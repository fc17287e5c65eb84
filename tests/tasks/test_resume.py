"""A resume goes on with what the run was started with, and alone; or says why not, and touches nothing."""

import shutil

import pytest

from keras_seq.core.errors import InputError, RunError
from keras_seq.core.locks import InUseError
from keras_seq.data import find_data
from keras_seq.tasks import load, train
from keras_seq.training import Recipe, RunDirectory

SPLITS = ("train", "validation", "test")


@pytest.fixture
def killed(run, tmp_path):
    """A run that was killed after its last checkpoint."""
    path, metrics = run
    shutil.copytree(path, tmp_path / "run")
    for name in ("metrics.json", "model.keras", "manifest.json"):
        (tmp_path / "run" / name).unlink()
    return tmp_path / "run", metrics


def content(folder):
    return {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def elsewhere(recipe, folder, **changes):
    """The recipe with its files in another folder, some of them changed."""
    for split in SPLITS:
        text = find_data(getattr(recipe.data, split)).read_text("utf-8")
        (folder / f"{split}.txt").write_text(changes.get(split, lambda text: text)(text), "utf-8")
    return recipe.override(f"data.{split}={folder / split}.txt" for split in SPLITS)


def swapped(text):
    """As many lines and bytes, another meaning."""
    return text.replace("PER", "XXX").replace("LOC", "PER").replace("XXX", "LOC")


@pytest.mark.parametrize("split", SPLITS)
def test_another_content_of_equal_size_is_refused(killed, recipe, tmp_path, split):
    path, _ = killed
    changed = elsewhere(recipe, tmp_path, **{split: swapped})
    before = content(path)
    with pytest.raises(RunError, match=f"{split}.txt: data.{split} is not the data that .* was started with; resume"):
        train(changed, path, resume=True, quiet=True)
    assert content(path) == before


def test_files_that_have_moved_are_taken_and_another_version_is_told(killed, recipe, tmp_path, monkeypatch, capsys):
    path, metrics = killed
    moved = elsewhere(recipe, tmp_path)
    monkeypatch.setattr("keras_seq.__version__", "9.9")
    resumed = train(moved, path, resume=True, quiet=True)
    (line,) = [line for line in capsys.readouterr().err.splitlines() if line.startswith("keras-seq: ")]
    assert "was started with keras_seq " in line and "goes on with 9.9: the numbers may differ" in line
    assert [resumed[split] for split in SPLITS[1:]] == [metrics[split] for split in SPLITS[1:]]
    assert Recipe.load(path / "recipe.toml") == moved
    assert not [entry for entry in path.iterdir() if entry.name.startswith(".")]
    # An ended run is left alone, but not told to be one of other data.
    assert train(moved, path, resume=True, quiet=True) == resumed
    (tmp_path / "train.txt").write_text(swapped((tmp_path / "train.txt").read_text("utf-8")), "utf-8")
    with pytest.raises(RunError, match="data.train is not the data"):
        train(moved, path, resume=True, quiet=True)
    (tmp_path / "train.txt").unlink()
    assert train(moved, path, resume=True, quiet=True) == resumed


def test_a_file_more_or_less_is_refused(killed, recipe):
    path, _ = killed
    with pytest.raises(RunError, match="was started with a file for data.test, now there is none"):
        train(recipe.override(["data.test=none"]), path, resume=True, quiet=True)


def test_another_backend_is_refused(killed, recipe, monkeypatch):
    path, _ = killed
    monkeypatch.setattr("keras.backend.backend", lambda: "torch")
    with pytest.raises(RunError, match="started with the backend (tensorflow|jax), now it is torch; set KERAS_BACKEND"):
        train(recipe, path, resume=True, quiet=True)


def test_nobody_else_trains_in_a_run_and_everybody_reads_it(run, killed, recipe, tmp_path):
    path, _ = killed
    shutil.copy(run[0] / "model.keras", path)
    with RunDirectory.lock(path):
        before = content(path)
        for resume in (True, False):
            with pytest.raises(
                InUseError, match=r"run: is being trained by process \d+ on .+; wait until it has ended"
            ):
                train(recipe, path, resume=resume, quiet=True)
        assert content(path) == before
        assert load(path).task == "tagger"
    with pytest.raises(RunError, match="is not empty; go on with --resume"):
        train(recipe, path, quiet=True)


def test_a_run_that_is_refused_leaves_no_folder(recipe, tmp_path):
    for resume, changes in ((True, []), (False, ["data.train=missing.conll"]), (False, ["fit.monitor=speed"])):
        with pytest.raises(InputError):
            train(recipe.override(changes), tmp_path / "deep" / "run", resume=resume, quiet=True)
        assert list(tmp_path.iterdir()) == []
