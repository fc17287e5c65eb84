"""Labels of any dtype as class numbers and as ids."""

import numpy as np
import pytest
from keras import ops

from keras_seq.ops.labels import NO_CLASS, NO_ID, as_labels, class_numbers, row_ids


@pytest.mark.parametrize("as_tensor", [False, True])
@pytest.mark.parametrize(
    ("labels", "expected"),
    [
        (np.array([0, 2, 3, -1, -2], "int64"), [0, 2, NO_CLASS, -1, NO_CLASS]),
        (np.array([0, 2, 255], "uint8"), [0, 2, NO_CLASS]),
        (np.array([0, 2, 2**32 - 1], "uint32"), [0, 2, NO_CLASS]),
        (np.array([0.0, 2.0, -1.0, 0.5, -0.5, 2.9, np.nan, np.inf], "float32"), [0, 2, -1, *[NO_CLASS] * 5]),
        (np.array([0.0, 2.0, 1.25], "float16"), [0, 2, NO_CLASS]),
        (np.array([True, False]), [1, 0]),
    ],
    ids=lambda value: getattr(value, "dtype", None) and value.dtype.name,
)
def test_class_numbers(labels, expected, as_tensor):
    given = ops.convert_to_tensor(labels) if as_tensor else labels
    assert ops.convert_to_numpy(class_numbers(given, 3)).tolist() == expected


def test_class_numbers_of_64_bits():
    labels = np.array([2**32, 2**32 + 1, -(2**32), 2**40, 1])
    assert ops.convert_to_numpy(class_numbers(labels, 3)).tolist() == [*[NO_CLASS] * 4, 1]
    labels = np.array([2**64 - 1, 2**63, 1], "uint64")
    assert ops.convert_to_numpy(class_numbers(labels, 3)).tolist() == [NO_CLASS, NO_CLASS, 1]
    assert ops.convert_to_numpy(class_numbers([300, -100, 299], 300, -100)).tolist() == [NO_CLASS, -100, 299]


@pytest.mark.parametrize(
    ("ids", "expected"),
    [
        (np.array([7, 9, 7, -1, -2]), [0, 1, 0, -1, NO_ID]),
        (np.array([2**53, 2**53 + 1, 2**53]), [0, 1, 0]),
        (np.array([2**64 - 1, 2**64 - 2, 2**64 - 1], "uint64"), [0, 1, 0]),
        (np.array([2**32 - 1, 5, 2**32 - 1], "uint32"), [0, 1, 0]),
        (np.array([3.0, 2.0**23, 3.0, -1.0], "float32"), [0, 1, 0, -1]),
        (np.array([2.0**24, 0.5, np.nan, np.inf, -3.0], "float32"), [NO_ID] * 5),
        (np.array([2048.0, 7.0, 7.0], "float16"), [NO_ID, 1, 1]),
    ],
    ids=str,
)
def test_ids_of_rows(ids, expected):
    """Numbered anew: equal where the given ones are."""
    found = ops.convert_to_numpy(row_ids(ids)).tolist()
    assert partition(found) == partition(expected)
    if ids.dtype not in ("int64", "uint64") or abs(ids.astype("float64")).max() < 2**31:  # all that JAX can hold
        assert partition(ops.convert_to_numpy(row_ids(ops.convert_to_tensor(ids))).tolist()) == partition(expected)


def partition(ids):
    seen = {}
    return [number if number < 0 else seen.setdefault(number, len(seen)) for number in ids]


@pytest.mark.parametrize("labels", [["a", "b"], [[1], [1, 2]], np.array([1j]), np.array([None, 1])], ids=str)
def test_what_is_no_number(labels):
    with pytest.raises(ValueError, match="`y_true` must be numbers in an array or a dense tensor. Received: a "):
        as_labels(labels)
