"""Vectors of length 1; zero vectors stay zero."""

import keras
import numpy as np
import pytest
from keras import ops

from keras_seq.layers import UnitLength
from keras_seq.testing import run_layer_test

pytestmark = pytest.mark.both_backends

VECTORS = np.random.default_rng(0).normal(size=(4, 5)).astype("float32")


def test_the_promises_of_layers():
    run_layer_test(UnitLength, arguments={}, inputs=VECTORS, expected_output_shape=(4, 5), run_padding=False)


@pytest.mark.parametrize("scale", [1e-3, 1.0, 1e6])
def test_lengths_are_one(scale):
    vectors = scale * VECTORS
    expected = vectors / np.linalg.norm(vectors.astype(float), axis=1, keepdims=True)
    np.testing.assert_allclose(ops.convert_to_numpy(UnitLength()(vectors)), expected, rtol=1e-5)
    np.testing.assert_array_equal(ops.convert_to_numpy(UnitLength()(np.zeros((2, 3), "float32"))), 0)


def test_equal_to_the_stock_layer():
    expected = ops.convert_to_numpy(keras.layers.UnitNormalization()(VECTORS))
    np.testing.assert_allclose(ops.convert_to_numpy(UnitLength()(VECTORS)), expected, rtol=1e-6)
