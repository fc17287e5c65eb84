"""Added up, and no mask lost."""

import keras
import numpy as np
import pytest
from keras import ops

from keras_seq.core.keras_compat import get_keras_mask
from keras_seq.layers import SumFeatures
from keras_seq.testing import run_layer_test

pytestmark = pytest.mark.both_backends

PARTS = [np.random.default_rng(seed).standard_normal((2, 4, 3)).astype("float32") for seed in range(3)]


def test_layer():
    run_layer_test(SumFeatures, arguments={}, inputs=PARTS, expected_output_shape=(2, 4, 3))
    np.testing.assert_allclose(SumFeatures()(PARTS), PARTS[0] + PARTS[1] + PARTS[2], atol=1e-6)


def test_every_mask_has_its_say_and_an_unmasked_input_none():
    ids = keras.Input((None,), dtype="int32")
    vectors = [keras.layers.Embedding(9, 4, mask_zero=mask_zero)(ids) for mask_zero in (False, True, False)]
    outputs = keras.Model(ids, SumFeatures()(vectors))(ops.convert_to_tensor(np.array([[3, 0, 4, 0]])))
    assert ops.convert_to_numpy(get_keras_mask(outputs)).tolist() == [[True, False, True, False]]
    masks = [np.array([[True, True, False]]), None, np.array([[False, True, True]])]
    assert ops.convert_to_numpy(SumFeatures().compute_mask([None] * 3, masks)).tolist() == [[False, True, False]]
    assert SumFeatures().compute_mask(PARTS, [None] * 3) is None


def test_different_sizes_are_refused():
    with pytest.raises(ValueError, match="shape"):
        SumFeatures()([PARTS[0], PARTS[1][..., :2]])
