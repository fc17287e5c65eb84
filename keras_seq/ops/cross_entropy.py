"""Cross-entropy of one class per step."""

from typing import Any

from keras import ops


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
