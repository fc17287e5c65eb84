"""Which steps of a batch are real, and what each weighs."""

from typing import Any

from keras import ops

from keras_seq.core.keras_compat import get_keras_mask
from keras_seq.ops.labels import as_labels, class_numbers, real_numbers

# What predictions of one class per step are called in errors, by their number of axes.
LOG_PROBABILITIES = {3: "log-probabilities (batch, steps, classes)"}


def labels_of_real_steps(
    y_true: Any,
    y_pred: Any,
    ignored_label: int,
    *,
    mask: Any = None,
    forms: dict[int, str] = LOG_PROBABILITIES,
    num_classes: int | None = None,
) -> Any:
    """The labels, with `ignored_label` also at the steps that the Keras mask of `y_pred` calls padding.

    For losses and metrics of one class per step: a step is real if its label and the mask, where there is one, say so.

    Args:
        y_true: Integer class ids `(batch, steps)`.
        y_pred: Predictions of the same steps, as a model put them out.
        ignored_label: The label of padding.
        mask: The Keras mask, where `y_pred` does not carry it any more.
        forms: What `y_pred` may be: number of axes -> its name.
        num_classes: How many classes there are; by default the size of the last axis of `y_pred`, unless it has but two
            axes: then it is not known.

    Returns:
        An int32 tensor `(batch, steps)`; `keras_seq.ops.labels.NO_CLASS` where a label is neither a class nor
        `ignored_label`.

    Raises:
        ValueError: if the shapes do not fit each other.
    """
    mask = get_keras_mask(y_pred) if mask is None else mask
    y_true, y_pred = as_labels(y_true), ops.convert_to_tensor(y_pred)
    rank = len(y_pred.shape)
    if len(y_true.shape) != 2 or rank not in forms or not is_same_shape(tuple(y_true.shape), y_pred.shape[:2]):
        raise ValueError(
            f"`y_true` must be class ids (batch, steps) and `y_pred` {' or '.join(forms.values())}. "
            f"Received: y_true.shape={tuple(y_true.shape)}, y_pred.shape={tuple(y_pred.shape)}. "
            "Give one integer per step, not a one-hot row, and labels padded to the length of the predictions."
        )
    if num_classes is None and rank > 2:
        num_classes = y_pred.shape[-1]
    labels = class_numbers(y_true, num_classes, ignored_label)
    return labels if mask is None else ops.where(mask, labels, ops.full_like(labels, ignored_label))


def step_weights(real: Any, sample_weight: Any, dtype: Any) -> Any:
    """What each step weighs in a mean: 0 at padding, else its sample weight, or 1 without any.

    Args:
        real: Boolean `(batch, steps)`, `True` = real step.
        sample_weight: `None`, or weights: one number for all, `(batch,)`, `(batch, 1)` or `(batch, steps)`.
        dtype: The dtype of the result.

    Returns:
        A tensor `(batch, steps)`.

    Raises:
        ValueError: if `sample_weight` has another shape.
    """
    if sample_weight is None:
        return ops.cast(real, dtype)
    given = real_numbers(sample_weight, dtype, "sample_weight")
    shape = tuple(given.shape)
    weights = ops.reshape(given, (1, 1)) if not shape else given[:, None] if len(shape) == 1 else given
    is_right = len(weights.shape) == 2 and (not shape or is_same_shape(weights.shape[:1], real.shape[:1]))
    if not is_right or not (weights.shape[1] == 1 or is_same_shape(weights.shape, real.shape)):
        raise ValueError(
            "`sample_weight` must have the shape (batch,) or (batch, steps). "
            f"Received: sample_weight.shape={shape} for labels of the shape {tuple(real.shape)}. "
            "Give one weight per row, or one per step."
        )
    return ops.where(real, weights, ops.zeros_like(weights))


def row_weights(real: Any, sample_weight: Any, dtype: Any) -> Any:
    """What each row weighs in a mean: 0 at padding, else its sample weight, or 1 without any.

    Args:
        real: Boolean `(batch,)`, `True` = real row.
        sample_weight: `None`, or weights: one number for all, `(batch,)` or `(batch, 1)`.
        dtype: The dtype of the result.

    Returns:
        A tensor `(batch,)`.

    Raises:
        ValueError: if `sample_weight` has another shape.
    """
    if sample_weight is not None:
        shape = tuple(as_labels(sample_weight, "sample_weight").shape)
        is_right = len(shape) < 2 or (len(shape) == 2 and shape[1] == 1)
        if not is_right or (shape and not is_same_shape(shape[:1], real.shape[:1])):
            raise ValueError(
                "`sample_weight` must have the shape (batch,) or (batch, 1). "
                f"Received: sample_weight.shape={shape} for {real.shape[0]} rows. "
                "Give one weight per row; leave single steps out by their labels."
            )
    return step_weights(real[:, None], sample_weight, dtype)[:, 0]


def is_same_shape(shape: tuple, other_shape: tuple) -> bool:
    """Whether two shapes of one rank may be equal; a size that is not known yet (`None`) may be any."""
    return all(None in (size, other) or size == other for size, other in zip(shape, other_shape, strict=True))
