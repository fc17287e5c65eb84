"""How far generated texts are new, differ from each other, and are as long as real ones."""

from collections import Counter
from collections.abc import Collection, Iterable
from typing import Any

import numpy as np


def generation_scores(generated: Collection[str], training: Collection[str]) -> dict[str, Any]:
    """Novelty, diversity and lengths of short generated texts, such as names, without a judgement of each.

    A model that repeats its training texts has few new ones; one that says the same again and again has few distinct
    ones; one that stops too early or too late has other lengths. Letter case counts: compare texts of one spelling.

    Args:
        generated: What the model wrote, repetitions included.
        training: What it was trained on, the real texts.

    Returns:
        A dictionary with `"share_new"`, the share of the generated texts that are not among the training texts;
        `"share_distinct"`, the number of different texts as a share of all generated ones; `"length_mean"` and
        `"length_sd"`, in characters (the deviation divides by the number of texts), and the same of the real texts,
        `"real_length_mean"` and `"real_length_sd"`; `"length_distance"`, the total variation distance between the two
        distributions of lengths: 0 where they are equal, 1 where no length occurs in both; and the distributions
        themselves, `"lengths"` and `"real_lengths"`: length -> share, in ascending order.

    Raises:
        ValueError: if there are no generated or no training texts.
        TypeError: if one string is given in place of several.

    Example:

    >>> scores = generation_scores(["Ana", "Eva", "Eva", "Rui"], training=["Ana", "Rita"])
    >>> scores["share_new"], scores["share_distinct"], scores["length_mean"], scores["length_distance"]
    (0.75, 0.75, 3.0, 0.5)
    """
    for name, texts in (("generated", generated), ("training", training)):
        if isinstance(texts, str):
            raise TypeError(f"`{name}` must be several texts. Received: {name}={texts!r}. Put one text in a list.")
        if not len(texts):
            raise ValueError(f"`{name}` must hold at least one text. Received: {name}={texts!r}. Pass some.")
    known = set(training)
    (lengths, shares), (real_lengths, real_shares) = map(_lengths, (generated, training))
    distance = sum(abs(shares.get(length, 0.0) - real_shares.get(length, 0.0)) for length in {**shares, **real_shares})
    return {
        "share_new": sum(text not in known for text in generated) / len(generated),
        "share_distinct": len(set(generated)) / len(generated),
        "length_mean": float(lengths.mean()),
        "length_sd": float(lengths.std()),
        "real_length_mean": float(real_lengths.mean()),
        "real_length_sd": float(real_lengths.std()),
        "length_distance": distance / 2,
        "lengths": shares,
        "real_lengths": real_shares,
    }


def _lengths(texts: Iterable[str]) -> tuple[np.ndarray, dict[int, float]]:
    """Of each text, and which share of the texts has each of them."""
    counts = Counter(map(len, texts))
    return np.array(list(counts.elements())), {length: counts[length] / counts.total() for length in sorted(counts)}
