"""Conformal intervals hold their share of what is new."""

import numpy as np
import pytest

from keras_seq.ops.conformal import conformal_radius, fewest_errors

pytestmark = pytest.mark.both_backends


@pytest.mark.parametrize("coverage", [0.5, 0.9, 0.95])
def test_the_radius_holds_its_share_of_new_errors(coverage):
    least = fewest_errors(coverage)
    with pytest.raises(ValueError, match=f"must be at least {least} for this coverage. Received: {least - 1}"):
        conformal_radius(np.ones(least - 1), coverage)
    for size in (least, 40):
        errors = np.random.default_rng(1).normal(size=(4000, size + 1))
        radii = np.array([conformal_radius(row[:-1], coverage) for row in errors])
        sizes, rank = np.sort(np.abs(errors[:, :-1])), int(np.ceil(coverage * (size + 1) - 1e-9))
        np.testing.assert_array_equal(radii, sizes[:, rank - 1])
        # The new error is one of so many, and each is as likely the largest of the first `rank`.
        assert np.mean(np.abs(errors[:, -1]) <= radii) == pytest.approx(rank / (size + 1), abs=0.03)
