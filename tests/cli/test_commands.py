"""What each command does when all is well."""

import ast
import contextlib
import dataclasses
import gzip
import io
import json
import os
import pty
import subprocess
import sys
from pathlib import Path

import pytest
from rich.console import Console

from keras_seq import cli
from keras_seq.cli import predict_command
from keras_seq.cli.printing import output, progress
from keras_seq.cli.showing import highlighted
from keras_seq.cli.train_command import compared_with_expected
from keras_seq.families.tagging.results import TaggedText
from keras_seq.tasks import families
from keras_seq.zoo import ModelCard, list_builders

TEXT = "Ana Souza mora em Recife."
METRICS = {"entity_f1", "entity_precision", "entity_recall", "token_accuracy"}


def test_train_leaves_a_run_and_says_so(trained):
    names = {path.name for path in trained.folder.iterdir()}
    assert names >= {"recipe.toml", "metrics.json", "model.keras", "checkpoints", "tensorboard"}
    assert not trained.lines
    assert str(trained.folder) in trained.output
    assert "entity_f1" in trained.output and "PER" in trained.output
    assert "Expected test entity_f1 0.5000: reached" in trained.output


def test_train_takes_files_and_values(corpus, tmp_path, invoke, monkeypatch):
    monkeypatch.chdir(tmp_path)
    odd = tmp_path / 'my "own" file.conll'
    odd.write_bytes((corpus / "train.conll").read_bytes())
    options = ["--train", odd.name, "--validation", corpus / "dev.conll", "--set", "seed=5", "fit.epochs=1", "--quiet"]
    result = invoke("train", corpus / "tiny.toml", *options)
    assert result.code == 0, result.lines
    # The recipe's expectation is about its own data.
    assert "Expected" not in result.output
    recipe = (tmp_path / "runs" / "tiny" / "recipe.toml").read_text()
    assert "seed = 5" in recipe and "epochs = 1" in recipe and odd.name in recipe.replace("\\", "").replace("'", "")

    again = invoke("train", corpus / "tiny.toml", *options, "--resume")
    assert again.code == 0, again.lines
    assert "entity_f1" in again.output


def test_expected_scores_are_compared():
    metrics = {"validation": {"entity_f1": 0.75}, "test": {"entity_f1": 0.5, "types": {}}}
    assert compared_with_expected({"entity_f1": 0.625, "validation.entity_f1": 0.75}, metrics) == [
        "Expected test entity_f1 0.6250: missed by 0.1250 (0.5000)",
        "Expected validation entity_f1 0.7500: reached (0.7500)",
    ]
    assert compared_with_expected({"entity_f1": 0.75}, {"validation": {"entity_f1": 0.75}})
    assert compared_with_expected({"other": 0.75}, metrics) == []
    close = {"test": {"accuracy": 0.73666}}
    assert compared_with_expected({"accuracy": 0.7367}, close) == ["Expected test accuracy 0.7367: reached (0.7367)"]
    assert compared_with_expected({"perplexity": 100.0}, {"test": {"perplexity": 101.5}}, ("perplexity",)) == [
        "Expected test perplexity 100.0000: missed by 1.5000 (101.5000)"
    ]


def test_evaluate(trained, exported, corpus, invoke):
    shown = invoke("evaluate", trained.folder)
    assert shown.code == 0, shown.lines
    assert set(shown.output.split()) >= METRICS and "LOC" in shown.output

    answers = [
        invoke("evaluate", model, *options, "--json")
        for model, options in ((trained.folder, []), (exported.folder / "1", ["--data", corpus / "test.conll"]))
    ]
    assert [line.split(": ")[2][:5] for answer in answers for line in answer.lines] == ["CoNLL", "CoNLL"]
    of_run, of_export = (json.loads(answer.output.splitlines()[-1]) for answer in answers)
    assert set(of_run) == {"task", "model", "data", "examples", "metrics"}
    assert set(of_run["metrics"]) == METRICS
    assert (of_run["task"], of_run["model"], of_run["examples"]) == ("tagger", "tiny", 16)
    assert of_export["metrics"] == of_run["metrics"]


