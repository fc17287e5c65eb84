"""Weights of classes that have few examples."""

from collections.abc import Sequence

import numpy as np

from keras_seq.core.checks import check_non_negative_integer


def class_weights_balanced(counts: Sequence[int] | np.ndarray) -> list[float]:
    """Balanced class weights, for all classes to count alike: `examples / (classes * examples of the class)`.

    For the `class_weights` of `keras_seq.losses.ClassCrossEntropy`. The mean weight of the counted examples is 1, so
    that the scale of the loss, and with it the learning rate, stays what it was. The numbers are those of
    `class_weight="balanced"` in scikit-learn.

    Args:
        counts: How many training examples each class has, in the order of the class ids.

    Returns:
        One weight for each class; 1 for a class without an example, which does not count as one of the classes.

    Raises:
        TypeError: if a count is not an integer.
        ValueError: if a count is negative, or if there is no example at all.

    Example:

    >>> class_weights_balanced([30, 10])
    [0.6666666666666666, 2.0]
    """
    counts = np.asarray(counts).tolist() if isinstance(counts, np.ndarray) else list(counts)
    for count in counts:
        check_non_negative_integer("counts", count)
    occurring = sum(count > 0 for count in counts)
    if not occurring:
        raise ValueError(
            f"`counts` must have at least one example. Received: counts={counts!r}. Count the labels of the training."
        )
    return [sum(counts) / (occurring * count) if count else 1.0 for count in counts]
