"""Fixtures: the family of the synthetic arrays."""

import pytest
import tiny

from keras_seq.core.plugins import FAMILIES


@pytest.fixture(scope="module")
def array_family():
    """The family whose recipes `tiny` makes; it needs no data, and no TensorFlow."""
    FAMILIES.add(tiny.FAMILY.name, tiny.FAMILY)
    yield
    FAMILIES.remove(tiny.FAMILY.name)
