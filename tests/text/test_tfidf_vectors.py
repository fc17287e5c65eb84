"""Random vectors times the inverse document frequency: sums of them are like TF-IDF vectors."""

import numpy as np
import pytest

from keras_seq.text import tfidf_vectors

GENERATOR = np.random.default_rng(0)
# Words of very different frequency.
TEXTS = [np.minimum(GENERATOR.zipf(1.5, size=GENERATOR.integers(3, 12)) + 1, 29) for _ in range(60)]
SUBWORDS = np.vstack([np.zeros((2, 3), int), GENERATOR.integers(0, 11, (28, 3))])


def tfidf(texts, size):
    """Counts times weights, row by row."""
    counts = np.array([np.bincount(text, minlength=size) for text in texts], float)
    in_texts = (counts > 0).sum(axis=0)
    return counts * (1 + np.log((1 + len(texts)) / (1 + in_texts)))


def cosines(vectors):
    unit = vectors / np.linalg.norm(vectors, axis=1, keepdims=True)
    return unit @ unit.T


def test_cosines_are_those_of_tfidf():
    table = tfidf_vectors(TEXTS, 30, embedding_dim=20_000)["word"]
    sums = np.array([table[text].sum(axis=0) for text in TEXTS])
    np.testing.assert_allclose(cosines(sums), cosines(tfidf(TEXTS, 30)), atol=0.04)
    np.testing.assert_array_equal(table[:2], 0)


def test_ngrams_too():
    found = tfidf_vectors(TEXTS, 30, subwords=SUBWORDS, num_buckets=10, embedding_dim=20_000, subword_scale=2.0)
    ngrams = found["subword"]
    assert ngrams.shape == (11, 20_000) and not ngrams[0].any()
    of_texts = [SUBWORDS[text].ravel() for text in TEXTS]
    weights = tfidf(of_texts, 11)
    weights[:, 0] = 0
    sums = np.array([ngrams[ids].sum(axis=0) for ids in of_texts])
    np.testing.assert_allclose(cosines(sums), cosines(weights), atol=0.04)
    once = tfidf_vectors(TEXTS, 30, subwords=SUBWORDS, num_buckets=10, embedding_dim=20_000)
    np.testing.assert_allclose(ngrams, 2 * once["subword"])
    np.testing.assert_array_equal(found["word"], once["word"])


def test_the_seed_decides():
    one, same, other = (tfidf_vectors(TEXTS, 30, embedding_dim=8, seed=seed)["word"] for seed in (1, 1, 2))
    np.testing.assert_array_equal(one, same)
    assert (one[2:] != other[2:]).all()


@pytest.mark.parametrize(
    ("arguments", "name"), [({"embedding_dim": 0}, "embedding_dim"), ({"subword_scale": 0}, "sub")]
)
def test_nonsense_is_refused(arguments, name):
    with pytest.raises(ValueError, match=f"`{name}"):
        tfidf_vectors(TEXTS, 30, **arguments)
