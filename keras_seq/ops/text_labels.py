"""The labels of whole texts: which class, which classes, or none."""

from typing import Any

from keras import ops

from keras_seq.ops.labels import NO_CLASS, NO_LABEL, as_labels, class_numbers, real_numbers
from keras_seq.ops.masking import is_same_shape, row_weights

# How far the shares of a text may be from 1 in sum, rounded as they may be.
_SUM_TOLERANCE = 0.01


def class_targets(y_true: Any, y_pred: Any, multi_label: bool = False) -> tuple[Any, Any]:
    """The share of each class in what is true of each text, and which texts have a label at all.

    Args:
        y_true: Class ids `(batch,)` or `(batch, 1)`, `-1` = no label; or shares `(batch, classes)`, floating, `-1` in
            all of a row without a label. With `multi_label` only the second: 1 for each class that the text has.
        y_pred: Probabilities `(batch, classes)`.
        multi_label: Whether a text can have several classes.

    Returns:
        Two tensors: float `(batch, classes)`, NaN in a row whose label is wrong (an id that is neither a class nor
        `-1`, a share outside 0 to 1, shares whose sum is not 1; with `multi_label` what is not within 0 and 1); bool
        `(batch,)`, `False` = no label.

    Raises:
        ValueError: if the shapes do not fit each other.
    """
    y_true, y_pred = as_labels(y_true), ops.convert_to_tensor(y_pred)
    shape, classes = tuple(y_true.shape), y_pred.shape[-1] if len(y_pred.shape) == 2 else None
    fits = classes is not None and len(shape) in (1, 2) and is_same_shape(shape[:1], y_pred.shape[:1])
    is_ids = fits and not multi_label and (len(shape) == 1 or shape[1] == 1)
    if not fits or not (is_ids or (len(shape) == 2 and shape[1] in (None, classes))):
        expected = "1 or 0 for each class (batch, classes)"
        if not multi_label:
            expected = "class ids (batch,), or shares of the classes (batch, classes),"
        raise ValueError(
            f"`y_true` must be {expected} and `y_pred` probabilities (batch, classes). "
            f"Received: y_true.shape={shape}, y_pred.shape={tuple(y_pred.shape)}. "
            "Give one label per text, and predictions of the same texts."
        )
    dtype = "float64" if y_pred.dtype == "float64" else "float32"
    if is_ids:
        labels = ops.reshape(class_numbers(y_true, classes), (-1,))
        has_label = ops.not_equal(labels, NO_LABEL)
        targets = ops.one_hot(labels, classes, dtype=dtype)
        is_right = ops.not_equal(labels, NO_CLASS)
    else:
        # Where the number of classes was left open, it is known from here on.
        targets = ops.reshape(real_numbers(y_true, dtype), (-1, classes))
        has_label = ops.any(ops.not_equal(targets, NO_LABEL), axis=-1)
        in_range = ops.all(ops.logical_and(targets >= 0, targets <= 1), axis=-1)
        if not multi_label:
            in_range = ops.logical_and(in_range, ops.abs(ops.sum(targets, axis=-1) - 1) <= _SUM_TOLERANCE)
        is_right = ops.logical_or(ops.logical_not(has_label), in_range)
    return ops.where(is_right[:, None], targets, float("nan")), has_label


def class_ids(y_true: Any, y_pred: Any) -> Any:
    """The class id of each text.

    Args:
        y_true: Class ids `(batch,)` or `(batch, 1)`.
        y_pred: Probabilities `(batch, classes)`.

    Returns:
        An int32 tensor `(batch,)`; `keras_seq.ops.labels.NO_CLASS` where a label is neither a class nor -1.

    Raises:
        ValueError: if the shapes do not fit each other.
    """
    y_true, y_pred = as_labels(y_true), ops.convert_to_tensor(y_pred)
    shape = tuple(y_true.shape)
    is_ids = len(shape) == 1 or (len(shape) == 2 and shape[1] == 1)
    if not is_ids or len(y_pred.shape) != 2 or not is_same_shape(shape[:1], y_pred.shape[:1]):
        raise ValueError(
            "`y_true` must be class ids (batch,) and `y_pred` probabilities (batch, classes). "
            f"Received: y_true.shape={shape}, y_pred.shape={tuple(y_pred.shape)}. "
            "Give one integer per text, and predictions of the same texts."
        )
    return ops.reshape(class_numbers(y_true, y_pred.shape[-1]), (-1,))


def counted_weights(labels: Any, sample_weight: Any, dtype: Any) -> Any:
    """What each text weighs in a metric: 0 without a label, else its sample weight, or 1 without any; NaN where a label
    is neither a class nor `-1`, so that it is seen.

    Args:
        labels: Class ids `(batch,)`, as `class_ids` gives them.
        sample_weight: `None`, or weights: one number for all, `(batch,)` or `(batch, 1)`.
        dtype: The dtype of the result.

    Returns:
        A tensor `(batch,)`.
    """
    weights = row_weights(ops.not_equal(labels, NO_LABEL), sample_weight, dtype)
    return ops.where(ops.equal(labels, NO_CLASS), float("nan"), weights)
