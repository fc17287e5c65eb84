"""Streams that are full, closed, limited or ASCII; files that are pipes; texts that terminals would obey."""

import errno
import gzip
import io
import json
import os
import sys
import threading
from types import SimpleNamespace

import pytest

from keras_seq.cli import errors, showing
from keras_seq.cli.main import app
from keras_seq.core import reading

POSIX = pytest.mark.skipif(os.name == "nt", reason="devices, pipes and limits of POSIX")
ESCAPE = "good \x1b]0;title\x07 \x1b[2J movie \x9b31m"


@pytest.fixture
def run_on(monkeypatch, each_model_is_loaded_once):
    """Run a command whose stdout is an open file; gives the exit code and the lines of stderr."""

    def run(stdout, *arguments):
        told = io.StringIO()
        with monkeypatch.context() as patch:
            patch.setattr(sys, "stdout", stdout)
            patch.setattr(sys, "stderr", told)
            with pytest.raises(SystemExit) as ended:
                app([str(argument) for argument in arguments])
        return SimpleNamespace(code=ended.value.code or 0, lines=told.getvalue().splitlines())

    return run


def commands(model):
    return (
        ["--version"],
        ["--help"],
        ["list"],
        ["recipe", "tagger"],
        ["predict", model, "Ana mora em Lisboa."],
        ["predict", model, "Ana mora em Lisboa.", "--json"],
    )


@POSIX
def test_a_full_stdout_is_one_line(run_on, trained):
    for command in commands(trained.folder):
        with open("/dev/full", "w") as full:
            result = run_on(full, *command)
        assert (result.code, len(result.lines)) == (2, 1), (command, result)
        assert "No space left on device; make room" in result.lines[0]


def test_a_closed_stdout_is_one_line(run_on, trained, tmp_path):
    for command in commands(trained.folder):
        result = run_on(None, *command)
        assert (result.code, len(result.lines)) == (2, 1), (command, result)
        assert "stdout is closed; open it" in result.lines[0]
    # What does not write there does not need it.
    assert run_on(None, "predict", trained.folder, "Ana", "--output", tmp_path / "out").code == 0


def test_ascii_gets_escapes_that_json_reads(run_on, trained):
    text = "Olá de Recife 😀"
    for options in ([], ["--json"]):
        content = io.BytesIO()
        assert run_on(io.TextIOWrapper(content, encoding="ascii"), "predict", trained.folder, text, *options).code == 0
        line = content.getvalue().decode("ascii")
        assert r"Ol\u00e1" in line and r"\ud83d\ude00" in line
    assert json.loads(line)["text"] == text


@POSIX
def test_a_limit_of_file_sizes_is_one_line(run_on, tmp_path):
    import resource

    target = tmp_path / "mine.toml"
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (512, limits[1]))
    try:
        result = run_on(io.StringIO(), "recipe", "tagger", "--to", target)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    assert result.code == 2 and "File too large; raise the limit" in result.lines[0]
    assert not list(tmp_path.iterdir())


def test_gzip_on_stdin(trained, invoke):
    packed = gzip.compress("Ana mora em Lisboa.\nOlá\n".encode())
    assert invoke("predict", trained.folder, "--input", "-", input=packed).output.count("\n") == 2
    result = invoke("predict", trained.folder, "--input", "-", input=packed[:-9])
    assert result.code == 2 and "stdin: damaged gzip file" in result.lines[0]


