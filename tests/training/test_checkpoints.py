import contextlib
import errno
import os
import resource
import signal

import keras
import numpy as np
import pytest

from keras_seq.core.errors import RunError
from keras_seq.training.checkpoints import (
    CheckpointStore,
    inference_state,
    restore_inference_state,
    restore_training_state,
    training_state,
)
from keras_seq.training.optimizers import Adam, averaged_weights


@pytest.fixture
def store(tmp_path):
    store = CheckpointStore(tmp_path / "checkpoints")
    for step in (3, 12):
        store.save({"a/b": np.full((2, 3), step, "float32")}, {"step": step}, step=step)
    return store


def test_the_last_two_are_kept_and_the_newest_is_read(store):
    store.save({"a/b": np.zeros((2, 3))}, {"step": 110}, step=110)
    assert [path.name for path in store.paths()] == ["step-0000000012.npz", "step-0000000110.npz"]
    assert store.latest().metadata == {"step": 110}


def test_a_fresh_store_has_nothing(tmp_path):
    store = CheckpointStore(tmp_path / "new")
    assert store.latest() is None
    assert store.best() is None


@pytest.mark.parametrize("damage", ["empty", "truncated", "flipped", "text"])
def test_a_broken_file_gives_way_to_the_one_before(store, damage):
    newest = store.paths()[-1]
    content = bytearray(newest.read_bytes())
    if damage == "empty":
        content = b""
    elif damage == "truncated":
        content = content[: len(content) // 2]
    elif damage == "flipped":
        position = content.index(np.full(2, 12, "float32").tobytes())
        content[position] ^= 0xFF
    else:
        content = b"no archive"
    newest.write_bytes(content)
    assert store.latest().metadata == {"step": 3}


def test_pickled_arrays_are_not_read(store):
    np.savez(store.directory / "step-0000000099.npz", metadata=np.array([{"step": 99}], dtype=object))
    assert store.latest().metadata == {"step": 12}


def test_leftovers_of_a_kill_are_removed(store):
    (store.directory / ".step-0000000013.npz.abcdefgh.tmp").write_bytes(b"half")
    assert [path.name for path in CheckpointStore(store.directory).directory.glob(".*")] == []


def test_a_failing_write_leaves_all_as_it_was(store, monkeypatch):
    store.save_best({"w": np.ones(2)}, {"epoch": 1})
    before = {path: path.read_bytes() for path in store.directory.iterdir()}

    def no_space(descriptor):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(os, "fsync", no_space)
    with pytest.raises(
        RunError, match="cannot be written .No space left on device.; the checkpoints before it are whole"
    ):
        store.save({"a/b": np.zeros((2, 3))}, {}, step=13)
    with pytest.raises(RunError, match="best.npz: cannot be written"):
        store.save_best({"w": np.zeros(2)}, {"epoch": 2})
    assert {path: path.read_bytes() for path in store.directory.iterdir()} == before


@contextlib.contextmanager
def files_of_at_most(size):
    """As on a full disk: the system refuses to write more than so many bytes into a file."""
    limits, handler = resource.getrlimit(resource.RLIMIT_FSIZE), signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, limits[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
        signal.signal(signal.SIGXFSZ, handler)


def test_a_full_disk_leaves_all_as_it_was(store):
    before = {path: path.read_bytes() for path in store.directory.iterdir()}
    with files_of_at_most(50_000), pytest.raises(RunError, match="step-0000000013.npz: cannot be written .File too"):
        store.save({"large": np.zeros(100_000)}, {"step": 13}, step=13)
    assert {path: path.read_bytes() for path in store.directory.iterdir()} == before
    assert store.latest().metadata == {"step": 12}


def small_model(units=3, seed=0):
    keras.utils.set_random_seed(seed)
    model = keras.Sequential([keras.Input((4,)), keras.layers.Dense(units), keras.layers.Dropout(0.5)])
    model.compile(Adam(learning_rate=0.1, ema=0.5, name="optimizer"), loss="mse", metrics=["mae"])
    x = np.random.default_rng(seed).normal(size=(8, 4)).astype("float32")
    model.fit(x, np.ones((8, units), "float32"), epochs=2, verbose=0)
    return model


def test_all_state_survives_and_another_model_is_refused(tmp_path):
    model = small_model()
    store = CheckpointStore(tmp_path)
    store.save(training_state(model), {}, step=1)
    checkpoint = store.latest()
    groups = {name.split(".")[0] for name in checkpoint.arrays}
    assert groups == {"trainable", "non_trainable", "optimizer", "metrics"}
    other = small_model(seed=1)
    restore_training_state(other, checkpoint)
    for name, array in training_state(other).items():
        np.testing.assert_array_equal(array, checkpoint.arrays[name])
    wide = small_model(units=5)
    before = training_state(wide)
    with pytest.raises(
        RunError, match=r"variable trainable.0000.sequential.dense.kernel is float32 of shape \(4, 5\) in the model"
    ):
        restore_training_state(wide, checkpoint)
    for name, array in training_state(wide).items():
        np.testing.assert_array_equal(array, before[name])


def test_the_inference_state_is_the_average(tmp_path):
    model = small_model()
    state = inference_state(model)
    with averaged_weights(model):
        averaged = [np.array(array) for array in model.get_weights()]
    trained = model.get_weights()
    assert any((first != second).any() for first, second in zip(averaged, trained, strict=True))
    store = CheckpointStore(tmp_path)
    store.save_best(state, {"epoch": 1})
    restore_inference_state(model, store.best())
    for first, second in zip(averaged, model.get_weights(), strict=True):
        np.testing.assert_array_equal(first, second)