def test_evaluate_finds_a_model_by_name_and_its_test_file(exported, invoke, monkeypatch):
    monkeypatch.setenv("KERAS_SEQ_MODELS", str(exported.folder.parent))
    result = invoke("evaluate", "tiny", "--json")
    assert json.loads(result.output)["examples"] == 16, result.lines


def test_predict_json(trained, exported, invoke):
    texts = [TEXT, "", "  ", "😀 Eva Lima viaja em Lisboa ."]
    for model in (trained.folder, exported.folder):
        result = invoke("predict", model, *texts, "--json")
        assert result.code == 0 and not result.lines, result.lines
        rows = [json.loads(line) for line in result.output.splitlines()]
        assert [row["text"] for row in rows] == texts
        assert [entity["type"] for entity in rows[0]["entities"]] == ["PER", "LOC"]
        for row in rows:
            for entity in row["entities"]:
                assert list(entity) == ["start", "end", "type", "text", "score"]
                assert row["text"][entity["start"] : entity["end"]] == entity["text"]
                assert 0 < entity["score"] <= 1


def test_predict_lines_of_files_and_of_stdin(trained, tmp_path, invoke, monkeypatch):
    monkeypatch.setattr(predict_command, "CHUNK", 2)
    lines = [f"\ufeff{TEXT}", "", TEXT, "nada", TEXT]
    raw = "\r\n".join(lines).encode()
    (tmp_path / "texts.txt").write_bytes(raw)
    (tmp_path / "texts.txt.gz").write_bytes(gzip.compress(raw))
    from_stdin = invoke("predict", trained.folder, "--input", "-", input=raw)
    assert from_stdin.code == 0, from_stdin.lines
    marked = "[Ana Souza](PER) mora em [Recife](LOC)."
    assert from_stdin.output.splitlines() == [marked, "", marked, "nada", marked]
    for name in ("texts.txt", "texts.txt.gz"):
        assert invoke("predict", trained.folder, "--input", tmp_path / name).output == from_stdin.output

    for name, read in (("found.jsonl", open), ("found.jsonl.gz", gzip.open)):
        (tmp_path / name).write_bytes(b"old")
        result = invoke(
            "predict", trained.folder, "--input", tmp_path / "texts.txt", "--output", tmp_path / name, "--json"
        )
        assert (result.code, result.output, result.lines) == (0, "", [])
        with read(tmp_path / name, "rt", encoding="utf-8") as file:
            assert [len(json.loads(line)["entities"]) for line in file] == [2, 0, 2, 0, 2]


@pytest.mark.parametrize("scheme", ["BIO", "BIOES"])
def test_predict_conll(trained, corpus, tmp_path, invoke, monkeypatch, scheme):
    monkeypatch.setattr(predict_command, "CHUNK", 5)
    source = (corpus / "test.conll").read_text()
    if scheme == "BIOES":
        source = source.replace("I-PER", "E-PER").replace("B-LOC", "S-LOC")
    (tmp_path / "in.conll").write_text(f"# a comment\n{source}")
    result = invoke("predict", trained.folder, "--input", tmp_path / "in.conll", "--output", tmp_path / "out.conll")
    assert (result.code, result.output, result.lines) == (0, "", [])
    rows = [line.split("\t") for line in (tmp_path / "out.conll").read_text().splitlines()]
    # The gold tags come out in BIO, as the predicted ones, so that a scorer can compare them.
    assert [row[:2] if len(row) == 3 else [] for row in rows] == [
        line.split() for line in (corpus / "test.conll").read_text().splitlines()
    ]
    assert any(row[2:] == ["B-PER"] for row in rows)

    command = ["predict", trained.folder, "--input", tmp_path / "in.conll"]
    on_stdout = invoke(*command)
    assert on_stdout.output == (tmp_path / "out.conll").read_text()
    as_json = [json.loads(line) for line in invoke(*command, "--json").output.splitlines()]
    assert [len(one["tokens"]) for one in as_json] == [6] * 16
    assert [row for one in as_json for row in [*zip(*one.values(), strict=True)]] == [
        tuple(row) for row in rows if row[0]
    ]


