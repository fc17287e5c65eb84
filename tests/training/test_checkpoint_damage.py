"""Checkpoints that are damaged, killed while written, or written by two: the newest whole one has its turn."""

import gzip
import json
import math
import os
import random
import shutil
import subprocess
import sys
import tempfile
import threading
import time
import zipfile
from pathlib import Path

import numpy as np
import pytest
from tiny import outcome, train

from keras_seq.core.errors import RunError
from keras_seq.core.files import atomic_write
from keras_seq.training import Origin
from keras_seq.training.bookkeeping import Bookkeeping
from keras_seq.training.checkpoints import CheckpointStore

pytestmark = pytest.mark.usefixtures("array_family")


def arrays_of(step):
    return {"w": np.full((3, 4), step, "float32"), "b": np.arange(step, step + 5)}


def filled(folder, steps=(100, 110)):
    store = CheckpointStore(folder)
    for step in steps:
        store.save(arrays_of(step), {"step": step}, step=step)
    return store


def mutated(content, generator):
    """A file after one of the accidents that befall files."""
    content = bytearray(content)
    place = generator.randrange(len(content))
    kind = generator.randrange(8)
    if kind == 0:
        del content[place:]
    elif kind == 1:
        content[place] ^= 1 << generator.randrange(8)
    elif kind == 2:
        content[place : place + 512] = bytes(len(content[place : place + 512]))
    elif kind == 3:
        content[place:place] = generator.randbytes(generator.randrange(1, 40))
    elif kind == 4:
        del content[place : place + generator.randrange(1, 40)]
    elif kind == 5:
        content = bytearray(generator.randbytes(len(content)))
    elif kind == 6:
        content = content * 2
    else:
        other = generator.randrange(len(content))
        content[place : place + 64], content[other : other + 64] = (
            content[other : other + 64],
            content[place : place + 64],
        )
    return bytes(content)


def test_any_damage_gives_way_to_the_older_one_and_no_wrong_number_is_read(tmp_path):
    seed = time.time_ns() % 2**32
    print("seed", seed)
    generator = random.Random(seed)
    store = filled(tmp_path)
    newest = store.paths()[-1]
    original = newest.read_bytes()
    damaged = 0
    for _ in range(200):
        newest.write_bytes(mutated(original, generator))
        skipped = []
        found = store.latest(on_skipped=skipped.append)
        step = found.metadata["step"]
        damaged += step == 100
        assert [str(newest)] * (step == 100) == [message.split(": ")[0] for message in skipped]
        assert all("\n" not in message and len(message) < 400 for message in skipped)
        for name, array in arrays_of(step).items():
            np.testing.assert_array_equal(found.arrays[name], array)
            assert found.arrays[name].dtype == array.dtype
    assert damaged > 150


@pytest.mark.parametrize("entry", ["w", "metadata", "checksum"])
def test_a_missing_added_or_other_array_is_noticed(tmp_path, entry):
    store = filled(tmp_path)
    with np.load(store.paths()[-1]) as file:
        content = {name: file[name] for name in file.files}
    for change in (
        {},
        {entry: content[entry][:-1]},
        {entry: content[entry].astype("float64")},
        {entry: content[entry], "new": np.zeros(2)},
    ):
        rest = {name: array for name, array in content.items() if name != entry}
        np.savez(store.paths()[-1], **rest, **change)
        assert store.latest().metadata == {"step": 100}, change


def test_pruning_counts_whole_files_only(tmp_path):
    store = filled(tmp_path)
    for path in store.paths():
        path.write_bytes(path.read_bytes()[:40])
    for step in (1, 2, 3):
        store.save(arrays_of(step), {"step": step}, step=step)
        assert store.latest().metadata == {"step": step}
    assert [path.name for path in store.paths()] == ["step-0000000002.npz", "step-0000000003.npz"]


def test_whole_files_of_a_later_step_are_set_aside(tmp_path):
    store = filled(tmp_path)
    aside = store.paths()[-1].read_bytes()
    store.save(arrays_of(105), {"step": 105}, step=105)
    assert store.latest().metadata == {"step": 105}
    assert [path.name for path in store.paths()] == ["step-0000000100.npz", "step-0000000105.npz"]
    assert (tmp_path / "step-0000000110.npz.aside").read_bytes() == aside


def test_a_damaged_file_among_older_ones_costs_no_whole_one(tmp_path):
    store = filled(tmp_path, (1, 2))
    store.paths()[-1].write_bytes(b"PK")
    CheckpointStore(tmp_path).save(arrays_of(3), {"step": 3}, step=3)
    assert [path.name for path in store.paths()] == ["step-0000000001.npz", "step-0000000003.npz"]


