"""Side by side, and no mask lost."""

import keras
import numpy as np
import pytest

from keras_seq.core.keras_compat import get_keras_mask
from keras_seq.layers import ConcatenateFeatures
from keras_seq.testing import run_layer_test

pytestmark = pytest.mark.both_backends


def test_layer():
    generator = np.random.default_rng(0)
    inputs = [generator.standard_normal((2, 4, size)).astype("float32") for size in (3, 5)]
    run_layer_test(ConcatenateFeatures, arguments={}, inputs=inputs, expected_output_shape=(2, 4, 8))


def masked_model(**kwargs):
    ids = keras.Input((None,), dtype="int32")
    cases = keras.Input((None,), dtype="int32")
    words = keras.layers.Embedding(9, 4, mask_zero=True)(ids)
    unmasked = keras.layers.Embedding(5, 3)(cases)
    return keras.Model([ids, cases], ConcatenateFeatures(**kwargs)([words, unmasked]))


def test_an_unmasked_input_does_not_make_padding_real():
    ids = np.array([[3, 0, 4, 0]])
    output = masked_model()([ids, np.ones_like(ids)])
    assert np.array(get_keras_mask(output)).tolist() == [[True, False, True, False]]


def test_every_mask_has_its_say():
    layer = ConcatenateFeatures()
    masks = [np.array([[True, True, False]]), None, np.array([[False, True, True]])]
    assert np.array(layer.compute_mask([None] * 3, masks)).tolist() == [[False, True, False]]
    assert layer.compute_mask([None] * 2, [None, None]) is None


def test_it_survives_a_file(tmp_path):
    model = masked_model(name="joined")
    model.save(tmp_path / "model.keras")
    loaded = keras.saving.load_model(tmp_path / "model.keras")
    inputs = [np.array([[3, 0]]), np.array([[1, 0]])]
    np.testing.assert_array_equal(model(inputs), loaded(inputs))
    assert type(loaded.get_layer("joined")) is ConcatenateFeatures
