"""Confidence that can be believed: the temperature of a classifier, and the threshold below which it says nothing."""

import numbers
from typing import Any

import numpy as np
from keras import ops

from keras_seq.core.checks import check_positive_number
from keras_seq.ops.cross_entropy import SMALLEST_COMPLEMENT, SMALLEST_PROBABILITY
from keras_seq.ops.text_labels import NO_LABEL

LOWEST_TEMPERATURE, HIGHEST_TEMPERATURE = 0.05, 20.0


def fit_temperature(probabilities: Any, labels: Any, *, multi_label: bool = False) -> float:
    """Temperature scaling: the temperature that brings the probabilities of a classifier nearest to the labels.

    The `T` that minimises the mean negative log-likelihood of validation labels after `apply_temperature`. Above 1 the
    model was too sure, below 1 not sure enough. The order of the classes stays as it is, and so does the accuracy.

    Where every prediction is right the likelihood rises without end as `T` falls: such data cannot tell how sure the
    model should be, and the temperature is 1, as it is without any label. Else it lies between 0.05 and 20.

    Args:
        probabilities: `(texts, classes)`, as the model puts them out, of texts that it was not trained on.
        labels: Class ids `(texts,)`, `-1` = no label, such texts are left out; with `multi_label` 1 or 0 for each
            class, `(texts, classes)`, `-1` in all of a row without a label.
        multi_label: Whether the probabilities are those of a sigmoid per class.

    Returns:
        The temperature.

    Raises:
        ValueError: if the shapes do not fit each other, a label is wrong, or a probability is not a number.

    Example: 90% sure, right three times of four.

    >>> temperature = fit_temperature([[0.9, 0.1]] * 4, [0, 0, 0, 1])
    >>> round(temperature, 2), apply_temperature(np.array([[0.9, 0.1]]), temperature).round(2).tolist()
    (2.0, [[0.75, 0.25]])

    Reference: Guo et al., "On Calibration of Modern Neural Networks", ICML 2017, section 4.2.
    """
    # Here, for it takes long to import, and whoever applies a temperature does not need it.
    from scipy.optimize import minimize_scalar

    probabilities, labels = _checked_predictions(probabilities, labels, multi_label)
    decided = probabilities > 0.5 if multi_label else probabilities.argmax(axis=1)
    if (decided == labels).all():
        return 1.0

    def cost(log_temperature: float) -> float:
        scaled = apply_temperature(probabilities, float(np.exp(log_temperature)), multi_label=multi_label)
        if multi_label:
            of_labels = np.where(labels == 1, scaled, 1 - scaled)
        else:
            of_labels = np.take_along_axis(scaled, labels[:, None], axis=1)
        # A temperature near 0 makes probabilities of 0.
        return float(-np.log(of_labels + np.finfo("float64").tiny).mean())

    bounds = (np.log(LOWEST_TEMPERATURE), np.log(HIGHEST_TEMPERATURE))
    found = minimize_scalar(cost, bounds=bounds, method="bounded", options={"xatol": 1e-6})
    return float(np.clip(np.exp(found.x), LOWEST_TEMPERATURE, HIGHEST_TEMPERATURE))


def apply_temperature(probabilities: Any, temperature: Any, *, multi_label: bool = False) -> Any:
    """Probabilities at a temperature: `softmax(log p / T)`, or `sigmoid(logit(p) / T)` for each class by itself.

    The same code for arrays and for the tensors of an exported graph.

    Args:
        probabilities: `(..., classes)`, float32 or float64; a NumPy array or a tensor.
        temperature: A number above 0, or a tensor of one.
        multi_label: Whether the probabilities are those of a sigmoid per class.

    Returns:
        The scaled probabilities: a NumPy array for one, else a tensor; of the same shape and dtype.

    Raises:
        TypeError: if `temperature` is a number of the wrong type.
        ValueError: if `temperature` is a number that is not above 0.

    Example:

    >>> apply_temperature(np.array([0.9, 0.1]), 2.0)
    array([0.75, 0.25])
    """
    if isinstance(temperature, (numbers.Number, np.ndarray)):
        check_positive_number("temperature", temperature)
    # The names below are the same in both.
    library: Any = np if isinstance(probabilities, np.ndarray) else ops
    logarithms = library.log(library.maximum(probabilities, SMALLEST_PROBABILITY))
    if multi_label:
        logits = (logarithms - library.log(library.maximum(1 - probabilities, SMALLEST_COMPLEMENT))) / temperature
        # 1 / (1 + exp(-x)), which would overflow.
        return library.exp(-library.logaddexp(library.zeros_like(logits), -logits))
    scores = logarithms / temperature
    exponentials = library.exp(scores - library.max(scores, axis=-1, keepdims=True))
    return exponentials / library.sum(exponentials, axis=-1, keepdims=True)


