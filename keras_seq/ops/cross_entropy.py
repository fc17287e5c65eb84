"""Cross-entropy of one class per step, and of the classes of whole texts."""

from typing import Any

from keras import ops

# A probability counts as no less before its logarithm is taken, so that the logarithm and its gradient are finite at 0:
# so little that a probability of 1e-25 has a gradient of its own, and far enough from the end of float32 for weights of
# classes. (`p + 1e-30` would do as well, had compilers not the liberty to make `1 - p + 1e-30` into `1 - p`.)
SMALLEST_PROBABILITY = 1e-30
# Half of the least that float32 can hold of `1 - p`: it tells nothing of a `p` nearer to 1.
SMALLEST_COMPLEMENT = 2.0**-25


def step_cross_entropy(labels: Any, log_probabilities: Any, ignored_label: int) -> Any:
    """What each step costs: `-log p(label)`, in nats.

    Args:
        labels: Class ids `(batch, steps)`.
        log_probabilities: `(batch, steps, classes)`, floating.
        ignored_label: The label of padding.

    Returns:
        A tensor `(batch, steps)`: 0 at padding, whatever was predicted there; NaN where a label is neither a class nor
        `ignored_label`, so that a wrong label is seen and not taken for a sure prediction.
    """
    real = ops.not_equal(labels, ignored_label)
    class_ids = ops.cast(ops.where(real, labels, 0), "int32")
    chosen = ops.one_hot(class_ids, log_probabilities.shape[-1], dtype="bool")
    # A class of probability zero has the log-probability -inf, and 0 * -inf is no number.
    costs = -ops.sum(ops.where(chosen, log_probabilities, 0.0), axis=-1)
    costs = ops.where(ops.any(chosen, axis=-1), costs, float("nan"))
    return ops.where(real, costs, 0.0)


def class_cross_entropy(
    targets: Any, has_label: Any, probabilities: Any, class_weights: Any = None, multi_label: bool = False
) -> Any:
    """What each text costs, in nats.

    Args:
        targets: The share of each class `(batch, classes)`, float32 or float64.
        has_label: Bool `(batch,)`.
        probabilities: `(batch, classes)`; with `multi_label` of each class for itself.
        class_weights: `None`, or what the term of each class weighs, `(classes,)`.
        multi_label: Whether to take the mean of one binary cross-entropy per class.

    Returns:
        A tensor `(batch,)`: 0 for a text without a label, whatever was predicted for it.
    """
    # Not the costs alone: what stands in a row without a label may have no gradient.
    probabilities = ops.where(has_label[:, None], ops.cast(probabilities, targets.dtype), 1.0)
    terms = -targets * ops.log(ops.maximum(probabilities, SMALLEST_PROBABILITY))
    if multi_label:
        others = -(1 - targets) * ops.log(ops.maximum(1 - probabilities, SMALLEST_COMPLEMENT))
        terms = (terms + others) / targets.shape[-1]
    if class_weights is not None:
        terms = terms * ops.convert_to_tensor(class_weights, dtype=terms.dtype)
    return ops.where(has_label, ops.sum(terms, axis=-1), 0.0)
