"""What is shown of an evaluation of a matcher."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from keras_seq.families.pairs.data import ClassPairs, PairedTexts

# Examples, and tokens of a text.
SHOWN, SHOWN_TOKENS = 8, 40


def shown_text(texts: PairedTexts | ClassPairs, place: int) -> str:
    """The beginning of a text."""
    return " ".join(texts.store.tokens(place)[:SHOWN_TOKENS])


def mistakes_of(
    pairs: PairedTexts, rows: np.ndarray, expected: np.ndarray, similarities: np.ndarray
) -> Iterator[tuple[str, ...]]:
    """Both texts of pairs, what is true and the similarity, the worst mistakes first.

    Args:
        pairs: all pairs.
        rows: which of them were compared.
        expected: of these, what their similarity should be.
        similarities: of these.
    """
    for index in np.argsort(-np.abs(expected - similarities), kind="stable")[:SHOWN]:
        texts = (shown_text(pairs, int(side[rows[index]])) for side in (pairs.a, pairs.b))
        yield *texts, f"{expected[index]:.2f}", f"{similarities[index]:.2f}"


def nearest_of(texts: ClassPairs, rows: np.ndarray, vectors: np.ndarray) -> Iterator[tuple[str, ...]]:
    """The first texts, each with the most similar of the others, and the similarity.

    Args:
        texts: all texts.
        rows: which of them were compared.
        vectors: of these, of length 1.
    """
    similarities = vectors[:SHOWN] @ vectors.T
    similarities[np.arange(len(similarities)), np.arange(len(similarities))] = -np.inf
    for index, row in enumerate(similarities):
        nearest = int(row.argmax())
        yield *(shown_text(texts, int(rows[place])) for place in (index, nearest)), f"{row[nearest]:.2f}"
