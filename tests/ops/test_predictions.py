"""Predictions of another kind than a loss takes, of any number of classes and in half precision."""

import numpy as np
import pytest
from keras import ops

from keras_seq.losses import MaskedCrossEntropy
from keras_seq.metrics import Perplexity
from keras_seq.ops.predictions import not_log_odds, not_log_probabilities, not_probabilities

GENERATOR = np.random.default_rng(0)


def softmax(scores):
    return np.exp(scores) / np.exp(scores).sum(axis=-1, keepdims=True)


@pytest.mark.parametrize("dtype", ["float32", "float16", "bfloat16"])
@pytest.mark.parametrize("classes", [2, 50, 30_000])
def test_a_log_softmax_is_right_and_a_softmax_wrong(classes, dtype):
    scores = ops.cast(0.01 * GENERATOR.normal(size=(2, 3, classes)), dtype)
    labels, real = np.zeros((2, 3), int), np.ones((2, 3), bool)
    assert not ops.any(not_log_probabilities(ops.log_softmax(scores), real))
    rounded = ops.log(ops.softmax(ops.cast(scores, "float32")) + 1e-7)
    assert np.isfinite(float(MaskedCrossEntropy()(labels, rounded)))
    for wrong in (ops.softmax(scores), ops.sigmoid(scores)):
        with pytest.raises(ValueError, match="`y_pred` must be log-probabilities"):
            MaskedCrossEntropy()(labels, wrong)
        with pytest.raises(ValueError, match="`y_pred` must be log-probabilities"):
            Perplexity().update_state(labels, wrong)
    # What stands at padding may be anything.
    assert not ops.any(not_log_probabilities(ops.softmax(scores), ~real))


def test_probabilities():
    probabilities, real = softmax(GENERATOR.normal(size=(6, 4))).astype("float32"), np.ones(6, bool)
    assert not ops.any(not_probabilities(probabilities, real))
    assert not ops.any(not_probabilities(ops.cast(probabilities, "bfloat16"), real))
    assert not ops.any(not_probabilities(np.ones((6, 4), "float32"), real, each_for_itself=True))
    for wrong in (np.log(probabilities), np.full((6, 4), 0.9, "float32"), 5 * probabilities):
        with pytest.raises(ValueError, match="`y_pred` must be probabilities"):
            not_probabilities(wrong, real)
    with pytest.raises(ValueError, match="`y_pred` must be probabilities, from 0 to 1. "):
        not_probabilities(np.full((6, 4), 3.0, "float32"), real, each_for_itself=True)
    assert not ops.any(not_probabilities(np.log(probabilities), ~real))


def test_log_odds():
    odds, real = GENERATOR.normal(size=(2, 3, 5)).astype("float32"), np.ones((2, 3), bool)
    assert not ops.any(not_log_odds(odds, real))
    # A model that knows nothing; and a few numbers, which may lie anywhere.
    assert not ops.any(not_log_odds(np.zeros_like(odds), real))
    assert not ops.any(not_log_odds(np.full((1, 1, 5), 0.5, "float32"), real[:1, :1]))
    with pytest.raises(ValueError, match="`y_pred` must be log-odds"):
        not_log_odds(1 / (1 + np.exp(-odds)), real)
