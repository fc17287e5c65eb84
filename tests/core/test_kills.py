"""Kills at every call of the system: an export is as it was or as it is to be, and the next one leaves nothing."""

import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

pytestmark = pytest.mark.skipif(not hasattr(os, "fork"), reason="the process is forked for each kill")

# A light process, which forks one child for each moment; the child is killed there.
PROGRAM = """
import json, os, pathlib, shutil, signal, sys
from keras_seq.core import directories, files
from keras_seq.core.locks import exclusive_lock

root, way = pathlib.Path(sys.argv[1]), sys.argv[2]
if way == "renames":
    directories._exchange = lambda one, other: False
if way == "entries":
    directories._is_fixed = pathlib.Path.is_dir
target = root / "models" / "m"
CALLS = ("replace", "rename", "link", "unlink", "mkdir", "rmdir", "fsync", "open", "write", "chmod")

def fresh():
    shutil.rmtree(root / "models", ignore_errors=True)
    for name in ("1", "encoder"):
        (target / name).mkdir(parents=True)
    (target / "1" / "saved_model.pb").write_text("v1")
    (target / "encoder" / "words.txt").write_text("old")
    (target / "card.json").write_text("old")

def export(version):
    with exclusive_lock(directories.lock_path_of(target), "m"), directories.changed_directory(target) as folder:
        for name in (version, "encoder"):
            (folder / name).mkdir()
        (folder / version / "saved_model.pb").write_text("v" + version)
        (folder / "encoder" / "words.txt").write_text("new")
        with files.atomic_write(folder / "card.json", "w") as file:
            file.write("new")

def killed_at(moment, work):
    child = os.fork()
    if child == 0:
        count = 0
        def watched(real):
            def call(*arguments, **options):
                nonlocal count
                count += 1
                if count == moment:
                    os.kill(os.getpid(), signal.SIGKILL)
                return real(*arguments, **options)
            return call
        for name in CALLS:
            setattr(os, name, watched(getattr(os, name)))
        directories._exchange = watched(directories._exchange)
        work()
        os._exit(0)
    return os.WIFSIGNALED(os.waitpid(child, 0)[1])

def state():
    if not target.exists():
        return "missing"
    found = [sorted(path.name for path in target.iterdir() if path.name[0] != ".")]
    for name in ("1/saved_model.pb", "2/saved_model.pb", "encoder/words.txt", "card.json"):
        found.append((target / name).read_text() if (target / name).exists() else None)
    return found

seen, moment = [], 0
while True:
    moment += 1
    fresh()
    was_killed = killed_at(moment, lambda: export("2"))
    raw = state()
    directories.restore_directory(target)
    restored = state()
    left_by_kill = any(path.name[0] == "." for path in (*target.parent.iterdir(), *target.iterdir()))
    export("3")
    seen.append([moment, raw, restored, left_by_kill, sorted(os.listdir(target.parent)), sorted(os.listdir(target))])
    if not was_killed:
        break
print(json.dumps(seen))
"""
OLD = [["1", "card.json", "encoder"], "v1", None, "old", "old"]
NEW = [["1", "2", "card.json", "encoder"], "v1", "v2", "new", "new"]


@pytest.fixture
def memory_folder():
    """A folder in memory, where there is one: hundreds of writes are synced."""
    with tempfile.TemporaryDirectory(dir="/dev/shm" if os.access("/dev/shm", os.W_OK) else None) as folder:
        yield Path(folder)


@pytest.mark.parametrize("way", ["exchange", "renames", "entries"])
def test_an_export_that_is_killed_is_whole(memory_folder, way):
    result = subprocess.run([sys.executable, "-c", PROGRAM, memory_folder, way], capture_output=True, text=True)
    assert result.returncode == 0, result.stderr
    seen = json.loads(result.stdout)
    assert len(seen) > 30
    gaps = mixed = 0
    for moment, raw, restored, _, beside, entries in seen:
        assert restored in (OLD, NEW), (moment, restored)
        # Where the system cannot exchange folders, there is one moment without any: both stand beside it.
        gaps += raw == "missing"
        mixed += raw not in (OLD, NEW, "missing")
        assert beside == ["m"], moment
        assert set(entries) - {"2"} == {"1", "3", "card.json", "encoder"}, moment
    assert gaps == (way == "renames") and (mixed > 0) == (way == "entries")
    assert any(left for _, _, _, left, _, _ in seen)
    assert [restored for _, _, restored, _, _, _ in seen][0] == OLD
    assert [restored for _, _, restored, _, _, _ in seen][-1] == NEW
