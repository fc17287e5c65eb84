"""Every wrong input: one line that names the place and the remedy, exit code 2, and nothing is touched."""

import gzip
import shutil
import signal
import subprocess
import sys
import time

import pytest

from keras_seq.cli import errors, predict_command

FEW = "Ana B-PER\nLima I-PER\nem O\nRecife B-LOC\n"
# What is in the file, and what the line must say.
BROKEN = {
    "missing": (None, ["no such file"]),
    "empty": ("", ["empty"]),
    "blank": ("\n\n  \n", ["no sentence"]),
    "one column": (f"{FEW}\nAna\n", [":6", "one column"]),
    "malformed tag": (f"{FEW}\nAna PERSON\n", [":6", "malformed tag"]),
    "mixed schemes": (f"{FEW}\nem O\nAna I-PER\nAna B-PER\n\nAna S-PER\n", ["mixed tag schemes"]),
    "not UTF-8": (FEW.encode() + b"\nS\xe3o B-LOC\n", [":6", "UTF-8"]),
    "binary": (bytes(range(256)) * 8, [":"]),
    "cut gzip": (gzip.compress(FEW.encode() * 99, mtime=0)[:-12], ["gzip"]),
    "unseen tag": (f"{FEW}\nem O\nParis B-GPE\n", [":7", "GPE"]),
    "50,000 tokens": ("Ana B-PER\n" + "a O\n" * 50_000, [":1", "sentence of"]),
}


def content(folder):
    """Every file below a folder and what it holds."""
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def assert_one_line(result, *parts):
    assert result.code == 2, (result.code, result.lines, result.exception)
    assert len(result.lines) == 1, result.lines
    assert result.lines[0].startswith("keras-seq: ")
    for part in parts:
        assert str(part) in result.lines[0]
    # What to do comes last, after a semicolon or a question.
    assert any(mark in result.lines[0].lower() for mark in (";", "did you mean", "pass ")), result.lines


def make(path, text):
    if text is not None:
        path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return path


@pytest.mark.parametrize("name", BROKEN)
def test_broken_conll(name, trained, corpus, tmp_path, invoke):
    text, parts = BROKEN[name]
    path = make(tmp_path / "broken.conll", text)
    (tmp_path / "out.conll").write_bytes(b"old")
    before = content(tmp_path)
    run = tmp_path / "run"

    result = invoke("train", corpus / "tiny.toml", "--validation", path, "--run-dir", run, "--quiet")
    assert_one_line(result, path, *parts)
    if name != "unseen tag":  # any tag may be trained on
        result = invoke("train", corpus / "tiny.toml", "--train", path, "--run-dir", run, "--quiet")
        assert_one_line(result, path, *parts)
    assert_one_line(invoke("evaluate", trained.folder, "--data", path), path, *parts)
    if name in ("malformed tag", "mixed schemes"):  # tokens are what is read
        result = invoke("predict", trained.folder, "--input", path, "--output", tmp_path / "told.conll")
        assert result.code == 0 and parts[-1] in result.lines[0] and "copied as they are" in result.lines[0]
        assert (tmp_path / "told.conll").read_text().splitlines()[0].split("\t")[:2] == ["Ana", "B-PER"]
        (tmp_path / "told.conll").unlink()
    elif name != "unseen tag":  # a file may be tagged all the same
        result = invoke("predict", trained.folder, "--input", path, "--output", tmp_path / "out.conll")
        assert_one_line(result, path, *parts)
    assert content(tmp_path) == before and not run.exists()
    run.mkdir()
    invoke("train", corpus / "tiny.toml", "--validation", path, "--run-dir", run, "--quiet")
    assert not any(run.iterdir())


