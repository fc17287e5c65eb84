"""Whether the vectors of an encoder differ at all."""

from typing import Any

import numpy as np


def embedding_spread(vectors: Any) -> float:
    """Spread of embeddings: one less the mean cosine of two of the vectors, drawn with replacement.

    For siamese models: 0 where all vectors point the same way (the model has collapsed), 1 where they point everywhere
    alike.

    Args:
        vectors: `(rows, features)`; they need not have the length 1.

    Returns:
        A number from 0 to 1; 0 without a vector.

    Raises:
        ValueError: if `vectors` has another shape, or is not finite.

    Example:

    >>> embedding_spread([[1.0, 0.0], [0.0, 2.0]]), embedding_spread([[1.0, 0.0], [3.0, 0.0]])
    (0.5, 0.0)
    """
    vectors = np.asarray(vectors, "float64")
    if vectors.ndim != 2 or not np.isfinite(vectors).all():
        raise ValueError(
            "`vectors` must be finite, `(rows, features)`. "
            f"Received: vectors.shape={vectors.shape}. Give one vector for each text."
        )
    if not vectors.size:
        return 0.0
    lengths = np.linalg.norm(vectors, axis=1, keepdims=True)
    vectors = vectors / np.where(lengths > 0, lengths, 1)
    # The mean squared distance from their mean: the same number, without a difference of two that are nearly equal.
    return float(np.mean(np.sum((vectors - vectors.mean(axis=0)) ** 2, axis=1)))
