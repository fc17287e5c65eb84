"""Fixtures: calls of the command line, and one tiny tagger, trained once, for all tests of it."""

import functools
import json
import random
from pathlib import Path
from types import SimpleNamespace

import pytest
from typer.testing import CliRunner

import keras_seq.tasks
from keras_seq.cli.main import app

RECIPE = """
task = "tagger"
name = "tiny"
seed = 1

[data]
train = "{folder}/train.conll"
validation = "{folder}/dev.conll"
test = "{folder}/test.conll"
scheme = "BIO"

[model]
builder = "ner_model"

[model.arguments]
embedding_dim = 16
units = [16]
dropout = 0.1

[batching]
batch_size = 16
bucket_boundaries = [8]

[optimizer]
learning_rate = 2e-2

[fit]
epochs = 4

[expected]
scores = {{ entity_f1 = 0.5 }}
"""


def sentence(generator):
    person = [(generator.choice(["Ana", "Rui", "Eva"]), "B-PER"), (generator.choice(["Souza", "Lima"]), "I-PER")]
    place = [(generator.choice(["Lisboa", "Recife"]), "B-LOC")]
    return [*person, (generator.choice(["mora", "viaja"]), "O"), ("em", "O"), *place, (".", "O")]


def write(path, sentences):
    path.write_text("\n".join("".join(f"{token} {tag}\n" for token, tag in rows) for rows in sentences), "utf-8")
    return path


def run_command(*arguments, input=None):
    """Run a command in this process; `lines` are those of stderr."""
    result = CliRunner().invoke(app, [str(argument) for argument in arguments], input=input)
    return SimpleNamespace(
        code=result.exit_code, output=result.stdout, lines=result.stderr.splitlines(), exception=result.exception
    )


def said_once(shared_folder, name, *command):
    """Run a command that makes the folder `tiny` once in a run of the tests; `folder`, and what it said then."""

    def make(folder):
        quiet = ["--quiet"] if command[0] == "train" else []
        result = run_command(*command, folder / "tiny", *quiet)
        assert result.code == 0, result.lines
        (folder / "said.json").write_text(json.dumps({"output": result.output, "lines": result.lines}))

    folder = shared_folder.once(f"commands/{name}", make)
    return SimpleNamespace(folder=folder / "tiny", **json.loads((folder / "said.json").read_text()))


@pytest.fixture(scope="session")
def each_model_is_loaded_once():
    """Loading takes seconds; the tests that run a process of their own load as a user does."""
    with pytest.MonkeyPatch.context() as patch:
        load = keras_seq.tasks.load
        cached = functools.cache(load)

        @functools.wraps(load)
        def once(path):
            # What a relative path names depends on where the test is.
            return (cached if Path(path).is_absolute() else load)(path)

        patch.setattr(keras_seq.tasks, "load", once)
        yield


@pytest.fixture(scope="session")
def invoke(each_model_is_loaded_once):
    return run_command


@pytest.fixture(scope="session")
def corpus(shared_folder):
    def make(folder):
        generator = random.Random(0)
        for name, size in (("train", 96), ("dev", 16), ("test", 16)):
            write(folder / f"{name}.conll", [sentence(generator) for _ in range(size)])
        (folder / "tiny.toml").write_text(RECIPE.format(folder=folder), "utf-8")

    return shared_folder.once("commands/corpus", make)


@pytest.fixture(scope="session")
def trained(corpus, shared_folder):
    """The run directory, and what `train` said."""
    return said_once(shared_folder, "runs", "train", corpus / "tiny.toml", "--run-dir")
