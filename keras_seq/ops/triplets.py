"""The costs of pairs and triplets that are found among the rows of a batch, from their similarities."""

from __future__ import annotations

from typing import Any

import keras
from keras import ops

from keras_seq.ops.labels import NO_ID, NO_LABEL, as_labels, real_numbers, row_ids

Tensor = Any

# Below every cosine, and above every squared distance, of vectors of any length; finite, so that gradients are.
_LOWEST, _HIGHEST = -1e30, 1e30


def check_rows(y_true: Tensor, y_pred: Tensor) -> None:
    """Raise where labels are known to be more or fewer than rows: one label would be taken for those of all.

    Raises:
        ValueError: if `y_true` is neither `(batch,)` nor `(batch, 1)`.
    """
    labels, rows = tuple(y_true.shape), y_pred.shape[0]
    is_column = len(labels) == 1 or (len(labels) == 2 and labels[1] in (1, None))
    if not is_column or (labels[0] is not None and rows is not None and labels[0] != rows):
        raise ValueError(
            "`y_true` must be one number for each row of `y_pred`, (batch,). "
            f"Received: y_true.shape={labels}, y_pred.shape={tuple(y_pred.shape)}. Give the labels of the same rows."
        )


def check_vectors(y_pred: Tensor, number: int = 2) -> None:
    """Raise unless predictions are vectors of pairs, `(batch, 2, features)`, or of triplets, `(batch, 3, features)`.

    Raises:
        ValueError: if they are not.
    """
    if len(y_pred.shape) != 3 or y_pred.shape[1] != number:
        what, remedy = {
            2: ("the two vectors of each pair", "Take them from `keras_seq.zoo.stacked_twins(model)`."),
            3: ("anchor, positive and negative", "Stack three vectors along axis 1."),
        }[number]
        raise ValueError(
            f"`y_pred` must be {what}, (batch, {number}, features). Received: y_pred.shape={tuple(y_pred.shape)}. "
            f"{remedy}"
        )


def numbers_of_rows(y_true: Any, y_pred: Tensor) -> Tensor:
    """Labels of rows that are numbers, `(batch,)` in the dtype of `y_pred`; -1 at padding.

    Raises:
        ValueError: if `y_true` is neither `(batch,)` nor `(batch, 1)`.
    """
    y_true = as_labels(y_true)
    check_rows(y_true, y_pred)
    # A column (batch, 1) must not meet costs (batch,): there would be one of each label with each pair.
    return ops.reshape(real_numbers(y_true, keras.backend.standardize_dtype(y_pred.dtype)), (-1,))


def check_several_rows(size: int | None) -> None:
    """Raise where a batch is known to have one row: the negatives of a pair are the other pairs.

    Raises:
        ValueError: if it has.
    """
    if size == 1:
        raise ValueError(
            "The batch must have at least two rows: the negatives of a pair are the other pairs. "
            "Received: a batch of 1. Use larger batches."
        )


def pair_triplet_costs(scores: Tensor, margin: float, ids: Tensor, negatives: str = "mean_and_closest") -> Tensor:
    """Triplet costs of pairs with in-batch negatives: the second halves of the other pairs.

    Row r has the similarity of the first half of pair r to all second halves: that of its own is on the diagonal.

    Args:
        scores: `(batch, batch)`.
        margin: how much more similar than a negative the own half must be.
        ids: `(batch,)`, as `keras_seq.ops.labels.row_ids` gives them. Pairs of equal id are no negatives of each other;
            -1: the row is padding.
        negatives: `"mean_and_closest"`: with s the own similarity, `max(margin - s + m, 0) + max(margin - s + c, 0)`, m
            the mean similarity of the row's negatives, c the largest one below s. `"random"`: `max(margin - s + n, 0)`
            with the similarity n of the next negative in the order of the batch, which is random.

    Returns:
        `(batch,)`. A term whose negative the row does not have is 0, and all of padding; NaN where an id is none.
    """
    is_real = ids >= 0
    is_negative = ops.logical_and(ops.not_equal(ids[:, None], ids[None, :]), is_real[None, :])
    own = ops.diagonal(scores)
    if negatives == "random":
        size = ops.shape(scores)[0]
        places = ops.arange(size)
        steps = ops.mod(places[None, :] - places[:, None], size)
        nearest = ops.min(ops.where(is_negative, steps, size), axis=1)
        chosen = ops.logical_and(is_negative, ops.equal(steps, nearest[:, None]))
        costs = _hinge(margin - own + _sum_where(chosen, scores), chosen)
    else:
        count = ops.sum(ops.cast(is_negative, scores.dtype), axis=1)
        mean = ops.divide_no_nan(_sum_where(is_negative, scores), count)
        is_below = ops.logical_and(is_negative, scores < own[:, None])
        closest = ops.max(ops.where(is_below, scores, _LOWEST), axis=1)
        costs = _hinge(margin - own + mean, is_negative) + _hinge(margin - own + closest, is_below)
    return _of_real_rows(costs, ids)