@POSIX
def test_pipes_are_read_once_or_refused(trained, invoke, tmp_path, monkeypatch):
    monkeypatch.setattr(reading, "WAIT_SECONDS", 0.2)

    def substituted(content):
        """As `<(...)` of a shell."""
        end, begin = os.pipe()
        os.write(begin, content)
        os.close(begin)
        return f"/dev/fd/{end}"

    for content in (b"Ana\nRui\n", gzip.compress(b"Ana\nRui\n")):
        assert invoke("predict", trained.folder, "--input", substituted(content)).output.count("\n") == 2
    place = substituted(b"")
    assert "empty file" in invoke("predict", trained.folder, "--input", place).lines[0]

    fifo = tmp_path / "fifo"
    os.mkfifo(fifo)
    for command in (["train", fifo], ["predict", trained.folder, "--input", fifo]):
        result = invoke(*command)
        assert result.code == 2 and "a FIFO into which nobody writes" in result.lines[0]
    commands = ["evaluate", trained.folder, "--data"], ["predict", trained.folder, "--pairs"], ["data", "show"]
    for command in ([*command, fifo] for command in commands):
        result = invoke(*command)
        assert result.code == 2 and "is no ordinary file, and has to be read twice" in result.lines[0]

    writer = threading.Thread(target=fifo.write_bytes, args=(b"Ana\n" * 20_000,))
    writer.start()
    assert reading.read_bytes(fifo, "name a file", most=100_000) == b"Ana\n" * 20_000
    writer.join()


def test_nothing_is_obeyed_by_a_terminal(trained, invoke, tmp_path):
    path = tmp_path / "texts"
    path.write_text(f"{ESCAPE}\n", encoding="utf-8")
    shown = invoke("predict", trained.folder, "--input", path).output
    assert not set("\x1b\x07\x9b") & set(shown) and r"\x1b]0;" in shown
    (line,) = invoke("predict", trained.folder, "--input", path, "--json").output.splitlines()
    assert line.isprintable() and json.loads(line)["text"] == ESCAPE
    # A file gets what the text is.
    invoke("predict", trained.folder, "--input", path, "--output", tmp_path / "out")
    assert "\x1b[2J" in (tmp_path / "out").read_text(encoding="utf-8")

    result = invoke("predict", trained.folder, "--input", f"{tmp_path}/\x1b[31mnone")
    assert r"/\x1b[31mnone: no such file" in result.lines[0]

    span = SimpleNamespace(start=0, end=5, label="\x1b[2J", weight=0.0)
    heading = SimpleNamespace(label="\x1b[31m", tone="", numbers=["1"])
    found = SimpleNamespace(
        text=lambda: ESCAPE, spans=lambda: [span], heading=lambda: heading, rows=lambda: [("1", ESCAPE)]
    )
    assert "\x1b" not in showing.highlighted(found).plain


def test_debug_shows_the_causes(invoke, tmp_path):
    path = tmp_path / "recipe.toml"
    path.write_text("a = [", encoding="utf-8")
    for command in (["train", path, "--debug"], ["--debug", "train", path], ["train", "--debug", path]):
        result = invoke(*command)
        assert result.code == 2 and "TOMLDecodeError" in "\n".join(result.lines)
        assert "is not valid TOML" in result.lines[-1]
    assert len(invoke("train", path).lines) == 1
    # After `--` it is an argument like any other.
    assert "--debug: cannot be read" in invoke("train", "--", "--debug").lines[0]


def test_checks_in_the_graph_of_a_model_are_lines():
    import tensorflow as tf

    @tf.function
    def fail():
        tf.debugging.Assert(False, ["top_p must be above 0. Received: 0 in row 0"])
        return 0

    with pytest.raises(tf.errors.InvalidArgumentError) as caught:
        fail()
    line = errors._line_of_input_error(caught.value)
    assert line == "top_p must be above 0. Received: 0 in row 0; send other values"


@pytest.mark.parametrize(
    ("error", "part"),
    [
        (OSError(errno.EMFILE, "Too many open files"), "ulimit -n"),
        (OSError(errno.EIO, "Input/output error", "a.txt"), "a.txt: Input/output error; check the disk"),
        (MemoryError("Unable to allocate 75. GiB"), "Unable to allocate 75. GiB: memory is too small; free some"),
    ],
)
def test_what_the_system_refuses(error, part):
    assert part in errors._line_of_input_error(error)