def test_entities_are_coloured_on_a_terminal():
    written = io.StringIO()
    entity = {"start": 0, "end": 3, "type": "PER", "text": "Ana", "score": 0.9}
    result = TaggedText(text="Ana [x] mora.", entities=[entity])
    console = Console(file=written, force_terminal=True, color_system="truecolor")
    console.print(highlighted(result), soft_wrap=True)
    assert "\x1b[" in written.getvalue() and "[x] mora." in written.getvalue()
    assert highlighted(result).plain == " Ana PER  [x] mora."
    assert not output().is_terminal


def test_export(trained, exported, invoke):
    assert {path.name for path in exported.folder.iterdir()} == {
        "1",
        "model.keras",
        "card.json",
        "golden.npz",
        "encoder",
        "task.json",
        "README.md",
    }
    assert (exported.folder / "1" / "saved_model.pb").is_file()
    card = ModelCard.load(exported.folder / "card.json")
    metrics = json.loads((trained.folder / "metrics.json").read_text())
    assert card.metrics == {name: metrics["test"][name] for name in METRICS}
    assert (card.name, card.builder, card.parameters) == ("tiny", "ner_model", metrics["parameters"])
    for said in ("MB", "serving_default(text: string[batch])", "saved_model_cli run", str(exported.folder / "1")):
        assert said in exported.output


def test_list(exported, invoke, monkeypatch):
    monkeypatch.setenv("KERAS_SEQ_MODELS", str(exported.folder.parent))
    rows = [json.loads(line) for line in invoke("list", "--task", "tagger", "--json").output.splitlines()]
    row = next(row for row in rows if row["model"] == "tiny")
    assert row["builder"] == "ner_model" and set(row["metrics"]) == METRICS
    shown = invoke("list").output
    assert "ner_model" in shown and "tiny" in shown and "entity_f1" in shown


def test_list_shows_what_no_builder_makes(exported, invoke, monkeypatch, tmp_path):
    rows = [json.loads(line) for line in invoke("list", "--json").output.splitlines()]
    assert {family.name for family in families()} <= {row["task"] for row in rows}
    (row,) = [row for row in rows if row["task"] == "ngram_language_model"]
    assert row == {"builder": None, "task": "ngram_language_model", "summary": None, "model": None}
    card = ModelCard.load(exported.folder / "card.json")
    (tmp_path / "counts").mkdir()
    dataclasses.replace(card, name="counts", builder="").save(tmp_path / "counts" / "card.json")
    monkeypatch.setenv("KERAS_SEQ_MODELS", str(tmp_path))
    rows = [json.loads(line) for line in invoke("list", "--task", "tagger", "--json").output.splitlines()]
    (row,) = [row for row in rows if row["model"] == "counts"]
    assert row["builder"] is None and row["parameters"] == card.parameters


