"""Tasks that the command line has never heard of: they are asked what they can do."""

import json

import pytest

import keras_seq.tasks
from keras_seq.cli.printing import print_scores
from keras_seq.tasks.capabilities import Examples
from keras_seq.tasks.results import Heading, Result, Span


class Graded(Result):
    def heading(self):
        return Heading(f"{self['grade']}", tone="number")

    def spans(self):
        return [Span(0, len(self["text"]), self["why"])] if "why" in self else []


class Grader:
    """Grades texts by their length, and files of recordings by their name."""

    task = "grader"
    name = "grades"
    unit = "answers"
    max_characters = 20

    def predict(self, texts):
        return [Graded(text=text, grade=len(text)) for text in texts]

    def explain(self, texts):
        return [Result(text=text, why="LENGTH") for text in texts]

    @staticmethod
    def reads(name):
        return name.endswith(".wav")

    def examples_of(self, path):
        return Examples(
            "recordings", iter([path]), lambda names: [Graded(text=name, grade=0) for name in names], "--\n"
        )

    def generate(self, prefix, *, count, temperature, seed):
        return [f"{prefix}{number}" for number in range(count)]

    def evaluate(self, data, on_progress=None):
        return {"pearson": 0.5, "examples": 2, "countries": {"pt": {"pearson": 0.25, "examples": 1}}}


@pytest.fixture(autouse=True)
def grader(monkeypatch):
    monkeypatch.setattr(keras_seq.tasks, "load", lambda _: Grader())


def test_predict(invoke, tmp_path):
    result = invoke("predict", "grades", "ab", "abc")
    assert (result.code, result.output) == (0, "2\tab\n3\tabc\n"), result.lines
    row = json.loads(invoke("predict", "grades", "ab", "--json", "--explain").output)
    assert row == {"text": "ab", "grade": 2, "why": "LENGTH"}
    (tmp_path / "long.txt").write_text("a" * 21)
    assert "line of more than 20 characters" in invoke("predict", "grades", "--input", tmp_path / "long.txt").lines[0]


def test_predict_files_of_its_own_form(invoke, tmp_path):
    (tmp_path / "a.wav").write_bytes(b"RIFF")
    (tmp_path / "a.conll").write_text("a O\n")
    result = invoke("predict", "grades", "--input", tmp_path / "a.wav", "--output", tmp_path / "a.txt")
    assert result.code == 0 and (tmp_path / "a.txt").read_text() == f"0\t{tmp_path / 'a.wav'}\n"
    for arguments, message in (
        (["--input", tmp_path / "a.conll"], "is a grader, which reads plain text; "),
        (["--input", "-", "--output", tmp_path / "b.wav"], "is not written from stdin"),
        (["--input", tmp_path / "a.wav", "--explain"], "--explain takes texts"),
        (["--pairs", tmp_path / "a.wav"], "a grader does not compare pairs"),
    ):
        result = invoke("predict", "grades", *arguments)
        assert result.code == 2 and message in result.lines[0], result.lines


def test_generate(invoke):
    result = invoke("generate", "grades", "--prefix", "a", "--count", "2")
    assert (result.code, result.output) == (0, "a0\na1\n"), result.lines
    result = invoke("generate", "grades", "--stop", "b")
    assert result.code == 2 and "of the task grader has no --stop; leave it out" in result.lines[0]


def test_evaluate_and_groups_of_scores(invoke, capsys):
    result = invoke("evaluate", "grades", "--data", __file__)
    assert result.code == 0, result.lines
    assert "country" in result.output and "0.2500" in result.output and "2 answers" in result.output
    print_scores("", {"accuracy": 0.5, "classes": {f"c{number}": {"f1": number / 100} for number in range(40)}})
    shown = capsys.readouterr().out
    assert "class (the 30 of lowest f1)" in shown and "c29" in shown and "c30" not in shown
