"""Scores of text classifiers over whole data sets held as arrays."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from keras_seq.metrics.formulas import macro_f1, precision_recall_f1, ratio, scores_of_classes, total
from keras_seq.metrics.matched_arrays import check_probabilities, check_values, matched_arrays
from keras_seq.metrics.reliability import calibration_error
from keras_seq.ops.labels import NO_LABEL, as_labels


def classification_scores(true_ids: Any, probabilities: Any, class_names: Sequence[str]) -> dict[str, Any]:
    """Accuracy, F1 and calibration of a classifier that gives each text one class.

    Args:
        true_ids: Class ids `(texts,)`; texts whose id is `-1` have no label and are left out.
        probabilities: `(texts, classes)`.
        class_names: The names of the classes, in the order of their ids.

    Returns:
        A dictionary with `"accuracy"`; `"macro_f1"`, the mean over the classes that occur, in the labels or in the
        predictions; `"ece"`, as `ExpectedCalibrationError` with 15 bins; and `"classes"`: for each name a dictionary of
        `"precision"`, `"recall"`, `"f1"` and `"support"` (how many texts have that class). A ratio over nothing is 0.

    Raises:
        ValueError: if the shapes do not fit, an id is neither a class nor `-1`, or `probabilities` are none.

    Example:

    >>> scores = classification_scores([0, 1, 1], [[0.9, 0.1], [0.2, 0.8], [0.6, 0.4]], ["no", "yes"])
    >>> round(scores["accuracy"], 3), round(scores["macro_f1"], 3), scores["classes"]["yes"]["recall"]
    (0.667, 0.667, 0.5)

    Reference: scikit-learn's `f1_score` with `average="macro"` and `zero_division=0`.
    """
    true_ids, probabilities = _with_label("true_ids", true_ids, probabilities, class_names)
    predicted_ids = probabilities.argmax(axis=1)
    _, confusion = class_confusion(true_ids, predicted_ids, class_names)
    correct, predicted, true = confusion.diagonal(), confusion.sum(axis=0), confusion.sum(axis=1)
    classes = scores_of_classes(class_names, correct, predicted, true)
    return {
        "accuracy": float(ratio(correct.sum(), true.sum())),
        "macro_f1": float(macro_f1(correct, predicted, true)),
        "ece": calibration_error(probabilities.max(axis=1, initial=0.0), predicted_ids == true_ids),
        "classes": classes,
    }


def multi_label_scores(
    true_multi_hot: Any, probabilities: Any, class_names: Sequence[str], threshold: float = 0.5
) -> dict[str, Any]:
    """Accuracy, F1 and calibration of a classifier that gives each text any number of classes.

    Args:
        true_multi_hot: `(texts, classes)`, 1 for each class that the text has, else 0; rows of `-1` have no label and
            are left out.
        probabilities: `(texts, classes)`, of each class for itself.
        class_names: The names of the classes, in the order of their ids.
        threshold: A class is predicted when its probability is at least that.

    Returns:
        A dictionary with `"accuracy"`, the share of texts whose classes are all right and none too many; `"macro_f1"`,
        the mean over all classes (here, as in scikit-learn, one that never occurs counts as 0); `"micro_f1"`, over all
        decisions together; `"ece"`, over all decisions: the probability of a class beside how often texts have it, in
        15 bins; and `"classes"` as in `classification_scores`. A ratio over nothing is 0.

    Raises:
        ValueError: if the shapes do not fit, a label is not 0, 1 or a row of `-1`, or `probabilities` are none.

    Example:

    >>> true, probabilities = [[1, 1], [0, 1]], [[0.9, 0.4], [0.2, 0.7]]
    >>> scores = multi_label_scores(true, probabilities, ["funny", "sad"])
    >>> scores["accuracy"], round(scores["micro_f1"], 3), scores["classes"]["sad"]["recall"]
    (0.5, 0.8, 0.5)
    """
    true, probabilities = _with_label("true_multi_hot", true_multi_hot, probabilities, class_names)
    expected = "hold 1 and 0, or -1 in all of a row without a label"
    remedy = "Write 1 for each class that the text has."
    check_values("true_multi_hot", true, np.isin(true, (0, 1)), expected, remedy)
    true = true.astype(bool)
    predicted = probabilities >= threshold
    counts = (true & predicted).sum(axis=0), predicted.sum(axis=0), true.sum(axis=0)
    classes = scores_of_classes(class_names, *counts)
    return {
        "accuracy": float(ratio((true == predicted).all(axis=1).sum(), len(true))),
        "macro_f1": float(ratio(sum(scores["f1"] for scores in classes.values()), len(classes))),
        "micro_f1": float(precision_recall_f1(*map(total, counts))[2]),
        "ece": calibration_error(probabilities.ravel(), true.ravel()),
        "classes": classes,
    }


def class_confusion(
    true_ids: Any, predicted_ids: Any, class_names: Sequence[str], most: int = 1_000
) -> tuple[list[str], np.ndarray]:
    """Confusion matrix: how often texts of one class are taken for another.

    Memory grows with the square of `most`, not with that of the number of classes.

    Args:
        true_ids: Class ids `(texts,)`; texts whose id is `-1` are left out.
        predicted_ids: The same, predicted.
        class_names: The names of the classes, in the order of their ids.
        most: Of more classes those with most mistakes are counted.

    Returns:
        The names, and an int64 array `(classes, classes)` of counts: rows are true, columns
        predicted.

    Raises:
        ValueError: if the lengths differ, or an id is no class.

    Example:

    >>> names, counts = class_confusion([0, 1, 1, -1], [0, 1, 0, 1], ["no", "yes"])
    >>> names, counts.tolist()
    (['no', 'yes'], [[1, 0], [1, 1]])
    """
    arrays = {"true_ids": true_ids, "predicted_ids": predicted_ids}
    true_ids, predicted_ids = matched_arrays("class id for each text", **arrays)
    has_label = true_ids != NO_LABEL
    true_ids, predicted_ids = true_ids[has_label], predicted_ids[has_label]
    for argument, ids in (("true_ids", true_ids), ("predicted_ids", predicted_ids)):
        is_class = np.isin(ids, np.arange(len(class_names)))
        remedy = "Use the classes that the model was trained with, and -1 for a text without a label."
        check_values(argument, ids, is_class, f"hold ids of the {len(class_names)} classes", remedy)
    true_ids, predicted_ids = true_ids.astype("int64"), predicted_ids.astype("int64")
    chosen = most_confused(true_ids, predicted_ids, len(class_names), most)
    place = np.full(len(class_names), -1)
    place[chosen] = np.arange(len(chosen))
    rows, columns = place[true_ids], place[predicted_ids]
    counts = np.zeros((len(chosen), len(chosen)), "int64")
    is_counted = (rows >= 0) & (columns >= 0)
    np.add.at(counts, (rows[is_counted], columns[is_counted]), 1)
    return [class_names[index] for index in chosen], counts


def most_confused(true_ids: np.ndarray, predicted_ids: np.ndarray, num_classes: int, most: int) -> np.ndarray:
    """The ids of the classes with most mistakes, at most `most`, in ascending order.

    Args:
        true_ids: Class ids `(examples,)`.
        predicted_ids: The same, predicted.
        num_classes: How many classes there are.
        most: How many of them are wanted.

    Example:

    >>> most_confused(np.array([0, 1, 1, 2]), np.array([0, 2, 2, 2]), 3, most=2).tolist()
    [1, 2]
    """
    is_wrong = true_ids != predicted_ids
    mistakes = sum(np.bincount(ids[is_wrong], minlength=num_classes) for ids in (true_ids, predicted_ids))
    return np.sort(np.argsort(-mistakes, kind="stable")[:most])


def _with_label(argument: str, true: Any, probabilities: Any, class_names: Sequence[str]) -> tuple[np.ndarray, ...]:
    """What is true and what was predicted of the texts that have a label, checked."""
    true, probabilities = np.asarray(as_labels(true, argument)), np.asarray(probabilities)
    if probabilities.ndim != 2 or probabilities.shape[1] != len(class_names):
        raise ValueError(
            f"`probabilities` must have one column for each of the {len(class_names)} `class_names`. "
            f"Received: probabilities.shape={probabilities.shape}. Give the names of all classes of the model."
        )
    is_multi_label = argument == "true_multi_hot"
    if true.shape != (probabilities.shape if is_multi_label else probabilities.shape[:1]):
        expected = "the shape" if is_multi_label else "one class id for each row"
        raise ValueError(
            f"`{argument}` must have {expected} of `probabilities`. Received: {argument}.shape={true.shape}, "
            f"probabilities.shape={probabilities.shape}. Predict every text, and give both in the same order."
        )
    has_label = (true != NO_LABEL).any(axis=tuple(range(1, true.ndim)))
    true, probabilities = true[has_label], probabilities[has_label]
    check_probabilities("probabilities", probabilities)
    # Half precision rounds, up to a sum that is somewhat above 1.
    sums = probabilities.sum(axis=1)
    if not is_multi_label and not (sums <= 1.1).all():
        raise ValueError(
            "`probabilities` must sum up to 1 over the classes, of which a text has one. "
            f"Received: a sum of {sums.max()}. Give what a softmax puts out."
        )
    return true, probabilities