@pytest.mark.skipif(os.name == "nt", reason="FIFOs and links of POSIX")
@pytest.mark.parametrize(
    "make", [os.mkdir, os.mkfifo, lambda path: os.symlink("nowhere", path)], ids=["folder", "fifo", "link"]
)
def test_what_is_no_file_is_passed_over_and_makes_way(tmp_path, make):
    store = filled(tmp_path)
    store.save_best(arrays_of(1), {"epoch": 1})
    for path in (store.path_of(110), store.best_path):
        path.unlink()
        make(path)
    skipped = []
    assert store.latest(on_skipped=skipped.append).metadata == {"step": 100}
    assert store.best(on_skipped=skipped.append).metadata == {"epoch": 1}
    assert [message.split(": ")[0] for message in skipped] == [str(store.path_of(110)), str(store.best_path)]
    for step in (105, 110):
        store.save(arrays_of(step), {"step": step}, step=step)
        store.save_best(arrays_of(step), {"epoch": step})
    assert store.latest().metadata == {"step": 110} and store.best().path == store.best_path


def test_a_file_that_memory_is_too_small_for_is_not_removed(tmp_path, monkeypatch):
    filled(tmp_path)
    store = CheckpointStore(tmp_path)

    def refuse(*arguments, **options):
        raise MemoryError("Unable to allocate 7 TiB")

    monkeypatch.setattr(np, "load", refuse)
    store.save(arrays_of(120), {"step": 120}, step=120)
    assert len(store.paths()) == 3


def test_best_weights_are_kept_twice(tmp_path):
    store = CheckpointStore(tmp_path)
    store.save_best(arrays_of(7), {"epoch": 7})
    for path in (store.best_path, store.best_copy_path):
        content = path.read_bytes()
        for damage in (b"", content[:-7], b"x" * 100):
            path.write_bytes(damage)
            np.testing.assert_array_equal(store.best().arrays["w"], arrays_of(7)["w"])
        path.write_bytes(content)
    for path in (store.best_path, store.best_copy_path):
        path.write_bytes(b"")
    skipped = []
    assert store.best(on_skipped=skipped.append) is None
    assert [message.split(": ")[1] for message in skipped] == ["is empty", "is empty"]


# One child for each moment, killed at a call of the system while the third checkpoint or the best weights are written.
KILLS = """
import json, os, pathlib, shutil, signal, sys
os.environ["KERAS_BACKEND"] = "numpy"
import numpy as np
from keras_seq.training.checkpoints import CheckpointStore

root = pathlib.Path(sys.argv[1])
CALLS = ("replace", "unlink", "fsync", "open", "chmod", "stat", "fstat")

def work():
    store = CheckpointStore(root)
    store.save({"w": np.full(2000, 3.0)}, {"step": 3}, step=3)
    store.save_best({"w": np.full(2000, 3.0)}, {"epoch": 3})

seen, moment = [], 0
while True:
    moment += 1
    shutil.rmtree(root, ignore_errors=True)
    store = CheckpointStore(root)
    for step in (1, 2):
        store.save({"w": np.full(2000, float(step))}, {"step": step}, step=step)
    store.save_best({"w": np.full(2000, 1.0)}, {"epoch": 1})
    child = os.fork()
    if child == 0:
        count = 0
        def watched(real):
            def call(*arguments, **options):
                global count
                count += 1
                if count == moment:
                    os.kill(os.getpid(), signal.SIGKILL)
                return real(*arguments, **options)
            return call
        for name in CALLS:
            setattr(os, name, watched(getattr(os, name)))
        work()
        os._exit(0)
    was_killed = os.WIFSIGNALED(os.waitpid(child, 0)[1])
    latest, best = store.latest(), store.best()
    values = [latest.metadata["step"], best.metadata["epoch"], set(latest.arrays["w"]), set(best.arrays["w"])]
    whole = len(store.paths())
    CheckpointStore(root).save({"w": np.zeros(3)}, {"step": 4}, step=4)
    names = sorted(path.name for path in root.iterdir())
    seen.append([moment, values[0], values[1], values[2] == {values[0]} and values[3] == {values[1]}, whole, names])
    if not was_killed:
        break
print(json.dumps(seen))
"""


@pytest.fixture
def memory_folder():
    """A folder in memory, where there is one: hundreds of writes are synced."""
    with tempfile.TemporaryDirectory(dir="/dev/shm" if os.access("/dev/shm", os.W_OK) else None) as folder:
        yield Path(folder)


