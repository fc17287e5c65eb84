import numpy as np
import pytest

from keras_seq.core import checks


@pytest.mark.parametrize(
    ("check", "good", "bad_values", "bad_types"),
    [
        (checks.check_integer, [0, -3, np.int64(7)], [], [1.0, True, "1", None]),
        (checks.check_positive_integer, [1, np.int32(4)], [0, -1], [1.0, True, "1", None]),
        (checks.check_non_negative_integer, [0, 5], [-1], [0.0, False, None]),
        (checks.check_number, [-0.5, 0, np.float32(2)], [-float("inf"), float("nan")], [True, "1", None]),
        (checks.check_positive_number, [0.5, 1, np.float32(2)], [0, -1.0, float("inf"), float("nan")], [True, "1"]),
        (checks.check_rate, [0, 0.5], [1, 1.5, -0.1, float("nan")], [False, None]),
        (checks.check_boolean, [True, False], [], [0, 1, None]),
    ],
)
def test_checks(check, good, bad_values, bad_types):
    for value in good:
        check("units", value)
    for value in bad_values:
        with pytest.raises(ValueError, match=r"`units` .* Received: units="):
            check("units", value)
    for value in bad_types:
        with pytest.raises(TypeError, match=r"`units` .* Received: units="):
            check("units", value)


def test_check_choice():
    checks.check_choice("scheme", "BIO", ["BIO", "IOB1"])
    with pytest.raises(ValueError, match="`scheme` must be one of 'BIO', 'IOB1'. Received: scheme='XYZ'"):
        checks.check_choice("scheme", "XYZ", ["BIO", "IOB1"])