def test_folder_for_a_file(trained, tmp_path, invoke):
    (tmp_path / "a.conll").mkdir()
    (tmp_path / "in.txt").write_text("Ana\n")
    for path in (tmp_path, tmp_path / "a.conll"):
        assert_one_line(invoke("predict", trained.folder, "--input", path), path, "folder")
        assert_one_line(invoke("evaluate", trained.folder, "--data", path), path)
        assert_one_line(
            invoke("predict", trained.folder, "--input", tmp_path / "in.txt", "--output", path), path, "folder"
        )


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        (b"", ["empty"]),
        (b"Ana\nS\xe3o Paulo\n", [":2", "UTF-8"]),
        (b"Ana\n\0\0\n", [":2", "zero byte"]),
        (b"\x7fELF\x02\x01\x01\0\xff\xfe", [":1"]),
        (b"Ana\n" + b"a" * 4_100_000, [":2", "line of more than"]),
        (gzip.compress(b"Ana\n" * 999, mtime=0)[:-12], ["gzip"]),
        (None, ["no such file"]),
    ],
    ids=["empty", "not UTF-8", "zero byte", "program", "long line", "cut gzip", "missing"],
)
def test_broken_text_lines(text, parts, trained, tmp_path, invoke):
    path = make(tmp_path / "in.txt", text)
    (tmp_path / "out.txt").write_bytes(b"old")
    before = content(tmp_path)
    assert_one_line(invoke("predict", trained.folder, "--input", path, "--output", tmp_path / "out.txt"), path, *parts)
    assert content(tmp_path) == before


def test_broken_stdin(trained, invoke):
    assert_one_line(invoke("predict", trained.folder, "--input", "-", input=b""), "stdin", "empty")
    assert_one_line(invoke("predict", trained.folder, "--input", "-", input=b"\xff"), "stdin:1", "UTF-8")


@pytest.mark.parametrize("name", ["no folder/out.txt", "in.txt/out.txt"])
def test_output_that_cannot_be_written(name, trained, tmp_path, invoke):
    (tmp_path / "in.txt").write_text("Ana\n")
    before = content(tmp_path)
    result = invoke("predict", trained.folder, "--input", tmp_path / "in.txt", "--output", tmp_path / name)
    assert_one_line(result, tmp_path / name)
    assert content(tmp_path) == before


def test_what_to_predict_must_be_clear(trained, tmp_path, invoke):
    (tmp_path / "a.conll").write_text(FEW)
    assert_one_line(invoke("predict", trained.folder), "--input")
    assert_one_line(invoke("predict", trained.folder, "a text", "--input", tmp_path / "a.conll"), "--input")
    for option in (["--explain"], ["--nearest", "2"]):
        assert_one_line(invoke("predict", trained.folder, "--input", tmp_path / "a.conll", *option), *option[:1])
    output = tmp_path / "g.conll"
    result = invoke("predict", trained.folder, "--input", "-", "--output", output, input=FEW.encode())
    assert_one_line(result, output, "stdin", "--input")
    assert not output.exists()


def test_names_that_are_nearly_right(exported, invoke, monkeypatch):
    monkeypatch.setenv("KERAS_SEQ_MODELS", str(exported.folder.parent))
    for command in (["predict", "tinny", "a text"], ["evaluate", "tinny"], ["evaluate", "tinny", "--data", __file__]):
        assert_one_line(invoke(*command), "tinny", "did you mean tiny")
    assert_one_line(invoke("data", "fetch", "lener_br"), "lener_br", "lener-br")
    assert_one_line(invoke("list", "--task", "taggr"), "did you mean tagger")


@pytest.mark.parametrize(
    ("old", "new", "parts"),
    [
        ("epochs = 4", "epoch = 4", ["tiny.toml:", "`fit.epoch`", "did you mean `epochs`"]),
        ("epochs = 4", 'epochs = "4"', ["tiny.toml:", "fit.epochs", "whole number"]),
        ("epochs = 4", "epochs = 0", ["tiny.toml:", "fit.epochs"]),
        ("epochs = 4", "epochs = ", ["tiny.toml:", "TOML"]),
        ('builder = "ner_model"', 'builder = "ner_modle"', ["ner_model"]),
        ("units = [16]", "unit = [16]", ["model.arguments.unit"]),
        ("dropout = 0.1", "dropout = 1.5", ["dropout"]),
        ('task = "tagger"', 'task = "taggr"', ["task"]),
        ("dropout = 0.1", "features = true", ["model.arguments.features", "table"]),
        ("dropout = 0.1", "features = { characters = 30 }", ["model.arguments.features.characters", "table"]),
        ("dropout = 0.1", "features = { max_characters = 30 }", ["features.max_characters", "take it out"]),
        ("epochs = 4", 'epochs = 4\nmonitor = "f1"', ["fit.monitor", "entity_f1"]),
    ],
)
def test_recipe_with_a_mistake(old, new, parts, corpus, tmp_path, invoke):
    text = (corpus / "tiny.toml").read_text()
    (tmp_path / "tiny.toml").write_text(text.replace(old, new))
    assert_one_line(invoke("train", tmp_path / "tiny.toml", "--run-dir", tmp_path / "run", "--quiet"), *parts)
    assert not (tmp_path / "run").exists()


