"""The nearest words of a word."""

import numpy as np

from keras_seq.core.checks import check_positive_integer
from keras_seq.text.vocabulary import NUM_SPECIAL, Vocabulary


def neighbours(
    word: str | np.ndarray, vectors: np.ndarray, vocabulary: Vocabulary, k: int = 10
) -> list[tuple[str, float]]:
    """The words whose vectors point the same way, to look at what a table of vectors has learned.

    Args:
        word: A word of the vocabulary, or a vector, for instance of a word that is not in it.
        vectors: `(len(vocabulary), dim)`.
        vocabulary: The words of the rows.
        k: How many.

    Returns:
        At most `k` pairs of a word and the cosine of the angle between the vectors, the nearest first; without the word
        itself, padding, the unknown word and words whose vector is zero. A zero vector has no neighbours.

    Raises:
        ValueError: if the word is not in the vocabulary or a shape does not fit.

    Example:

    >>> vocabulary = Vocabulary(["red", "blue", "seven"])
    >>> vectors = np.array([[0, 0], [0, 0], [1, 0], [0.8, 0.6], [0, 1]])
    >>> neighbours("red", vectors, vocabulary, k=1)
    [('blue', 0.8)]
    """
    check_positive_integer("k", k)
    vectors = np.asarray(vectors, "float64")
    if vectors.ndim != 2 or len(vectors) != len(vocabulary):
        raise ValueError(
            f"`vectors` must have a row for each of the {len(vocabulary)} ids. Received: shape {vectors.shape}. "
            "Pass the table that belongs to this vocabulary."
        )
    left_out = list(range(NUM_SPECIAL))
    if isinstance(word, str):
        if word not in vocabulary:
            raise ValueError(
                f"`word` must be in the vocabulary. Received: word={word!r}. Pass its vector, or a word in the "
                "form that `TokenEncoder.normalize` gives."
            )
        left_out.append(int(vocabulary.lookup([word])[0]))
        vector = vectors[left_out[-1]]
    else:
        vector = np.asarray(word, "float64")
        if vector.shape != vectors.shape[1:]:
            raise ValueError(
                f"`word` must be a string or a vector of the shape {vectors.shape[1:]}. Received: shape "
                f"{vector.shape}. Pass one row."
            )
    lengths = np.linalg.norm(vectors, axis=1) * np.linalg.norm(vector)
    cosines = np.divide(vectors @ vector, lengths, out=np.zeros(len(vectors)), where=lengths > 0)
    left_out += np.flatnonzero(lengths == 0).tolist()
    order = np.argsort(-cosines, kind="stable")
    found = order[~np.isin(order, left_out)][:k]
    return [(vocabulary.token(int(index)), float(cosines[index])) for index in found]