def rejection_threshold(confidences: Any, keep: float) -> float:
    """The largest threshold that keeps at least a share of the texts: those whose confidence is not below it.

    Args:
        confidences: The confidence in validation texts that should be kept, `(texts,)`, in the dtype in which it will
            be compared with the threshold: a number of another precision could end on its other side.
        keep: The share, above 0 and at most 1.

    Returns:
        One of the confidences. Where several texts have it, more than `keep` are kept.

    Raises:
        TypeError: if `keep` is not a number.
        ValueError: if `keep` is outside (0, 1], or if `confidences` has no number or one that is none.

    Example: three of the four are at least 0.5 sure.

    >>> rejection_threshold([0.9, 0.2, 0.5, 0.7], keep=0.75)
    0.5
    """
    check_positive_number("keep", keep)
    if keep > 1:
        raise ValueError(
            f"`keep` must be a share: above 0 and at most 1. Received: keep={keep!r}. Pass 0.95 to keep 95%."
        )
    confidences = np.asarray(confidences)
    if confidences.ndim != 1 or not confidences.size or np.isnan(confidences.astype("float64")).any():
        raise ValueError(
            "`confidences` must be a flat array of at least one number. "
            f"Received: confidences={confidences!r}. Give one number per validation text."
        )
    # 0.07 * 100 is a little more than 7 in floating point, and would ask for 8 of 100.
    kept = int(np.ceil(keep * len(confidences) - 1e-9))
    return float(np.sort(confidences)[len(confidences) - max(kept, 1)])


def _checked_predictions(probabilities: Any, labels: Any, multi_label: bool) -> tuple[np.ndarray, np.ndarray]:
    """Float64 probabilities and integer labels of the texts that have a label."""
    probabilities, labels = np.asarray(probabilities, "float64"), np.asarray(labels)
    expected = probabilities.shape if multi_label else probabilities.shape[:1]
    if probabilities.ndim != 2 or labels.shape != expected:
        shape = "(texts, classes)" if multi_label else "(texts,)"
        raise ValueError(
            f"`probabilities` must have the shape (texts, classes) and `labels` {shape}. "
            f"Received: probabilities.shape={probabilities.shape}, labels.shape={labels.shape}. "
            "Give the predictions and the labels of the same texts."
        )
    has_label = (labels != NO_LABEL).any(axis=1) if multi_label else labels != NO_LABEL
    probabilities, labels = probabilities[has_label], labels[has_label]
    allowed = 2 if multi_label else probabilities.shape[1]
    is_class = np.isin(labels, np.arange(allowed))
    if not is_class.all():
        odd = labels[~is_class][0]
        raise ValueError(
            f"`labels` must be integers from 0 to {allowed - 1}, or -1 for no label. "
            f"Received: {odd} among the labels. Use the classes that the model was trained with."
        )
    # A softmax may round to a little more than 1.
    in_range = (probabilities >= 0) & (probabilities <= 1 + 1e-6)
    if not in_range.all():
        odd = probabilities[~in_range][0]
        raise ValueError(
            "`probabilities` must be numbers from 0 to 1. "
            f"Received: {odd} among the probabilities. Give what the model puts out, not logarithms or scores."
        )
    return probabilities.clip(0, 1), labels.astype("int64")
