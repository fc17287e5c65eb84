import numpy as np
import pytest
from sklearn.utils.class_weight import compute_class_weight

from keras_seq.ops.class_weights import class_weights_balanced


def test_those_of_scikit_learn():
    labels = np.repeat([0, 1, 2], [50, 7, 3])
    expected = compute_class_weight("balanced", classes=np.arange(3), y=labels)
    for counts in ([50, 7, 3], np.array([50, 7, 3])):
        weights = class_weights_balanced(counts)
        assert weights == pytest.approx(list(expected))
        assert {type(weight) for weight in weights} == {float}
    assert sum(weight * count for weight, count in zip(weights, counts, strict=True)) / 60 == pytest.approx(1)


def test_a_class_without_an_example_does_not_count():
    assert class_weights_balanced([30, 0, 10]) == [40 / 60, 1.0, 2.0]


@pytest.mark.parametrize(
    ("counts", "error", "message"),
    [
        ([], ValueError, "`counts` must have at least one example"),
        ([0, 0], ValueError, "`counts` must have at least one example"),
        ([1, -1], ValueError, "`counts` must be an integer of at least 0"),
        ([1.5], TypeError, "`counts` must be an integer"),
    ],
)
def test_wrong_counts(counts, error, message):
    with pytest.raises(error, match=message):
        class_weights_balanced(counts)