def test_recipe_that_is_none(corpus, tmp_path, invoke):
    for path in (tmp_path / "no.toml", tmp_path):
        assert_one_line(invoke("train", path), path)
    assert_one_line(invoke("train", corpus / "tiny.toml", "--set", "fit.epoch=3"), "fit.epoch")
    assert_one_line(invoke("train", corpus / "tiny.toml", "--set", "seed"), "key=value")


def test_run_of_another_task(trained, corpus, tmp_path, invoke):
    run = tmp_path / "other"
    shutil.copytree(trained.folder, run)
    recipe = (run / "recipe.toml").read_text()
    (run / "recipe.toml").write_text(recipe.replace('task = "tagger"', 'task = "translator"'))
    before = content(run)
    assert_one_line(invoke("predict", run, "a text"), run, "translator")
    assert_one_line(invoke("evaluate", run), run, "translator")
    assert_one_line(invoke("export", run, "--to", tmp_path / "model"), run, "translator")
    assert_one_line(invoke("train", corpus / "tiny.toml", "--run-dir", run, "--resume"), run, "translator")
    assert_one_line(invoke("train", corpus / "tiny.toml", "--run-dir", run), run, "not empty")
    assert content(run) == before and not (tmp_path / "model").exists()


def test_folders_that_are_no_run(tmp_path, invoke):
    (tmp_path / "notes.txt").write_text("keep me")
    for command in (["predict", tmp_path, "a text"], ["evaluate", tmp_path, "--data", __file__]):
        assert_one_line(invoke(*command), tmp_path)
    assert_one_line(invoke("export", tmp_path, "--to", tmp_path / "model"), tmp_path, "recipe.toml")
    assert content(tmp_path) == {"notes.txt": b"keep me"}


def test_target_that_is_taken(trained, exported, tmp_path, invoke):
    before = content(exported.folder)
    assert_one_line(invoke("export", trained.folder, "--to", exported.folder), exported.folder / "1", "--version 2")
    assert content(exported.folder) == before
    (tmp_path / "file").write_text("keep me")
    (tmp_path / "model" / "3").mkdir(parents=True)
    (tmp_path / "model" / "3" / "notes.txt").write_text("keep me")
    before = content(tmp_path)
    assert_one_line(invoke("export", trained.folder, "--to", tmp_path / "file"), tmp_path / "file", "is a file")
    assert_one_line(
        invoke("export", trained.folder, "--to", tmp_path / "model", "--version", 3), tmp_path / "model", "--version 4"
    )
    assert content(tmp_path) == before


def test_exported_model_is_no_run(exported, tmp_path, invoke):
    assert_one_line(invoke("export", exported.folder, "--to", tmp_path / "again"), exported.folder)


def test_no_data_known_to_evaluate_on(exported, tmp_path, invoke):
    shutil.copytree(exported.folder / "1", tmp_path / "bare" / "1")
    assert_one_line(invoke("evaluate", tmp_path / "bare"), tmp_path / "bare", "--data")


def test_unknown_options_and_commands(invoke):
    for command in (
        ["train"],
        ["predict", "--nonsense"],
        ["serve"],
        ["export", "runs/a", "--to", "b", "--format", "x"],
    ):
        result = invoke(*command)
        assert result.code == 2 and result.lines