def test_data_list_and_fetch(tmp_path, invoke, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.delenv("KERAS_SEQ_DATA", raising=False)
    (tmp_path / "wnut17").mkdir()
    for split in ("train", "dev", "test"):
        (tmp_path / "wnut17" / f"{split}.conll").write_text("a O\n")
    shown = invoke("data", "list", "--data-dir", tmp_path)
    assert shown.code == 0 and "lener-br" in shown.output and "CC BY 4.0" in shown.output
    for folder, code in (("~nobody-of-this-name", 2), (str(tmp_path / "none"), 0)):
        for variable, command in (("KERAS_SEQ_DATA", ["data", "list"]), ("KERAS_SEQ_MODELS", ["list"])):
            with monkeypatch.context() as context:
                context.setenv(variable, folder)
                result = invoke(*command)
            told = "no such " if code or variable == "KERAS_SEQ_DATA" else ""
            assert result.code == code and told in "".join(result.lines)
    # All is there already: nothing is downloaded.
    fetched = invoke("data", "fetch", "wnut17", "--data-dir", tmp_path)
    assert fetched.code == 0, fetched.lines
    assert str(tmp_path / "wnut17") in fetched.output and "Derczynski" in fetched.output


COMMANDS = [
    [],
    ["list"],
    ["data"],
    ["data", "list"],
    ["data", "fetch"],
    ["train"],
    ["evaluate"],
    ["predict"],
    ["export"],
]


@pytest.mark.parametrize("command", COMMANDS, ids=" ".join)
def test_help_shows_how_it_is_used(command, invoke):
    result = invoke(*command, "--help")
    assert result.code == 0 and "Usage:" in result.output
    assert "Examples:" in result.output or command == ["data"]


def test_help_and_version_import_no_framework():
    code = """
import sys
from keras_seq.cli.main import main
try:
    main()
except SystemExit as end:
    assert end.code == 0, end.code
heavy = ("keras", "tensorflow", "jax", "numpy", "pydantic", "matplotlib")
print([name for name in heavy if name in sys.modules], file=sys.stderr)
"""
    for argument in ("--help", "--version"):
        result = subprocess.run([sys.executable, "-c", code, argument], capture_output=True, text=True, timeout=60)
        assert result.returncode == 0 and result.stderr.strip() == "[]", result.stderr
        assert result.stdout.strip()


def command(*arguments):
    return [sys.executable, "-m", "keras_seq.cli.main", *map(str, arguments)]


@pytest.mark.thorough
def test_the_frameworks_do_not_chatter(exported, environment):
    result = subprocess.run(
        command("predict", exported.folder, TEXT, "--json"),
        env=environment,
        capture_output=True,
        text=True,
        timeout=300,
    )
    assert result.returncode == 0
    assert result.stderr == ""
    assert json.loads(result.stdout)["text"] == TEXT


def test_what_breaks_while_frameworks_start_is_shown(tmp_path, environment):
    (tmp_path / "keras.py").write_text("import os; os.write(2, b'a line of C\\n'); raise RuntimeError('no such core')")
    result = subprocess.run(
        command("evaluate", "run"), cwd=tmp_path, env=environment, capture_output=True, text=True, timeout=60
    )
    assert result.returncode == 1
    lines = result.stderr.splitlines()
    assert lines[0] == "a line of C"
    assert lines[1].startswith("keras-seq: RuntimeError: no such core") and len(lines) == 2


@pytest.mark.thorough
def test_a_reader_that_leaves_early_is_no_error(exported, tmp_path, environment):
    (tmp_path / "many.txt").write_text(f"{TEXT}\n" * 2_000)
    arguments = command("predict", exported.folder, "--input", tmp_path / "many.txt")
    with subprocess.Popen(arguments, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as running:
        assert running.stdout.readline()
        running.stdout.close()
        assert running.stderr.read() == b""
        running.wait(timeout=120)


@pytest.mark.parametrize("quiet", [False, True])
def test_progress_is_for_terminals_and_quiet_hides_it(quiet, monkeypatch):
    leader, follower = pty.openpty()
    monkeypatch.setenv("TERM", "xterm")
    with open(follower, "w") as terminal:
        monkeypatch.setattr(sys, "stderr", terminal)
        with progress("texts", quiet=quiet) as advance:
            advance(7)
    seen = b""
    # Linux ends a terminal whose other side is closed with an error, others with nothing.
    with contextlib.suppress(OSError):
        while block := os.read(leader, 65536):
            seen += block
    os.close(leader)
    assert (b"texts" in seen) != quiet and (seen == b"") == quiet

    monkeypatch.setattr(sys, "stderr", io.StringIO())
    with progress("texts", quiet=False) as advance:
        advance(7)
    assert sys.stderr.getvalue() == ""


def test_what_a_model_does_not_do_is_said_with_those_that_do(exported, invoke):
    source = exported.folder
    for option, does_not, able in (
        (["Ana mora.", "--explain"], "explain; --explain", "classifier"),
        (["Ana mora.", "--nearest", "2"], "find texts; --nearest", "pair_matcher"),
        (["--pairs", __file__], "compare pairs; --pairs", "image_matcher, pair_matcher"),
    ):
        result = invoke("predict", source, *option)
        assert result.code == 2
        assert len(result.lines) == 1
        assert result.lines[0].startswith(f"keras-seq: {source}: a tagger does not {does_not} is for {able}")


def test_the_command_line_names_no_family():
    names = {family.name for family in families()} | set(list_builders())
    for path in Path(cli.__file__).parent.glob("*.py"):
        constants = [node.value for node in ast.walk(ast.parse(path.read_text())) if isinstance(node, ast.Constant)]
        assert not names.intersection(value for value in constants if isinstance(value, str)), path
        assert "keras_seq.families" not in path.read_text(), path