@pytest.mark.skipif(not hasattr(os, "fork"), reason="the process is forked for each kill")
def test_a_kill_at_any_call_leaves_the_checkpoints_before_and_no_leftovers(memory_folder):
    program = [sys.executable, "-c", KILLS, memory_folder / "checkpoints"]
    result = subprocess.run(program, capture_output=True, text=True)
    assert result.returncode == 0, result.stderr
    seen = json.loads(result.stdout)
    assert len(seen) > 30
    for moment, step, epoch, values_fit, whole, names in seen:
        assert step in (2, 3) and epoch in (1, 3) and values_fit and whole >= 2, moment
        assert names == ["best-copy.npz", "best.npz", f"step-000000000{step}.npz", "step-0000000004.npz"], moment
    assert seen[0][1:3] == [2, 1] and seen[-1][1:3] == [3, 3]


def test_opening_a_store_takes_nothing_from_who_writes_in_it(tmp_path):
    store, errors, written = CheckpointStore(tmp_path), [], [0]
    end = time.monotonic() + 1

    def write():
        while time.monotonic() < end:
            written[0] += 1
            try:
                store.save({"w": np.full(100_000, written[0])}, {"step": written[0]}, step=written[0])
            except RunError as error:
                errors.append(error)

    writer = threading.Thread(target=write)
    writer.start()
    while writer.is_alive():
        CheckpointStore(tmp_path)
    assert errors == [] and written[0] > 1
    assert CheckpointStore(tmp_path).latest().metadata == {"step": written[0]}


def bookkeeping(**changes):
    values = {
        "epoch": 2,
        "batch": 5,
        "logs": {"loss": 0.5},
        "history": [{"epoch": 1, "accuracy": 0.25, "is_best": True}, {"epoch": 2, "accuracy": 0.5, "is_best": True}],
        "best_epoch": 2,
        "best_value": 0.5,
        "waited": 0,
        "stopped_early": False,
        "seconds": 1.5,
        "epoch_seconds": 0.25,
    }
    return {key: value for key, value in {**values, **changes}.items() if value is not ...}


WRONG_BOOKKEEPING = [
    bookkeeping(**{key: value})
    for key in bookkeeping()
    for value in (..., None, "2", [], -1, math.nan, 10**9, True, {"x": "y"}, 1.25)
    if (key, value) not in [("stopped_early", True), ("seconds", 10**9), ("seconds", 1.25), ("epoch_seconds", 1.25)]
    and (key, value) not in [("epoch_seconds", 10**9)]
]


@pytest.mark.parametrize("values", [*WRONG_BOOKKEEPING, bookkeeping(more=1), [], None, 7], ids=str)
def test_bookkeeping_that_cannot_be_is_refused(values):
    with pytest.raises(ValueError, match="its "):
        Bookkeeping.from_json(values, epochs=3, steps=12, monitor="accuracy")


def test_bookkeeping_survives_json():
    for values in (bookkeeping(), bookkeeping(best_epoch=0, best_value=math.nan)):
        read = Bookkeeping.from_json(json.loads(json.dumps(values)), epochs=3, steps=12, monitor="accuracy")
        assert (read.epoch, read.batch, read.best_epoch) == (2, 5, values["best_epoch"])


@pytest.fixture(scope="module")
def killed(tmp_path_factory):
    """A run with two checkpoints in its last epoch, and what it comes to."""
    folder = tmp_path_factory.mktemp("damage")
    changes = {"fit.epochs": 2}
    whole = outcome(*train(folder / "whole", **changes)[:2])
    # The steps between 20 and the end are lost, as by a kill.
    with pytest.raises(OSError, match="lost connection"):
        train(folder / "run", callbacks=[Failing(21)], **changes)
    return folder / "run", whole


class Failing:
    """Made a callback where it is used: Keras adds attributes to those it is given."""

    def __new__(cls, step):
        from keras_seq.training import TrainingCallback

        class Callback(TrainingCallback):
            def on_train_batch_end(self, batch, logs=None):
                if self.position.steps_done(batch) == step:
                    raise OSError("lost connection")

        return Callback()


def changed(path, change):
    """Write a checkpoint with its right checksum and a change that only the training can notice."""
    checkpoint = CheckpointStore(path.parent).latest()
    arrays, metadata = dict(checkpoint.arrays), json.loads(json.dumps(checkpoint.metadata))
    change(arrays, metadata)
    CheckpointStore(path.parent).save(arrays, metadata, step=int(path.stem.removeprefix("step-")))


CHANGES = {
    "no progress": lambda arrays, metadata: metadata.pop("progress"),
    "unknown key": lambda arrays, metadata: metadata.update(more=1),
    "ill-typed": lambda arrays, metadata: metadata["progress"].update(batch="4"),
    "NaN": lambda arrays, metadata: metadata["progress"].update(seconds=math.nan),
    "another place": lambda arrays, metadata: metadata["progress"].update(batch=3),
    "no origin": lambda arrays, metadata: metadata.update(origin=None),
    "lost array": lambda arrays, metadata: arrays.pop(next(iter(arrays))),
    "unknown array": lambda arrays, metadata: arrays.update(more=np.zeros(2)),
    "another shape": lambda arrays, metadata: arrays.update({next(iter(arrays)): np.zeros(2, "float32")}),
    "another dtype": lambda arrays, metadata: arrays.update({n: a.astype("float64") for n, a in arrays.items()}),
    "not finite": lambda arrays, metadata: next(iter(arrays.values())).fill(np.nan),
}


