import importlib
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
from packaging.requirements import Requirement

from keras_seq.core.errors import InputError
from keras_seq.core.extras import EXTRAS, extra_module, line_of_missing

PROJECT = tomllib.loads((Path(__file__).parents[2] / "pyproject.toml").read_text("utf-8"))["project"]
DISTRIBUTIONS = {"PIL": "pillow"}


@pytest.mark.parametrize(("package", "extra"), EXTRAS.items())
def test_the_extra_that_a_message_names_brings_the_package(package, extra):
    brought = [Requirement(line).name for line in PROJECT["optional-dependencies"][extra]]
    assert DISTRIBUTIONS.get(package, package) in brought
    assert DISTRIBUTIONS.get(package, package) not in [Requirement(line).name for line in PROJECT["dependencies"]]


def test_the_two_extras_of_tensorflow_are_the_same_but_for_the_gpu():
    lines = [PROJECT["optional-dependencies"][name] for name in ("tensorflow", "tensorflow-cpu")]
    assert lines[1] == [line.replace("tensorflow~=", "tensorflow-cpu~=") for line in lines[0]]


def test_what_is_missing_is_said_with_the_command_to_type(monkeypatch):
    monkeypatch.setitem(sys.modules, "mido", None)
    with pytest.raises(InputError, match=r'^a MIDI file needs mido, .*; type: pip install "keras-seq\[music\]"$'):
        extra_module("mido", "a MIDI file")
    assert line_of_missing(ModuleNotFoundError(name="nothing_of_ours")) is None
    assert line_of_missing(ImportError("cannot import name", name="mido")) is None
    assert extra_module("json", "anything") is importlib.import_module("json")


COMMAND = """
import sys
sys.modules[sys.argv[1]] = None
from keras_seq.cli.main import main
sys.argv = ["keras-seq", *sys.argv[2:]]
main()
"""


@pytest.mark.parametrize("package", ["keras", pytest.param("tensorflow", marks=pytest.mark.thorough)])
def test_a_command_says_which_package_it_needs(package):
    program = [sys.executable, "-c", COMMAND, package, "predict", "ner_pt", "Lisboa"]
    result = subprocess.run(program, capture_output=True, text=True, timeout=120)
    assert result.returncode == 2, result.stderr
    line = f'keras-seq: this needs {package}, which is not installed; type: pip install "keras-seq[tensorflow]"'
    assert result.stderr.splitlines()[-1] == line
