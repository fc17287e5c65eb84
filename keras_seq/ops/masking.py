"""Which steps of a batch are real, and what each weighs."""

from typing import Any

from keras import ops

# Keras has no public name for it, and under JAX the mask of a traced tensor is no attribute of that tensor.
from keras.src.backend import get_keras_mask


def labels_of_real_steps(y_true: Any, y_pred: Any, ignored_label: int) -> Any:
    """The labels, with `ignored_label` also at the steps that the Keras mask of `y_pred` calls padding.

    For losses and metrics of one class per step: a step is real if its label and the mask, where there is one, say so.

    Args:
        y_true: Integer class ids `(batch, steps)`.
        y_pred: Scores of the classes `(batch, steps, classes)`, as a model put them out.
        ignored_label: The label of padding.

    Returns:
        An int32 tensor `(batch, steps)`.

    Raises:
        ValueError: When the shapes do not fit each other.
    """
    mask = get_keras_mask(y_pred)
    y_true, y_pred = ops.cast(y_true, "int32"), ops.convert_to_tensor(y_pred)
    ranks = (len(y_true.shape), len(y_pred.shape))
    if ranks != (2, 3) or not is_same_shape(y_true.shape, y_pred.shape[:2]):
        raise ValueError(
            "`y_true` must be class ids (batch, steps) and `y_pred` log-probabilities (batch, steps, classes). "
            f"Received: y_true.shape={tuple(y_true.shape)}, y_pred.shape={tuple(y_pred.shape)}. "
            "Give one integer per step, not a one-hot row, and labels padded to the length of the predictions."
        )
    return y_true if mask is None else ops.where(mask, y_true, ops.full_like(y_true, ignored_label))


def step_weights(real: Any, sample_weight: Any, dtype: Any) -> Any:
    """What each step weighs in a mean: 0 at padding, else its sample weight, or 1 without any.

    Args:
        real: Boolean `(batch, steps)`, `True` = real step.
        sample_weight: `None`, or weights `(batch,)` or `(batch, steps)`.
        dtype: The dtype of the result.

    Returns:
        A tensor `(batch, steps)`.

    Raises:
        ValueError: When `sample_weight` has another shape.
    """
    if sample_weight is None:
        return ops.cast(real, dtype)
    weights = ops.cast(ops.convert_to_tensor(sample_weight), dtype)
    shape = tuple(weights.shape)
    weights = weights[:, None] if len(shape) == 1 else weights
    if len(weights.shape) != 2 or not (weights.shape[1] == 1 or is_same_shape(weights.shape, real.shape)):
        raise ValueError(
            "`sample_weight` must have the shape (batch,) or (batch, steps). "
            f"Received: sample_weight.shape={shape} for labels of the shape {tuple(real.shape)}. "
            "Give one weight per row, or one per step."
        )
    return ops.where(real, weights, ops.zeros_like(weights))


def is_same_shape(shape: tuple, other_shape: tuple) -> bool:
    """Whether two shapes of one rank may be equal; a size that is not known yet (`None`) may be any."""
    return all(None in (size, other) or size == other for size, other in zip(shape, other_shape, strict=True))
