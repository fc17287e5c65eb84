import numpy as np
import pytest

from keras_seq.text import Vocabulary, neighbours

VOCABULARY = Vocabulary(["a", "b", "c", "d"])
VECTORS = np.array([[1, 0], [1, 0], [2, 0], [0.6, 0.8], [0, 0], [-1, 0.0]], "float32")


def test_nearest_first_without_the_word_itself_and_zero_vectors():
    found = neighbours("a", VECTORS, VOCABULARY)
    assert [word for word, _ in found] == ["b", "d"]
    np.testing.assert_allclose([cosine for _, cosine in found], [0.6, -1])
    assert neighbours("a", VECTORS, VOCABULARY, k=1) == found[:1]


def test_of_a_vector():
    assert [word for word, _ in neighbours(np.array([0, 3.0]), VECTORS, VOCABULARY)] == ["b", "a", "d"]
    assert neighbours("c", VECTORS, VOCABULARY) == []


def test_wrong_arguments():
    with pytest.raises(ValueError, match="`word` must be in the vocabulary"):
        neighbours("zebra", VECTORS, VOCABULARY)
    with pytest.raises(ValueError, match="`word` must be a string or a vector"):
        neighbours(np.zeros(3), VECTORS, VOCABULARY)
    with pytest.raises(ValueError, match="a row for each of the 6 ids"):
        neighbours("a", VECTORS[1:], VOCABULARY)
    with pytest.raises(ValueError, match="`k`"):
        neighbours("a", VECTORS, VOCABULARY, k=0)
