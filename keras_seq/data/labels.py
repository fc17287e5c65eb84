"""The classes of labelled texts: their names in a fixed order, and checks of a file against them."""

import difflib
import os
import re
from collections.abc import Iterable, Sequence

from keras_seq.core.errors import DataError
from keras_seq.core.lines import shorten
from keras_seq.data.label_names import joined_label
from keras_seq.data.labelled_text import LabelledText

_INTEGER = re.compile(r"[+-]?[0-9]{1,18}")


def labels_of(examples: Iterable[LabelledText]) -> list[str]:
    """Names of the classes that occur: in numeric order when all are whole numbers, else by code point.

    Args:
        examples: Of the training data.

    Returns:
        A list of distinct names; the place of a name in it is its class id.

    Example:

    >>> labels_of([LabelledText(("10",), "a", 1, None), LabelledText(("9",), "b", 2, None)])
    ['9', '10']
    """
    names = {name for example in examples for name in example.labels}
    if all(_INTEGER.fullmatch(name) for name in names):
        return sorted(names, key=lambda name: (int(name), name))
    return sorted(names)


def check_classes(labels: Sequence[str], path: str | os.PathLike, *, several: bool = False) -> None:
    """Raise unless there is something to tell apart: two classes, or one where a text may have any number of labels.

    Args:
        labels: What `labels_of` gives.
        path: The file of the training data, for the message.
        several: Whether a text may have several labels or none.

    Raises:
        DataError: if there is less; it names the file and the class.
    """
    if len(labels) >= (1 if several else 2):
        return
    reason = f"one class only ({shorten(labels[0])})" if labels else "no text has a label"
    raise DataError(path, None, reason, "training needs examples of at least two classes: check the column of labels")


def check_labels(examples: Iterable[LabelledText], labels: Sequence[str], path: str | os.PathLike) -> None:
    """Raise when an example has a label that the training data does not have.

    Args:
        examples: Of the validation or test data.
        labels: What `labels_of` gives for the training data.
        path: The file of `examples`, for the message.

    Raises:
        DataError: if one has; it names file, line, the label and the closest known ones.
    """
    known = set(labels)
    for example in examples:
        for name in example.labels:
            if name not in known:
                alike = [label for label in labels if joined_label(label) == joined_label(name)]
                closest = alike or difflib.get_close_matches(name, labels, n=3)
                named = ", ".join(repr(label) for label in closest or labels[:3])
                if closest:
                    remedy = f"did you mean {named}{'; data.normalize_labels = true joins them' if alike else ''}"
                else:
                    remedy = f"its labels are {named}{', ...' if len(labels) > 3 else ''}: correct the label"
                raise DataError(
                    path, example.line, f"the training data does not have the label {shorten(name)}", remedy
                )
