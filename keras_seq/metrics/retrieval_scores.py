"""How often the nearest vectors are of the same label."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from keras_seq.core.checks import check_positive_integer
from keras_seq.metrics.matched_arrays import check_values

# Similarities that are held at a time.
_BLOCK_CELLS = 1 << 22


def retrieval_scores(
    vectors: Any,
    labels: Any,
    reference_vectors: Any = None,
    reference_labels: Any = None,
    ks: Sequence[int] = (1, 5, 10),
) -> dict[str, float]:
    """Recall at k and mean reciprocal rank (MRR): how well vectors find others of their label, by the cosine.

    The rank of a vector is the place of the nearest reference of its label. One of another label that is exactly as
    near comes first, so a model that makes all vectors equal finds nothing. Memory is bounded: similarities are made
    in blocks of rows.

    Args:
        vectors: Of the queries, `(queries, features)`; they need not have the length 1.
        labels: Their labels, `(queries,)`: integers or strings.
        reference_vectors: Those that are searched, `(references, features)`. By default the queries themselves, each
            without itself.
        reference_labels: Their labels, `(references,)`.
        ks: What recall is asked for.

    Returns:
        A dictionary with, for each k, `"recall_at_<k>"`, the share of queries whose rank is at most k; and `"mrr"`, the
        mean of 1 / rank. Queries without any reference of their label are left out; where none is left, all are 0.

    Raises:
        ValueError, TypeError: if shapes do not fit each other, a vector or a label is not finite, or only one of the
            two references is given.

    Example:

    >>> vectors = [[1.0, 0.0], [0.9, 0.1], [0.0, 1.0], [0.7, 0.3]]
    >>> retrieval_scores(vectors, ["a", "a", "b", "b"], ks=[1, 3])
    {'recall_at_1': 0.75, 'recall_at_3': 1.0, 'mrr': 0.8333333333333334}

    Reference: Musgrave et al., "A Metric Learning Reality Check", ECCV 2020 (recall at 1).
    """
    for k in ks:
        check_positive_integer("ks", k)
    if (reference_vectors is None) != (reference_labels is None):
        raise ValueError(
            "`reference_vectors` and `reference_labels` must be given together. Received: one of them. Give both, or "
            "neither."
        )
    vectors, labels = _checked(vectors, labels, "vectors", "labels")
    without_itself = reference_vectors is None
    if without_itself:
        references, other_labels = vectors, labels
    else:
        references, other_labels = _checked(
            reference_vectors, reference_labels, "reference_vectors", "reference_labels"
        )
        if len(vectors) and len(references) and vectors.shape[1] != references.shape[1]:
            raise ValueError(
                "`reference_vectors` must have as many features as `vectors`. "
                f"Received: {references.shape[1]} and {vectors.shape[1]}. Take both from one model."
            )
    # Numbers are faster to compare than strings.
    _, places = np.unique(_joined(labels, other_labels), return_inverse=True)
    labels, other_labels = places[: len(labels)], places[len(labels) :]
    ranks = _ranks(vectors, labels, references, other_labels, without_itself)
    ranks = ranks[ranks > 0]
    found = {f"recall_at_{k}": float((ranks <= k).mean()) if ranks.size else 0.0 for k in ks}
    return {**found, "mrr": float((1 / ranks).mean()) if ranks.size else 0.0}


def _joined(labels, other_labels):
    """Both, of a type that keeps what they are: NumPy makes float64 of int64 and uint64, and one of two large ids."""
    kinds = {labels.dtype.kind, other_labels.dtype.kind}
    if kinds == {"i", "u"}:
        return np.concatenate([labels.astype(object), other_labels.astype(object)])
    return np.concatenate([labels, other_labels])


def _ranks(vectors, labels, references, other_labels, without_itself):
    """The rank of each query, 0 where no reference has its label."""
    ranks = np.zeros(len(vectors), "int64")
    if not len(references):
        return ranks
    rows = max(1, _BLOCK_CELLS // len(references))
    for begin in range(0, len(vectors), rows):
        similarities = vectors[begin : begin + rows] @ references.T
        is_same = labels[begin : begin + rows, np.newaxis] == other_labels
        if without_itself:
            own = np.arange(len(similarities)), np.arange(begin, begin + len(similarities))
            is_same[own] = False
            similarities[own] = -np.inf
        nearest = np.where(is_same, similarities, -np.inf).max(axis=1)
        before = ~is_same & (similarities >= nearest[:, np.newaxis])
        ranks[begin : begin + rows] = np.where(is_same.any(axis=1), 1 + before.sum(axis=1), 0)
    return ranks


def _checked(vectors, labels, name, labels_name):
    vectors, labels = np.asarray(vectors), np.asarray(labels)
    vectors = vectors.astype(np.promote_types(vectors.dtype, "float32"))
    if vectors.ndim != 2 or labels.shape != vectors.shape[:1]:
        raise ValueError(
            f"`{name}` must be `(rows, features)`, and `{labels_name}` have one label for each row. "
            f"Received: {name}.shape={vectors.shape}, {labels_name}.shape={labels.shape}. Give both in the same order."
        )
    if labels.dtype.kind == "f":
        check_values(labels_name, labels, np.isfinite(labels), "be finite", "Leave its row out, or mend it.")
    lengths = np.linalg.norm(vectors, axis=1, keepdims=True)
    if not np.isfinite(lengths).all():
        row = int(np.flatnonzero(~np.isfinite(lengths))[0])
        raise ValueError(f"`{name}` must be finite. Received: one that is not in row {row}. Leave it out, or mend it.")
    return vectors / np.where(lengths > 0, lengths, 1), labels
