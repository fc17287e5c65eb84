"""Exported models against Keras on a thousand real sentences; shipped models against their golden outputs."""

import itertools
from pathlib import Path

import numpy as np
import pytest

from keras_seq.data.conll import read_conll
from keras_seq.export import Sample, check_golden, list_versions, verify, write_saved_model
from keras_seq.export.matching import MatchingFunctions

SAVED_MODELS = Path(__file__).resolve().parents[2] / "saved_models"
SHIPPED = sorted(path for path in SAVED_MODELS.glob("[!.]*") if list_versions(path))
NUM_SENTENCES, ROWS = 1000, 100
# What takes texts or tokens alone; other signatures have samples of their own.
TEXT_SIGNATURES = {"serving_default", "tokenized", "embed", "attention"}


@pytest.fixture(scope="module")
def sentences(data_dir):
    """The first thousand sentences of a test file, as tokens."""
    return [
        sentence.tokens for sentence in itertools.islice(read_conll(data_dir / "lener-br/test.conll"), NUM_SENTENCES)
    ]


def check_parity(folder, functions, sentences, further=()):
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
        for signature in TEXT_SIGNATURES & set(functions.signatures()):
            inputs = {"tokens": tokens} if signature == "tokenized" else {"text": texts}
            if isinstance(functions, MatchingFunctions) and signature == "serving_default":
                inputs = {"a": texts, "b": texts[::-1]}
            samples.append(Sample(f"sentences from {begin}", inputs, signature))
    report = verify(folder, functions, samples=[*samples, *further], tolerance=1e-4)
    assert report.compared and {sample.name for sample in samples} <= set(report.samples)


@pytest.mark.data
@pytest.mark.slow
def test_a_thousand_real_sentences(make_tagger, sentences, tmp_path):
    functions = make_tagger(sentences[: NUM_SENTENCES // 2])
    folder = write_saved_model(tmp_path / "m", functions.signatures(), trackables=[functions])
    check_parity(folder, functions, sentences)


@pytest.mark.data
@pytest.mark.slow
@pytest.mark.parametrize("model", SHIPPED, ids=lambda path: path.name)
def test_shipped_models_on_a_thousand_real_sentences(model, sentences):
    from keras_seq.tasks.load import TASKS
    from keras_seq.zoo import ModelCard

    task = TASKS[ModelCard.load(model / "card.json").task]
    loaded = task.load(model)
    check_parity(model, loaded.functions, sentences, loaded.verification_samples())


@pytest.mark.parametrize("model", SHIPPED, ids=lambda path: path.name)
def test_shipped_models_answer_as_when_they_were_exported(model):
    check_golden(model, model / "golden.npz", tolerance=1e-4)
