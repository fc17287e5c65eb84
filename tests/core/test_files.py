import errno
import os
import sys
from pathlib import Path

import pytest

from keras_seq.core import directories
from keras_seq.core.directories import changed_directory, restore_directories
from keras_seq.core.errors import InputError
from keras_seq.core.files import atomic_write


def test_atomic_write_replaces_the_file(tmp_path):
    path = tmp_path / "a.txt"
    path.write_text("old")
    with atomic_write(path, "w") as file:
        file.write("ação\n")
        assert path.read_text() == "old"
    assert path.read_bytes() == "ação\n".encode()
    assert os.listdir(tmp_path) == ["a.txt"]


@pytest.mark.parametrize("error", [OSError(28, "No space left on device"), KeyboardInterrupt()])
def test_failed_write_leaves_the_old_file(tmp_path, error):
    path = tmp_path / "a.bin"
    path.write_bytes(b"old")
    with pytest.raises(type(error)), atomic_write(path) as file:
        file.write(b"half")
        raise error
    assert path.read_bytes() == b"old"
    assert os.listdir(tmp_path) == ["a.bin"]


def test_disk_full_at_sync_leaves_the_old_file(tmp_path, monkeypatch):
    path = tmp_path / "a.bin"
    path.write_bytes(b"old")

    def full(_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OSError, match="No space"), atomic_write(path) as file:
        file.write(b"new")
    assert path.read_bytes() == b"old"
    assert os.listdir(tmp_path) == ["a.bin"]


def test_new_file_is_readable_as_usual_and_old_permissions_stay(tmp_path):
    path = tmp_path / "a.bin"
    mask = os.umask(0o022)
    try:
        with atomic_write(path) as file:
            file.write(b"1")
    finally:
        os.umask(mask)
    assert path.stat().st_mode & 0o777 == 0o644
    path.chmod(0o600)
    with atomic_write(path) as file:
        file.write(b"2")
    assert path.stat().st_mode & 0o777 == 0o600


def test_atomic_write_refuses_missing_folder_and_folder_and_mode(tmp_path):
    with pytest.raises(InputError, match="does not exist"), atomic_write(tmp_path / "no" / "a"):
        pass
    with pytest.raises(InputError, match="is a folder"), atomic_write(tmp_path):
        pass
    with pytest.raises(ValueError, match="`mode`"), atomic_write(tmp_path / "a", "ab"):
        pass


def test_changed_directory_appears_whole(tmp_path):
    target = tmp_path / "deep" / "model"
    with changed_directory(target) as folder:
        (folder / "a").write_text("1")
        assert not target.exists()
    assert (target / "a").read_text() == "1"
    assert os.listdir(target.parent) == ["model"]


def test_changed_directory_keeps_what_it_does_not_replace(tmp_path):
    target = tmp_path / "model"
    for folder in ("kept", "replaced"):
        (target / folder).mkdir(parents=True)
        (target / folder / "a").write_text(folder)
    (target / "link").symlink_to("kept")
    target.chmod(0o750)
    inode = (target / "kept" / "a").stat().st_ino
    with changed_directory(target) as folder:
        (folder / "replaced").mkdir()
        (folder / "replaced" / "b").write_text("new")
        (target / "late").write_text("came meanwhile")
    assert sorted(os.listdir(target)) == ["kept", "late", "link", "replaced"]
    assert os.listdir(target / "replaced") == ["b"]
    assert os.readlink(target / "link") == "kept"
    assert (target / "kept" / "a").stat().st_ino == inode
    assert target.stat().st_mode & 0o777 == 0o750
    assert os.listdir(tmp_path) == ["model"]


def test_changed_directory_refuses_a_file(tmp_path):
    (tmp_path / "a").write_text("1")
    with pytest.raises(InputError, match="is a file"), changed_directory(tmp_path / "a"):
        pass
    assert (tmp_path / "a").read_text() == "1"


def test_changed_directory_leaves_nothing_after_an_error(tmp_path):
    with pytest.raises(RuntimeError), changed_directory(tmp_path / "model") as folder:
        (folder / "a").write_text("1")
        raise RuntimeError
    assert os.listdir(tmp_path) == []


def filled(target, names, text):
    for name in names:
        (target / name).parent.mkdir(parents=True, exist_ok=True)
        (target / name).write_text(text)


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere the folder becomes another one")
def test_a_folder_stays_the_same_one_and_keeps_what_changes_meanwhile(tmp_path, monkeypatch):
    target = tmp_path / "model"
    filled(target, ("1/a", "card.json", "notes"), "old")
    monkeypatch.chdir(target)
    with changed_directory(".") as folder:
        filled(folder, ("2/a", "card.json"), "new")
        (target / "notes.new").write_text("mine")
        (target / "notes.new").replace(target / "notes")
    # What was opened before, a working directory or a mount, sees the new content.
    assert sorted(os.listdir(".")) == ["1", "2", "card.json", "notes"] == sorted(os.listdir(target))
    assert [(target / name).read_text() for name in ("1/a", "2/a", "card.json", "notes")] == [
        "old",
        "new",
        "new",
        "mine",
    ]
    assert os.listdir(tmp_path) == ["model"]


@pytest.mark.parametrize("reason", ["mount point", "lower layer"])
def test_a_folder_that_cannot_be_renamed_is_changed_where_it_is(tmp_path, monkeypatch, reason):
    target = tmp_path / "model"
    filled(target, ("1/a", "encoder/words", "notes"), "old")
    (target / "encoder" / "more").write_text("old")
    if reason == "mount point":
        monkeypatch.setattr(os.path, "ismount", lambda path: path == target)
    rename = os.rename

    def refuse(source, place):
        assert reason == "lower layer" or target in Path(place).parents
        if source == target:
            raise OSError(errno.EXDEV, "Invalid cross-device link")
        rename(source, place)

    monkeypatch.setattr(directories, "_exchange", lambda one, other: False)
    monkeypatch.setattr(os, "rename", refuse)
    with changed_directory(target) as folder:
        filled(folder, ("2/a", "encoder/words", "card.json"), "new")
    assert sorted(os.listdir(target)) == ["1", "2", "card.json", "encoder", "notes"]
    assert os.listdir(target / "encoder") == ["words"]
    assert (target / "encoder" / "words").read_text() == "new" and (target / "notes").read_text() == "old"
    assert os.listdir(tmp_path) == ["model"]


def test_another_folder_with_such_a_name_is_not_touched(tmp_path):
    others = [".model.next/a", ".model.last/a", ".model.notes.tmp", "model/.next/a"]
    filled(tmp_path, others, "mine")
    with changed_directory(tmp_path / "model") as folder:
        filled(folder, ("1/a",), "new")
    restore_directories(tmp_path)
    assert all((tmp_path / name).read_text() == "mine" for name in others)
