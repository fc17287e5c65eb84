"""Exported models against Keras on a thousand real sentences; shipped models against their golden outputs."""

import itertools
from pathlib import Path

import numpy as np
import pytest

from keras_seq.data.conll import read_conll
from keras_seq.data.images import read_images
from keras_seq.export import Sample, check_golden, list_versions, verify, write_saved_model
from keras_seq.families.pairs.served import MatchingFunctions
from keras_seq.tasks import family_named
from keras_seq.zoo import ModelCard

SAVED_MODELS = Path(__file__).resolve().parents[2] / "saved_models"
SHIPPED = sorted(path for path in SAVED_MODELS.glob("[!.]*") if list_versions(path))
OF_IMAGES = [path for path in SHIPPED if ModelCard.load(path / "card.json").task == "image_matcher"]
NUM_SENTENCES, ROWS = 1000, 100
# What takes texts or tokens alone; other signatures have samples of their own.
TEXT_SIGNATURES = {"serving_default", "tokenized", "embed", "attention"}


@pytest.fixture(scope="module")
def sentences(data_dir):
    """The first thousand sentences of a test file, as tokens."""
    return [
        sentence.tokens for sentence in itertools.islice(read_conll(data_dir / "lener-br/test.conll"), NUM_SENTENCES)
    ]


def check_parity(folder, served, sentences, further=()):
    """Strings are equal and numbers within 1e-4, through every signature, in a process with TensorFlow alone."""
    assert len(sentences) == NUM_SENTENCES
    # Like lengths together: less padding to compute.
    sentences = sorted(sentences, key=len)
    samples = []
    for begin in range(0, NUM_SENTENCES, ROWS):
        rows = sentences[begin : begin + ROWS]
        steps = max(map(len, rows))
        texts = np.array([" ".join(row) for row in rows], object)
        tokens = np.array([[*row, *[""] * (steps - len(row))] for row in rows], object)
        for signature in TEXT_SIGNATURES & set(served.signatures()):
            inputs = {"tokens": tokens} if signature == "tokenized" else {"text": texts}
            if isinstance(served, MatchingFunctions) and signature == "serving_default":
                inputs = {"a": texts, "b": texts[::-1]}
            samples.append(Sample(f"sentences from {begin}", inputs, signature))
    report = verify(folder, served, samples=[*samples, *further], tolerance=1e-4)
    assert report.compared and {sample.name for sample in samples} <= set(report.samples)


@pytest.mark.thorough
@pytest.mark.data
def test_a_thousand_real_sentences(make_tagger, sentences, tmp_path):
    functions = make_tagger(sentences[: NUM_SENTENCES // 2])
    folder = write_saved_model(tmp_path / "m", functions)
    check_parity(folder, functions, sentences)


@pytest.mark.data
@pytest.mark.thorough
@pytest.mark.parametrize("model", [path for path in SHIPPED if path not in OF_IMAGES], ids=lambda path: path.name)
def test_shipped_models_on_a_thousand_real_sentences(model, sentences):
    loaded = keras_of(model)
    check_parity(model, loaded.served, sentences, loaded.verification_samples())


@pytest.mark.data
@pytest.mark.thorough
@pytest.mark.parametrize("model", OF_IMAGES, ids=lambda path: path.name)
def test_shipped_models_on_a_thousand_real_drawings(model, data_dir):
    drawings = read_images(data_dir / "omniglot/evaluation.npz").images[:NUM_SENTENCES, ..., None].astype("float32")
    samples = [
        Sample("drawings", {"image": drawings}, "embed"),
        Sample("pairs of drawings", {"a": drawings, "b": drawings[::-1]}),
    ]
    loaded = keras_of(model)
    report = verify(model, loaded.served, samples=[*samples, *loaded.verification_samples()], tolerance=1e-4)
    assert report.compared and {"drawings", "pairs of drawings"} <= set(report.samples)


def keras_of(model):
    """The task of a shipped model, with its Keras model."""
    return family_named(ModelCard.load(model / "card.json").task).task.load(model)


# Of models with the same functions one; the others in the thorough run.
LIKE_OTHERS = {"intent_en", "ner_en", "sentiment_pt", "similar_en", "toxicity_pt"}


@pytest.mark.parametrize(
    "model",
    [pytest.param(path, marks=[pytest.mark.thorough] * (path.name in LIKE_OTHERS), id=path.name) for path in SHIPPED],
)
def test_shipped_models_answer_as_when_they_were_exported(model):
    check_golden(model, model / "golden.npz", tolerance=1e-6)