def rows_and_ids(y_true: Any, y_pred: Tensor) -> tuple[Tensor, Tensor]:
    """Predictions `(batch, ...)` that are 0 at padding, and the ids of the rows as `keras_seq.ops.labels.row_ids` gives
    them, `(batch,)`.

    Args:
        y_true: ids `(batch,)` or `(batch, 1)`; -1 at padding.
        y_pred: `(batch, ...)`.

    Raises:
        ValueError: if `y_true` has another shape.
    """
    y_true = as_labels(y_true)
    check_rows(y_true, y_pred)
    ids = row_ids(y_true)
    # Not the costs alone: what stands in a row of padding, a number or not, may have no gradient.
    is_real = ops.reshape(ids != NO_LABEL, (-1,) + (1,) * (len(y_pred.shape) - 1))
    return ops.where(is_real, y_pred, 0.0), ids


def vectors_and_ids(y_true: Any, y_pred: Tensor) -> tuple[Tensor, Tensor]:
    """Vectors `(rows, features)` and their class ids `(rows,)`, of vectors or of stacked pairs, as `rows_and_ids`.

    Args:
        y_true: class ids `(batch,)`.
        y_pred: `(batch, features)`, or `(batch, 2, features)`: both vectors of a row are of its class.

    Raises:
        ValueError: if `y_pred` has another number of axes, or `y_true` another number of rows.
    """
    if len(y_pred.shape) not in (2, 3):
        raise ValueError(
            "`y_pred` must be vectors (batch, features), or pairs of them (batch, 2, features). Received: "
            f"y_pred.shape={tuple(y_pred.shape)}. Give one vector, or two, for each label."
        )
    vectors, ids = rows_and_ids(y_true, y_pred)
    if len(y_pred.shape) == 3:
        return ops.reshape(vectors, (-1, y_pred.shape[-1])), ops.repeat(ids, y_pred.shape[1])
    return vectors, ids


def same_and_different(ids: Tensor) -> tuple[Tensor, Tensor]:
    """Which rows are positives and which negatives of each row, bool `(rows, rows)`; a row with id -1 is neither."""
    is_real = ids >= 0
    both = ops.logical_and(is_real[:, None], is_real[None, :])
    is_equal = ops.equal(ids[:, None], ids[None, :])
    others = ops.logical_not(ops.cast(ops.eye(ops.shape(ids)[0]), "bool"))
    same = ops.logical_and(ops.logical_and(both, is_equal), others)
    return same, ops.logical_and(both, ops.logical_not(is_equal))


def batch_hard_cost(distances: Tensor, ids: Tensor, margin: float, soft: bool) -> Tensor:
    """The mean over anchors of the cost of the farthest positive and the nearest negative; 0 without any triplet."""
    same, different = same_and_different(ids)
    farthest = ops.max(ops.where(same, distances, _LOWEST), axis=1)
    nearest = ops.min(ops.where(different, distances, _HIGHEST), axis=1)
    is_anchor = ops.logical_and(ops.any(same, axis=1), ops.any(different, axis=1))
    gaps = ops.where(is_anchor, farthest - nearest, 0.0)
    return _mean_where(is_anchor, ops.softplus(gaps) if soft else ops.relu(margin + gaps))


