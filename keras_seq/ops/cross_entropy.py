"""Cross-entropy of one class per step, and of the classes of whole texts."""

from typing import Any

from keras import ops

# Added to a probability before its logarithm is taken: the logarithm and its gradient stay finite at 0. So small that
# a probability of 1e-25 still has its own gradient, and far enough from the ends of float32 for weights of classes.
SMALLEST_PROBABILITY = 1e-30


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


def safe_log(probabilities: Any) -> Any:
    """The logarithm of probabilities, finite at 0 as is its gradient; at least in float32."""
    probabilities = ops.convert_to_tensor(probabilities)
    if probabilities.dtype != "float64":
        probabilities = ops.cast(probabilities, "float32")
    return ops.log(probabilities + SMALLEST_PROBABILITY)


def class_cross_entropy(
    targets: Any, has_label: Any, probabilities: Any, class_weights: Any = None, multi_label: bool = False
) -> Any:
    """What each text costs, in nats.

    Args:
        targets: The share of each class `(batch, classes)`.
        has_label: Bool `(batch,)`.
        probabilities: `(batch, classes)`; with `multi_label` of each class for itself.
        class_weights: `None`, or what the term of each class weighs, `(classes,)`.
        multi_label: Whether to take the mean of one binary cross-entropy per class.

    Returns:
        A tensor `(batch,)`: 0 for a text without a label, whatever was predicted for it.
    """
    # Not the costs alone: what stands in a row without a label may have no gradient.
    probabilities = ops.where(has_label[:, None], probabilities, ops.ones_like(probabilities))
    terms = -targets * safe_log(probabilities)
    if multi_label:
        terms = (terms - (1 - targets) * safe_log(1 - probabilities)) / targets.shape[-1]
    if class_weights is not None:
        terms = terms * ops.convert_to_tensor(class_weights, dtype=terms.dtype)
    return ops.where(has_label, ops.sum(terms, axis=-1), 0.0)
