"""Vectors get the mask of the ids that they were made from."""

import keras
import numpy as np
import pytest
from keras import ops

from keras_seq.core.keras_compat import get_keras_mask
from keras_seq.layers import MaskFromIds
from keras_seq.testing import run_layer_test

pytestmark = pytest.mark.both_backends

VECTORS = np.random.default_rng(0).standard_normal((2, 3, 4)).astype("float32")
CHARACTERS = np.array([[[0, 5], [0, 0], [3, 4]], [[1, 0], [0, 0], [0, 0]]], "int32")
CASES = np.array([[0, 0, 1], [0, 0, 2]], "int32")


def test_layer():
    run_layer_test(
        MaskFromIds, arguments={}, inputs=[VECTORS, np.ones_like(CHARACTERS)], expected_output_shape=(2, 3, 4)
    )


@pytest.mark.both_backends
def test_a_token_is_real_if_any_of_its_ids_is():
    layer = MaskFromIds()
    for ids, expected in [
        ([CHARACTERS], [[True, False, True], [True, False, False]]),
        ([CHARACTERS, CASES], [[True, False, True], [True, False, True]]),
        ([CASES], [[False, False, True], [False, False, True]]),
    ]:
        outputs = layer([ops.convert_to_tensor(array) for array in (VECTORS, *ids)])
        assert ops.convert_to_numpy(get_keras_mask(outputs)).tolist() == expected
        np.testing.assert_array_equal(
            ops.convert_to_numpy(outputs), np.where(np.array(expected)[..., None], VECTORS, 0)
        )


def test_a_mask_of_the_vectors_must_agree():
    mask = np.array([[True, True, False], [True, True, True]])
    joined = MaskFromIds().compute_mask([VECTORS, CHARACTERS], [mask, None])
    assert ops.convert_to_numpy(joined).tolist() == [[True, False, False], [True, False, False]]


def test_wrong_inputs_are_refused():
    for inputs in ([VECTORS], [CASES, CASES], [VECTORS, CASES[:, 0]]):
        with pytest.raises(ValueError, match="`inputs` must be a list of vectors"):
            MaskFromIds()([keras.ops.convert_to_tensor(array) for array in inputs])
