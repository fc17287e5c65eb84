"""Word vectors that know how rare each word is, and nothing else."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from keras_seq.core.checks import check_positive_integer, check_positive_number

# The root of the mean square of numbers in vectors of a word that is in all texts, times the root of their number.
SCALE = 0.1


def tfidf_vectors(
    texts: Sequence[np.ndarray],
    num_words: int,
    *,
    subwords: np.ndarray | None = None,
    num_buckets: int = 0,
    embedding_dim: int = 128,
    subword_scale: float = 1.0,
    seed: int = 0,
) -> dict[str, np.ndarray | None]:
    """Random vectors times the inverse document frequency: sums of them stand to each other as TF-IDF vectors do.

    Random vectors of many dimensions are nearly orthogonal. The cosine of two texts whose vectors are means of these is
    then that of their TF-IDF vectors, but for noise of about `1 / sqrt(embedding_dim)`. A model that compares texts by
    means of words and summed n-grams begins as this baseline, in the place of chance, and goes on from there.

    The inverse document frequency of what is in n of N texts is `1 + ln((1 + N) / (1 + n))`.

    Args:
        texts: word ids of each text, int `(tokens,)`; ids 0 and 1 (padding, unknown) are left out.
        num_words: number of word ids.
        subwords: ids of the n-grams of each word, int `(num_words, subwords)`, 0 where there is none; `None`: no table.
        num_buckets: number of ids of n-grams, without the 0.
        embedding_dim: size of the vectors.
        subword_scale: what the vectors of n-grams are multiplied with: how much spelling counts against words.
        seed: decides the vectors.

    Returns:
        `"word"`, float32 `(num_words, embedding_dim)`, rows 0 and 1 zero; `"subword"`, `(num_buckets + 1,
        embedding_dim)`, row 0 zero, or `None`.

    Raises:
        TypeError, ValueError: if a number is out of range.

    Example:
        >>> texts = [np.array([2, 3]), np.array([2, 4])]
        >>> vectors = tfidf_vectors(texts, 5, embedding_dim=1000)["word"]
        >>> lengths = np.linalg.norm(vectors, axis=1) / 0.1
        >>> lengths.astype(float).round(1).tolist()  # 0, 0, 1 + ln(3 / 3), and twice 1 + ln(3 / 2)
        [0.0, 0.0, 1.0, 1.4, 1.4]

    Reference:
        Sparck Jones, "A Statistical Interpretation of Term Specificity and Its Application in Retrieval", Journal of
        Documentation 1972; Achlioptas, "Database-friendly Random Projections", Journal of Computer and System Sciences
        2003.
    """
    check_positive_integer("num_words", num_words)
    check_positive_integer("embedding_dim", embedding_dim)
    check_positive_number("subword_scale", subword_scale)
    generator = np.random.default_rng(seed)
    words = _vectors([text[text > 1] for text in texts], num_words, embedding_dim, generator)
    words[:2] = 0
    if subwords is None:
        return {"word": words, "subword": None}
    of_texts = [subwords[text].ravel() for text in texts]
    ngrams = _vectors([ids[ids > 0] for ids in of_texts], num_buckets + 1, embedding_dim, generator)
    ngrams[0] = 0
    return {"word": words, "subword": ngrams * np.float32(subword_scale)}


def _vectors(texts: Sequence[np.ndarray], size: int, embedding_dim: int, generator: np.random.Generator) -> np.ndarray:
    counts = np.zeros(size)
    for ids in texts:
        counts[np.unique(ids)] += 1
    weights = 1 + np.log((1 + len(texts)) / (1 + counts))
    drawn = generator.normal(scale=SCALE / np.sqrt(embedding_dim), size=(size, embedding_dim))
    return (drawn * weights[:, None]).astype("float32")
