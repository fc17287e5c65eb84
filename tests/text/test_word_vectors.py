"""Vectors by counting neighbours."""

import numpy as np

from keras_seq.text import cooccurrence_vectors


def dense_vectors(sentences, size, dim, window):
    """The same mathematics on full matrices, sentence by sentence."""
    counts = np.zeros((size, size))
    for sentence in sentences:
        for i, word in enumerate(sentence):
            for j in range(max(0, i - window), min(len(sentence), i + window + 1)):
                if i != j and word > 1 and sentence[j] > 1:
                    counts[word, sentence[j]] += 1 / abs(i - j)
    totals = counts.sum(1)
    contexts = totals**0.75
    with np.errstate(divide="ignore", invalid="ignore"):
        information = np.log(counts * contexts.sum() / np.outer(totals, contexts))
    information = np.where(counts > 0, np.maximum(information, 0), 0)
    left, values, _ = np.linalg.svd(information)
    vectors = left[:, :dim] * np.sqrt(values[:dim])
    lengths = np.linalg.norm(vectors, axis=1, keepdims=True)
    return np.where(totals[:, None] > 0, vectors / np.maximum(lengths, 1e-12), 0) * 0.1 * np.sqrt(dim)


def random_sentences(seed):
    generator = np.random.default_rng(seed)
    return [generator.integers(0, 20, generator.integers(0, 12)) for _ in range(60)]


def test_it_is_the_decomposition_of_full_matrices():
    sentences = random_sentences(0)
    found = cooccurrence_vectors(sentences, 22, 5, window=3)
    expected = dense_vectors(sentences, 22, 5, 3)
    # Singular vectors are known up to their sign: cosines are not.
    np.testing.assert_allclose(found @ found.T, expected @ expected.T, atol=1e-5)


def test_words_in_the_same_company_are_alike():
    # 2 and 3 stand between 4 and 5; 6 stands elsewhere.
    vectors = cooccurrence_vectors([np.array([4, 2, 5]), np.array([4, 3, 5]), np.array([6, 7, 6, 8])] * 9, 9, 3)
    assert vectors[2] @ vectors[3] > 0.99 * (vectors[2] @ vectors[2])
    assert abs(vectors[2] @ vectors[6]) < 0.5 * (vectors[2] @ vectors[2])


def test_what_has_no_neighbour_is_zero_and_numbers_repeat():
    sentences = [*random_sentences(1), np.array([20])]
    vectors = cooccurrence_vectors(sentences, 22, 4)
    assert vectors.dtype == np.float32
    assert not vectors[[0, 1, 20, 21]].any()
    np.testing.assert_array_equal(vectors, cooccurrence_vectors(sentences, 22, 4))


def test_small_texts_have_vectors_too():
    vectors = cooccurrence_vectors([np.array([2, 3, 2])] * 3, 4, 10)
    assert vectors.shape == (4, 10)
    assert np.isfinite(vectors).all() and vectors[2:].any(axis=1).all()
    assert not cooccurrence_vectors([np.array([2]), np.array([3])], 4, 10).any()
    assert not cooccurrence_vectors([], 4, 10).any()


def test_few_words_that_are_alike_get_the_same_vectors_each_time():
    # All singular values are equal: any turn of the vectors would be as good.
    sentences = [np.array([2, 3]), np.array([4, 5]), np.array([6, 7])]
    first, *others = (cooccurrence_vectors(sentences, 8, 16) for _ in range(8))
    for other in others:
        np.testing.assert_array_equal(other, first)
