"""An encoder that this package does not have: taggers, classifiers and matchers take it as they take their own."""

import dataclasses
from importlib.metadata import EntryPoint

import keras
import numpy as np
import pytest
from command_line import run_command

import keras_seq
from keras_seq.core.checks import check_positive_integer
from keras_seq.core.plugins import Plugins
from keras_seq.layers import StepConvolution
from keras_seq.losses import CRFNegativeLogLikelihood
from keras_seq.tasks import train
from keras_seq.testing import run_model_test
from keras_seq.training import Recipe
from keras_seq.zoo import ner_model
from keras_seq.zoo.encoders import ENCODERS, MODULES, Encoder, register_encoder

NAME = "gated_convolution"


@dataclasses.dataclass(frozen=True)
class GatedConvolution(Encoder):
    """A convolution whose every output is let through as far as another convolution says.

    Reference:
        Dauphin et al., "Language Modeling with Gated Convolutional Networks", ICML 2017.
    """

    units: int = 32
    kernel_size: int = 3
    causal: bool = False

    def __post_init__(self):
        check_positive_integer("units", self.units)
        check_positive_integer("kernel_size", self.kernel_size)

    def __call__(self, x, rates):
        sizes = (self.units, self.kernel_size)
        values = StepConvolution(*sizes, causal=self.causal, name="values")(x)
        gates = StepConvolution(*sizes, causal=self.causal, activation="sigmoid", name="gates")(x)
        x = keras.layers.Multiply(name="gated")([values, gates])
        return keras.layers.Dropout(rates["recurrent"], name="drop_gated")(x)


RECIPE = """
task = "{task}"
name = "tiny"

[data]
train = "train.txt"
validation = "train.txt"

[model]
builder = "{builder}"

[model.arguments]
embedding_dim = 12
encoder = {{ kind = "gated_convolution", units = 8 }}
dropout = 0.1

[optimizer]
learning_rate = 2e-2

[fit]
epochs = 8
"""
# Task -> builder, a file that it learns from, what is asked of it, and what it must answer.
TASKS = {
    "tagger": (
        "ner_model",
        "Ana B-PER\nviaja O\n\nRui B-PER\nmora O\n\n" * 20,
        ("predict", [["Ana viaja"]]),
        lambda answer: [entity["text"] for entity in answer[0]["entities"]] == ["Ana"],
    ),
    "classifier": (
        "text_classifier_model",
        "good\ta fine day\nbad\ta poor day\n" * 20,
        ("predict", [["a fine day", "a poor day"]]),
        lambda answer: [each["label"] for each in answer] == ["good", "bad"],
    ),
    "pair_matcher": (
        "siamese_model",
        "1\tfine day\tday fine\n0\tfine day\tpoor food\n" * 20,
        ("match", [["fine day"] * 2, ["day fine", "poor food"]]),
        lambda answer: answer[0]["similarity"] > answer[1]["similarity"],
    ),
}


@pytest.fixture(scope="module", autouse=True)
def registered():
    register_encoder(NAME)(GatedConvolution)
    yield
    ENCODERS.remove(NAME)


def test_it_keeps_the_promises_of_models():
    run_model_test(
        ner_model,
        arguments={"vocabulary_size": 9, "num_tags": 3, "embedding_dim": 4, "encoder": GatedConvolution(6)},
        inputs={"token_ids": np.array([[2, 3, 4, 5], [8, 7, 6, 5]], "int32")},
        targets=np.array([[0, 1, 2, 0], [1, 1, 0, 2]], "int32"),
        loss=CRFNegativeLogLikelihood(),
        padding=GatedConvolution.padding,
    )


def test_a_package_brings_it_by_an_entry_point(monkeypatch):
    place = EntryPoint(NAME, f"{__name__}:GatedConvolution", "keras_seq.encoders")
    monkeypatch.setattr("keras_seq.core.plugins.entry_points", lambda group: [place])
    found = Plugins("keras_seq.encoders", "encoder", table="keras_seq.zoo.encoders:MODULES", attribute="ENCODER")
    assert found.get(NAME) is GatedConvolution and NAME not in MODULES


@pytest.mark.parametrize("task", [pytest.param(task, marks=pytest.mark.thorough) for task in TASKS])
def test_train_export_verify_predict(task, tmp_path, monkeypatch):
    builder, text, (method, arguments), is_right = TASKS[task]
    monkeypatch.chdir(tmp_path)
    (tmp_path / "train.txt").write_text(text)
    (tmp_path / "recipe.toml").write_text(RECIPE.format(task=task, builder=builder))
    train(Recipe.load("recipe.toml"), "run", quiet=True)
    assert (tmp_path / "run" / "recipe.toml").read_text().count(NAME) == 1
    # What is exported is verified in a fresh process, which knows nothing of the encoder.
    result = run_command("export", "run", "--to", "exported")
    assert result.code == 0, result.lines
    answers = [getattr(keras_seq.load(name), method)(*arguments) for name in ("run", "exported")]
    assert all(is_right(answer) for answer in answers), answers