def test_what_is_not_foreseen(trained, invoke, monkeypatch):
    def fail(path):
        raise RuntimeError("first line\nsecond line")

    monkeypatch.setattr(predict_command, "check_input", fail)
    result = invoke("predict", trained.folder, "a text")
    assert result.code == 1
    assert result.lines == [
        "keras-seq: RuntimeError: first line second line (not foreseen; run again with --debug for the traceback)"
    ]
    monkeypatch.setenv(errors.TRACEBACK_VARIABLE, "1")
    lines = invoke("predict", trained.folder, "a text").lines
    assert lines[0].startswith("Traceback") and lines[-1].startswith("keras-seq: RuntimeError")
    monkeypatch.setenv(errors.TRACEBACK_VARIABLE, "0")
    assert len(invoke("predict", trained.folder, "a text").lines) == 1


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (ValueError("`x` must be 1. Received: x=2. Pass 1."), 2),
        (ValueError("not one of our checks"), 1),
        (KeyboardInterrupt(), 130),
        (PermissionError(13, "Permission denied", "/some/file"), 2),
        (OSError(28, "No space left on device"), 2),
        (OSError(5, "Input/output error"), 2),
        (OSError(27, "File too large"), 2),
        (MemoryError(), 2),
    ],
    ids=str,
)
def test_exit_codes(error, code, invoke, monkeypatch):
    # A stand-in for a check of the package: the frame that raises must be of it.
    namespace = {"error": error}
    exec(compile("def check(path):\n    raise error\n", predict_command.__file__, "exec"), namespace)
    monkeypatch.setattr(predict_command, "check_input", namespace["check"])
    result = invoke("predict", "model", "a text")
    assert result.code == code
    assert len(result.lines) == 1 and result.lines[0].startswith("keras-seq: ")


@pytest.mark.thorough
def test_ctrl_c_in_training_leaves_a_run_to_resume(corpus, tmp_path, environment):
    command = [sys.executable, "-m", "keras_seq.cli.main", "train", str(corpus / "tiny.toml"), "--quiet"]
    options = ["--set", "fit.epochs=2000", "--run-dir", str(tmp_path / "run")]
    with subprocess.Popen([*command, *options], env=environment, stderr=subprocess.PIPE, text=True) as running:
        deadline = time.monotonic() + 120
        while not list(tmp_path.glob("run/checkpoints/*")) and time.monotonic() < deadline and running.poll() is None:
            time.sleep(0.2)
        running.send_signal(signal.SIGINT)
        lines = running.stderr.read().splitlines()
        assert running.wait(timeout=120) == 130, lines
    assert len(lines) == 1 and "--resume" in lines[0]


def test_what_a_file_holds_counts_not_its_name(trained, tmp_path, invoke):
    (tmp_path / "conll.txt").write_text(FEW)
    result = invoke("predict", trained.folder, "--input", tmp_path / "conll.txt")
    assert result.code == 0 and result.output.splitlines()[0].split("\t")[:2] == ["Ana", "B-PER"]
    (tmp_path / "a.txt").write_text("pos\tfoi bom\nneg\tfoi ruim\n" * 3)
    assert_one_line(invoke("predict", trained.folder, "--input", tmp_path / "a.txt"), "labelled", "give texts alone")
    for text, answer in (
        ('{"text": "Um", "label": [[0, 99, "PER"]]}\n', "Um"),  # labels are not looked at
        ('{"tokens": ["Ana", "mora"]}\n', "Ana\tO\t"),
        ('{"id": 7, "tokens": ["Ana", "mora"], "ner_tags": [1, 0]}\n', "Ana\t1\t"),
    ):
        (tmp_path / "a.txt").write_text(text)
        result = invoke("predict", trained.folder, "--input", tmp_path / "a.txt")
        assert result.code == 0 and answer in result.output and "label" not in result.output
    (tmp_path / "a.txt").write_text("Um texto\tcom tab\nOutro\n")
    assert invoke("predict", trained.folder, "--input", tmp_path / "a.txt").code == 0
