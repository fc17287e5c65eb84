"""Distances of vectors that are far from the origin, against float64."""

import numpy as np
import pytest
from keras import ops

from keras_seq.losses import TripletBatchAllLoss, TripletBatchHardLoss, TripletSemiHardLoss
from keras_seq.ops.similarity import distance_matrix, squared_distances

GENERATOR = np.random.default_rng(0)
VECTORS = GENERATOR.random((12, 8))
IDS = np.repeat(np.arange(3), 4)


def exact(a, b):
    """Squared distances by a loop."""
    return np.array([[np.sum((row - other) ** 2) for other in b] for row in a])


@pytest.mark.parametrize("offset", [0.0, 1000.0, -3e4])
def test_a_common_offset_changes_no_distance(offset):
    vectors = (VECTORS + offset).astype("float32")
    expected = exact(vectors.astype("float64"), vectors.astype("float64"))
    np.testing.assert_allclose(distance_matrix(vectors, "squared"), expected, rtol=1e-4, atol=1e-5)
    np.testing.assert_allclose(distance_matrix(vectors, "euclidean"), np.sqrt(expected), rtol=1e-4, atol=2e-3)
    found = squared_distances(vectors[:5], vectors[5:])
    np.testing.assert_allclose(found, expected[:5, 5:], rtol=1e-4, atol=1e-5)


def test_padding_does_not_move_the_others():
    vectors = (VECTORS + 1000).astype("float32")
    padded = np.concatenate([np.zeros((30, 8), "float32"), vectors])
    is_real = np.arange(42) >= 30
    found = ops.convert_to_numpy(distance_matrix(padded, "squared", is_real))[30:, 30:]
    np.testing.assert_allclose(found, exact(VECTORS, VECTORS), rtol=1e-3, atol=1e-3)
    alone = ops.convert_to_numpy(distance_matrix(padded, "squared", np.zeros(42, bool)))
    assert np.isfinite(alone).all()


@pytest.mark.parametrize("distance", ["euclidean", "squared"])
@pytest.mark.parametrize("loss_class", [TripletBatchAllLoss, TripletBatchHardLoss, TripletSemiHardLoss])
def test_losses_and_their_gradients_do_not_see_an_offset(loss_class, distance):
    loss = loss_class(distance=distance)
    # Offsets and differences that float32 holds exactly.
    near = np.round(VECTORS * 256) / 256
    garbage = np.full((3, 8), np.nan)
    found = {}
    for offset in (0.0, 1024.0):
        vectors = np.concatenate([near + offset, garbage]).astype("float32")
        ids = np.append(IDS, [-1, -1, -1])
        found[offset] = value_and_gradient(lambda rows, ids=ids: loss(ids, rows), vectors)
    (value, gradient), (far_value, far_gradient) = found[0.0], found[1024.0]
    assert far_value == pytest.approx(value, rel=1e-4)
    assert np.abs(gradient[:12]).max() > 0.01 and not gradient[12:].any()
    np.testing.assert_allclose(far_gradient, gradient, rtol=1e-3, atol=1e-4)
    # The sum of the gradients is that of moving all rows: nothing.
    np.testing.assert_allclose(gradient.sum(axis=0), 0, atol=1e-4)


def value_and_gradient(function, array):
    import keras

    if keras.backend.backend() == "jax":
        import jax

        value, gradient = jax.value_and_grad(function)(ops.convert_to_tensor(array))
        return float(value), np.asarray(gradient)
    import tensorflow as tf

    tensor = tf.constant(array)
    with tf.GradientTape() as tape:
        tape.watch(tensor)
        value = function(tensor)
    return float(value), tape.gradient(value, tensor).numpy()