def semi_hard_cost(distances: Tensor, ids: Tensor, margin: float) -> Tensor:
    """The mean over pairs of one class of the cost with the nearest negative that is farther than the positive; where
    there is none, with the farthest negative. 0 without any triplet."""
    same, different = same_and_different(ids)
    # Axes: anchor, positive, negative.
    is_farther = ops.logical_and(different[:, None, :], distances[:, None, :] > distances[:, :, None])
    nearest = ops.min(ops.where(is_farther, distances[:, None, :], _HIGHEST), axis=2)
    farthest = ops.max(ops.where(different, distances, _LOWEST), axis=1)
    negative = ops.where(ops.any(is_farther, axis=2), nearest, farthest[:, None])
    is_pair = ops.logical_and(same, ops.any(different, axis=1)[:, None])
    return _mean_where(is_pair, ops.relu(margin + ops.where(is_pair, distances - negative, 0.0)))


def batch_all_cost(distances: Tensor, ids: Tensor, margin: float) -> Tensor:
    """The mean cost of all triplets that have one; 0 without any."""
    same, different = same_and_different(ids)
    gaps = margin + distances[:, :, None] - distances[:, None, :]
    is_triplet = ops.logical_and(same[:, :, None], different[:, None, :])
    return _mean_where(ops.logical_and(is_triplet, gaps > 0), gaps)


def multi_similarity_cost(
    scores: Tensor, ids: Tensor, alpha: float, beta: float, base: float, epsilon: float
) -> Tensor:
    """The mean over real rows of the multi-similarity cost of mined pairs, from the cosines of all rows."""
    same, different = same_and_different(ids)
    closest = ops.max(ops.where(different, scores, _LOWEST), axis=1, keepdims=True)
    farthest = ops.min(ops.where(same, scores, _HIGHEST), axis=1, keepdims=True)
    positives = ops.logical_and(same, scores - epsilon < closest)
    negatives = ops.logical_and(different, scores + epsilon > farthest)
    costs = _log_one_plus(positives, -alpha * (scores - base)) / alpha
    costs += _log_one_plus(negatives, beta * (scores - base)) / beta
    return _mean_where(ids >= 0, costs)


def info_nce_costs(scores: Tensor, ids: Tensor, symmetric: bool) -> Tensor:
    """The cross-entropy of each pair against the others, from logits `(batch, batch)`; 0 at padding.

    Args:
        scores: similarities divided by the temperature.
        ids: `(batch,)`, as `keras_seq.ops.labels.row_ids` gives them: pairs of equal id are no negatives of each other;
            -1: padding. NaN where an id is none.
        symmetric: whether second halves look for first ones too; the cost is then the mean of both.
    """
    is_real = ids >= 0
    is_other = ops.logical_and(ops.not_equal(ids[:, None], ids[None, :]), is_real[None, :])
    is_own = ops.cast(ops.eye(ops.shape(scores)[0]), "bool")
    is_counted = ops.logical_or(is_other, is_own)
    own = ops.diagonal(scores)
    costs = ops.logsumexp(ops.where(is_counted, scores, _LOWEST), axis=1) - own
    if symmetric:
        backwards = ops.where(is_counted, ops.transpose(scores), _LOWEST)
        costs = (costs + ops.logsumexp(backwards, axis=1) - own) / 2
    return _of_real_rows(costs, ids)


def _of_real_rows(costs: Tensor, ids: Tensor) -> Tensor:
    """Costs that are 0 at padding, and NaN where an id is none: the row may be a negative of others, or not."""
    costs = ops.where(ops.any(ops.equal(ids, NO_ID)), float("nan"), costs)
    return ops.where(ops.equal(ids, NO_LABEL), 0.0, costs)


def _hinge(values: Tensor, candidates: Tensor) -> Tensor:
    """`max(values, 0)` of rows that have a candidate."""
    return ops.where(ops.any(candidates, axis=1), ops.relu(values), 0.0)


def _sum_where(condition: Tensor, values: Tensor) -> Tensor:
    return ops.sum(ops.where(condition, values, 0.0), axis=1)


def _mean_where(condition: Tensor, values: Tensor) -> Tensor:
    count = ops.sum(ops.cast(condition, values.dtype))
    return ops.divide_no_nan(ops.sum(ops.where(condition, values, 0.0)), count)


def _log_one_plus(condition: Tensor, values: Tensor) -> Tensor:
    """`log(1 + sum(exp(values)))` of each row, over the places of the condition."""
    kept = ops.where(condition, values, _LOWEST)
    return ops.logsumexp(ops.pad(kept, [[0, 0], [0, 1]]), axis=1)
