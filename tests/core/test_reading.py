import os
import subprocess
import sys

import numpy as np
import pytest

from keras_seq.core import processes
from keras_seq.core.errors import DataError, InputError
from keras_seq.core.notices import visible
from keras_seq.core.processes import check_process
from keras_seq.core.reading import array_names, expanded, parse_json, parse_toml, read_arrays, read_bytes


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("a = " + "[" * 100_000, "nested more than 32 deep"),
        ("a = " + "{a = " * 10_000, "nested more than 32 deep"),
        ("a." * 20_000 + "b = 1", "nested more than 32 deep"),
        ('"a" . ' * 20_000 + "b = 1", "nested more than 32 deep"),
        ("a = {" + "b." * 20_000 + "c = 1}", "nested more than 32 deep"),
        ("\n".join(f"[{'a.' * depth}b]" for depth in range(1, 200)), "nested more than 32 deep"),
        ("a = " + "9" * 5_000, "an integer of thousands of digits"),
        ("a = 0x" + "f" * 50_000, "an integer of more than 64 bits"),
        ("a = 99999999999999999999", "an integer of more than 64 bits"),
        ("#" * 300_000, "more than 250,000 characters"),
    ],
    ids=lambda text: text[:12],
)
def test_toml_that_no_recipe_is(text, message):
    with pytest.raises(ValueError, match=message):
        parse_toml(text)


def test_toml_that_a_recipe_may_be():
    numbers = ", ".join("0.1" for _ in range(1_000))
    text = f'description = "{"a. " * 100}"\nnumbers = [{numbers}]\n[a.b.c]\nd.e = 9223372036854775807'
    assert parse_toml(text)["a"]["b"]["c"]["d"]["e"] == 2**63 - 1


@pytest.mark.parametrize("text", ["[" * 200_000, '{"a":' * 40 + "1" + "}" * 40, '{"a": ' + "9" * 5_000 + "}", "1" * 30])
def test_json_of_extremes(text):
    with pytest.raises(ValueError, match="32 deep|an integer of"):
        parse_json(text)


def test_what_is_no_ordinary_file_is_not_read_without_end(tmp_path):
    for path, message in ((tmp_path, "is a folder"), (tmp_path / "none", "No such file"), ("a\0b", "null")):
        with pytest.raises(DataError, match=message):
            read_bytes(path, "name a file")
    if os.name != "nt":
        os.mkfifo(tmp_path / "fifo")
        for path in ("/dev/zero", tmp_path / "fifo"):
            with pytest.raises(DataError, match="is no ordinary file; name a file|is no ordinary file"):
                read_bytes(path, "name a file")
            with pytest.raises(ValueError, match="is no ordinary file"):
                read_arrays(path)
        with pytest.raises(DataError, match="has more than 9 bytes; name a file"):
            read_bytes("/dev/zero", "name a file", most=9)


def test_arrays_are_arrays(tmp_path):
    import zipfile

    path = tmp_path / "a.npz"
    np.savez(path, a=np.ones(2), b=np.zeros(1))
    assert array_names(path) == ["a", "b"]
    with zipfile.ZipFile(path, "a") as archive:
        archive.writestr("c", b"no array")
    with pytest.raises(ValueError, match="c is no array"):
        read_arrays(path)


def test_nobody_has_a_home():
    with pytest.raises(InputError, match="~nobody-of-this-name/a: no such home folder"):
        expanded("~nobody-of-this-name/a")


def test_control_characters_are_shown():
    assert visible("a\x00\x1b[2J\x7f\x9b\r\tä\n") == "a\\x00\\x1b[2J\\x7f\\x9b\\r\tä\n"


def test_a_fork_after_a_model_has_run_is_told(monkeypatch):
    monkeypatch.setattr(processes, "_running_in", [])
    check_process()
    check_process()
    monkeypatch.setattr(processes, "_running_in", [os.getpid() + 1])
    with pytest.raises(InputError, match="was forked from .* threads do not survive a fork; load models in the new"):
        check_process()


FORKED = """
import os, sys
import tensorflow as tf
from keras_seq.core.processes import check_process
check_process()
module = tf.Module()
module.table = tf.lookup.StaticHashTable(tf.lookup.KeyValueTensorInitializer([1], [2]), 0)
module.call = tf.function(lambda: module.table.lookup(tf.constant([1])), input_signature=[])
tf.saved_model.save(module, sys.argv[1])
loaded = tf.saved_model.load(sys.argv[1])
loaded.call()
if os.fork() == 0:
    sys.exit(3)
sys.exit(os.waitstatus_to_exitcode(os.wait()[1]))
"""


@pytest.mark.thorough
@pytest.mark.skipif(not hasattr(os, "fork"), reason="a fork of POSIX")
def test_a_forked_process_comes_to_its_end(tmp_path):
    """The tables of a SavedModel are freed by functions of its graph."""
    assert subprocess.run([sys.executable, "-c", FORKED, tmp_path / "saved"], timeout=60).returncode == 3
