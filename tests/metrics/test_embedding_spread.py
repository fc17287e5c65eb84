import numpy as np
import pytest

from keras_seq.metrics import embedding_spread


def test_one_less_the_mean_cosine():
    vectors = np.random.default_rng(0).normal(size=(20, 5)) + [2, 0, 0, 0, 0]
    cosines = [
        np.dot(first, second) / (np.linalg.norm(first) * np.linalg.norm(second))
        for first in vectors
        for second in vectors
    ]
    assert 0.2 < np.mean(cosines) < 0.8
    assert embedding_spread(vectors) == pytest.approx(1 - np.mean(cosines))
    assert embedding_spread((3 * vectors).astype("float32")) == pytest.approx(1 - np.mean(cosines), rel=1e-5)


def test_a_collapsed_model_has_none():
    assert embedding_spread(np.full((50, 8), 0.1, "float32")) < 1e-12
    assert embedding_spread(np.zeros((50, 8))) == 0.0
    assert embedding_spread(np.zeros((0, 8))) == 0.0
    assert embedding_spread(np.concatenate([np.eye(8), -np.eye(8)])) == pytest.approx(1.0)


@pytest.mark.parametrize("vectors", [np.ones(3), [[1.0, np.nan]]])
def test_wrong_vectors(vectors):
    with pytest.raises(ValueError, match="`vectors` must be finite, `\\(rows, features\\)`"):
        embedding_spread(vectors)