@pytest.mark.parametrize("name", CHANGES)
def test_a_checkpoint_that_does_not_fit_is_named_and_the_older_one_goes_on(tmp_path, killed, name, capsys):
    run, whole = killed
    shutil.copytree(run, tmp_path / "run")
    newest = max((tmp_path / "run" / "checkpoints").glob("step-*.npz"))
    changed(newest, CHANGES[name])
    resumed = train(tmp_path / "run", resume=True, **{"fit.epochs": 2})
    assert outcome(*resumed[:2]) == whole
    lines = [line for line in capsys.readouterr().err.splitlines() if line.startswith("keras-seq: ")]
    assert len(lines) == 1 and f"{newest}: " in lines[0] and "; going on from step-" in lines[0]


def test_a_run_whose_checkpoints_are_all_damaged_is_refused_and_left_alone(tmp_path, killed):
    run, _ = killed
    shutil.copytree(run, tmp_path / "run")
    for path in (tmp_path / "run" / "checkpoints").glob("step-*.npz"):
        path.write_bytes(path.read_bytes()[:500])
    before = {path: path.read_bytes() for path in (tmp_path / "run").rglob("*.npz")}
    with pytest.raises(
        RunError, match=r"step-\d+.npz: is no whole NPZ file .*; resume with .* or start anew in another"
    ):
        train(tmp_path / "run", resume=True, **{"fit.epochs": 2})
    assert {path: path.read_bytes() for path in (tmp_path / "run").rglob("*.npz")} == before


def test_an_origin_names_what_differs(tmp_path):
    for name, content in (("train", b"1\n2\n"), ("validation", b"2\n1\n"), ("same", b"1\n2\n")):
        (tmp_path / name).write_bytes(content)
    paths = {"data.train": tmp_path / "train", "data.validation": tmp_path / "validation"}
    started = Origin.of(paths, {"keras": "3.15"}, "tensorflow")
    assert Origin.from_json(json.loads(json.dumps(started.to_json()))) == started
    for broken in (None, [], {}, {**started.to_json(), "files": 3}, {**started.to_json(), "backend": None}):
        assert Origin.from_json(broken) is None

    def check(paths, versions=None, backend="tensorflow"):
        return started.check_same(Origin.of(paths, versions or {"keras": "3.15"}, backend), paths, tmp_path / "run")

    assert check({**paths, "data.train": tmp_path / "same"}) == []
    for others, message in (
        ({**paths, "data.train": paths["data.validation"]}, "validation: data.train is not the data that"),
        (dict(zip(paths, reversed(paths.values()), strict=True)), "validation: data.train is not the data that"),
        ({"data.train": paths["data.train"]}, "was started with a file for data.validation, now there is none"),
        ({**paths, "data.test": tmp_path / "same"}, "was started without a file for data.test, now it is"),
    ):
        with pytest.raises(RunError, match=message):
            check(others)
    with pytest.raises(RunError, match="started with the backend tensorflow, now it is jax; set KERAS_BACKEND=tensor"):
        check(paths, backend="jax")
    assert len(check(paths, {"keras": "3.16"})) == 1
    # Equal size and time of change, other content.
    with atomic_write(paths["data.train"]) as file:
        file.write(b"2\n1\n")
    with pytest.raises(RunError, match="train: data.train is not the data"):
        check(paths)


def test_archives_of_another_kind_are_told_from_whole_ones(tmp_path):
    store = filled(tmp_path)
    newest = store.paths()[-1]
    with zipfile.ZipFile(newest, "w") as archive:
        archive.writestr("metadata.npy", b"no array")
    assert store.latest().metadata == {"step": 100}
    np.save(newest.with_suffix(".npy"), np.zeros(3))
    os.replace(newest.with_suffix(".npy"), newest)
    assert store.latest().metadata == {"step": 100}


def test_packing_a_file_changes_no_origin(tmp_path):
    for name, content in (("a", b"text"), ("b.gz", gzip.compress(b"text")), ("c.gz", gzip.compress(b"text", mtime=1))):
        (tmp_path / name).write_bytes(content)
    (tmp_path / "cut.gz").write_bytes(gzip.compress(b"text")[:-4])
    origins = [Origin.of({"data.train": path}, {}, "jax") for path in sorted(tmp_path.iterdir())]
    assert origins[0] == origins[1] == origins[2] != origins[3]
