"""Whether predictions are what a loss takes them for: log-probabilities, probabilities, log-odds.

A softmax where log-probabilities are expected trains, to a loss below 0; logits where probabilities are expected train
as well. Each check costs a pass or two over the predictions, and has no gradient. Where the numbers are known it
raises; in a graph it tells which steps are wrong, for their costs to become NaN.
"""

from __future__ import annotations

from typing import Any

from keras import ops

from keras_seq.core.keras_calls import is_traced

Tensor = Any

# How far the sum of probabilities may be above 1: those of half precision are rounded.
_HIGHEST_SUM = 1.1
# How far a log-probability may be above 0, as it is where 1 is rounded up, or something is added before the logarithm.
_HIGHEST_LOGARITHM = 0.02
# So many log-odds do not lie between 0 and 1 by chance: most notes are silent most of the time.
_MANY = 8


def not_log_probabilities(y_pred: Tensor, real: Tensor) -> Tensor:
    """At which real steps a number is above 0, or is none: bool `(batch, steps)`.

    Of a softmax over K classes one number is at least 1 / K, at every step; of logits one is nearly always above 0.
    That the probabilities sum up to 1 is not asked: it would cost an exponential of every number, and classes may be
    left out.

    Args:
        y_pred: `(batch, steps, classes)`.
        real: Boolean `(batch, steps)`.

    Raises:
        ValueError: if the numbers are known, and one is above 0.
    """
    # `initial`, for there may be no rows.
    highest = ops.max(ops.stop_gradient(y_pred), axis=-1, initial=-float("inf"))
    is_positive = highest > min(_HIGHEST_LOGARITHM, 0.5 / (y_pred.shape[-1] or 1))
    _check(
        ops.logical_and(real, is_positive),
        "`y_pred` must be log-probabilities, which are at most 0. Received: numbers above 0. End the model in a "
        "log-softmax, neither in a softmax nor in logits.",
    )
    return ops.logical_and(real, ops.logical_or(is_positive, ops.isnan(highest)))


def not_probabilities(y_pred: Tensor, real: Tensor, *, each_for_itself: bool = False) -> Tensor:
    """Which real rows have numbers outside 0 to 1, a sum above 1, or what is no number: bool `(batch,)`.

    Args:
        y_pred: `(batch, classes)`.
        real: Boolean `(batch,)`.
        each_for_itself: Whether they are those of a sigmoid per class, whose sum may be any.

    Raises:
        ValueError: if the numbers are known, and such a row is among them.
    """
    values = ops.stop_gradient(y_pred)
    lowest = ops.min(values, axis=-1, initial=float("inf"))  # `initial`, for there may be no rows
    most = ops.max(values, axis=-1, initial=-float("inf"))
    highest = most if each_for_itself else ops.sum(values, axis=-1)
    expected, end = ("", "sigmoid") if each_for_itself else (", that sum up to 1 over the classes", "softmax")
    _check(
        ops.logical_and(real, ops.logical_or(lowest < 0, highest > _HIGHEST_SUM)),
        f"`y_pred` must be probabilities, from 0 to 1{expected}. Received: a row of others. End the model in a {end}.",
    )
    is_right = ops.logical_and(lowest >= 0, highest <= _HIGHEST_SUM)
    return ops.logical_and(real, ops.logical_not(is_right))


def not_log_odds(y_pred: Tensor, real: Tensor) -> Tensor:
    """At which real steps log-odds are probabilities, or no numbers: bool `(batch, steps)`.

    They are taken for probabilities where there are many, and all lie between 0 and 1.

    Args:
        y_pred: `(batch, steps, notes)`.
        real: Boolean `(batch, steps)`.

    Raises:
        ValueError: if the numbers are known, and are probabilities.
    """
    values = ops.where(real[..., None], ops.stop_gradient(y_pred), 0.0)
    is_share = ops.logical_and(values >= 0, values <= 1)
    # Zeros alone are the log-odds of a model that knows nothing yet.
    is_many = ops.sum(ops.cast(ops.logical_and(is_share, values > 0), "int32")) >= _MANY
    are_shares = ops.logical_and(is_many, ops.all(is_share))
    _check(
        are_shares,
        "`y_pred` must be log-odds, of any size. Received: numbers from 0 to 1 alone, as probabilities are. End the "
        "model in a dense layer without activation.",
    )
    return ops.logical_and(real, ops.logical_or(are_shares, ops.any(ops.isnan(values), axis=-1)))


def _check(is_wrong: Tensor, message: str) -> None:
    if not is_traced(is_wrong) and bool(ops.any(is_wrong)):
        raise ValueError(message)
