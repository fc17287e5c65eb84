"""Every registered builder goes the whole way: build, fit, save, load, export, and both files in a fresh process."""

import os
import subprocess
import sys

import keras
import numpy as np
import pytest

from keras_seq.losses import ClassCrossEntropy, CRFNegativeLogLikelihood, MaskedCrossEntropy, NoteCrossEntropy
from keras_seq.testing import run_model_test
from keras_seq.testing.padding import PLACES
from keras_seq.zoo import list_builders, registered_builder

ROWS, STEPS = 2, 4

# The exported graph first, in a process that has TensorFlow alone; then the `.keras` file, with the package's classes.
READ_BACK = """
import sys
import numpy as np
import tensorflow as tf

folder, names = sys.argv[1], sys.argv[2:]
arrays = dict(np.load(f"{folder}/inputs.npz"))
for name in names:
    served = tf.saved_model.load(f"{folder}/exported/{name}")
    inputs = {key.split("/")[1]: value for key, value in arrays.items() if key.startswith(name + "/")}
    outputs = served.signatures["serving_default"](**{key: tf.constant(value) for key, value in inputs.items()})
    np.savez(f"{folder}/{name}.exported.npz", *[outputs[key].numpy() for key in sorted(outputs)])
assert "keras_seq" not in sys.modules

import keras
import keras_seq.layers, keras_seq.losses

for name in names:
    model = keras.saving.load_model(f"{folder}/{name}.keras")
    inputs = {key.split("/")[1]: value for key, value in arrays.items() if key.startswith(name + "/")}
    inputs = keras.tree.map_structure(lambda symbol: inputs[symbol.name], model.input)
    np.savez(f"{folder}/{name}.loaded.npz", *keras.tree.flatten(model.predict(inputs, verbose=0)))
"""


def sample_inputs(model):
    """Ids 1 to 2, which every vocabulary has, of the shapes that the model asks for; an axis of any size has 3."""
    generator = np.random.default_rng(0)
    inputs = {}
    for tensor in model.inputs:
        steps = tensor.shape[1] if tensor.name in inputs_without_steps(model) else STEPS
        shape = (ROWS, steps, *(size or 3 for size in tensor.shape[2:]))
        inputs[tensor.name] = generator.integers(1, 3, shape).astype(tensor.dtype)
    return inputs


def inputs_without_steps(model):
    """The names of inputs such as images: each of their axes has one size."""
    return {tensor.name for tensor in model.inputs if len(tensor.shape) > 1 and tensor.shape[1] is not None}


def tagger_training(model):
    """Targets and loss of a tagger: potentials `(batch, steps, tags, tags)` or log-probabilities."""
    loss = CRFNegativeLogLikelihood() if len(model.output_shape) == 4 else MaskedCrossEntropy()
    return np.random.default_rng(1).integers(0, model.output_shape[-1], (ROWS, STEPS)).astype("int32"), loss


def sequence_training(model):
    """Targets and loss of a model that gives the probabilities of classes at each step."""
    targets = np.random.default_rng(1).random((ROWS, STEPS, model.output_shape[-1])).astype("float32")
    return targets, "categorical_crossentropy"


def classifier_training(model):
    """Targets and loss of a model that gives the probabilities of the classes of a whole text, one or several."""
    classes = model.output_shape[-1]
    generator = np.random.default_rng(1)
    if model.get_layer("probabilities").activation is keras.activations.sigmoid:
        return generator.integers(0, 2, (ROWS, classes)).astype("float32"), ClassCrossEntropy(multi_label=True)
    return generator.integers(0, classes, ROWS).astype("int32"), ClassCrossEntropy()


def music_training(model):
    """Targets and loss of a model that gives the log-odds of several notes at each step."""
    notes = np.random.default_rng(1).integers(0, 2, (ROWS, STEPS, model.output_shape[-1]))
    return notes.astype("float32"), NoteCrossEntropy()


def language_training(model):
    """Targets and loss of a model that gives the log-probabilities of the next token."""
    targets = np.random.default_rng(1).integers(1, model.output_shape[-1], (ROWS, STEPS)).astype("int32")
    return targets, MaskedCrossEntropy()


def pair_training(model):
    """Targets and loss of a model that gives the cosine of two inputs."""
    return np.random.default_rng(1).random(ROWS).astype("float32"), "mean_squared_error"


TRAINING = {
    "classifier": classifier_training,
    "image_matcher": pair_training,
    "language_model": language_training,
    "music": music_training,
    "pair_matcher": pair_training,
    "sequence": sequence_training,
    "tagger": tagger_training,
}


# The one of most kinds of inputs; the others in the thorough run.
ALWAYS = ("ner_model",)
EVERY = [
    pytest.param(name, marks=[] if name in ALWAYS else [pytest.mark.thorough], id=name) for name in list_builders()
]


@pytest.fixture(scope="module")
def trained(tmp_path_factory, pytestconfig):
    """Every builder's model after the harness, saved and exported; and the folder that holds the files."""
    folder = tmp_path_factory.mktemp("registry")
    arrays, outputs = {}, {}
    for name in list_builders() if pytestconfig.option.thorough else ALWAYS:
        entry = registered_builder(name)
        model = entry.build(**entry.example)
        inputs = sample_inputs(model)
        targets, loss = TRAINING[entry.task](model)
        fixed = inputs_without_steps(model)
        model = run_model_test(
            entry.build,
            arguments=entry.example,
            inputs=inputs,
            targets=targets,
            loss=loss,
            fixed_inputs=fixed,
            padding=() if fixed == set(inputs) else PLACES,
        )
        model.save(folder / f"{name}.keras")
        model.export(folder / "exported" / name, verbose=False)
        arrays.update({f"{name}/{key}": value for key, value in inputs.items()})
        feed = keras.tree.map_structure(lambda symbol: inputs[symbol.name], model.input)  # noqa: B023
        outputs[name] = keras.tree.flatten(model.predict(feed, verbose=0))
        keras.backend.clear_session()
    np.savez(folder / "inputs.npz", **arrays)
    result = subprocess.run(
        [sys.executable, "-c", READ_BACK, str(folder), *outputs],
        env={**os.environ, "TF_CPP_MIN_LOG_LEVEL": "3"},
        capture_output=True,
        text=True,
        timeout=600,
    )
    assert result.returncode == 0, result.stderr
    return folder, outputs


def test_the_registry_holds_something():
    assert list_builders()


@pytest.mark.parametrize("name", list_builders())
def test_small_example(name):
    entry = registered_builder(name)
    assert entry.task in TRAINING, f"TRAINING lacks targets and a loss for models of the task {entry.task!r}"
    assert entry.build(**entry.example).count_params() < 100_000, "the example must be small: every test builds it"


@pytest.mark.parametrize("name", EVERY)
@pytest.mark.parametrize("form", ["exported", "loaded"])
def test_equal_outputs_in_a_fresh_process(trained, name, form):
    folder, outputs = trained
    with np.load(folder / f"{name}.{form}.npz") as arrays:
        read_back = [arrays[key] for key in arrays.files]
    for expected, actual in zip(outputs[name], read_back, strict=True):
        np.testing.assert_allclose(actual, expected, rtol=1e-5, atol=1e-5)
