"""The siamese model of images: one tower for both sides."""

import keras
import numpy as np
import pytest
from keras import ops

from keras_seq.losses import InfoNCELoss
from keras_seq.zoo import siamese_image_model, stacked_twins
from keras_seq.zoo.siamese_image import mean_of_views

pytestmark = pytest.mark.both_backends

IMAGES = np.random.default_rng(0).random((2, 4, 9, 8, 1)).astype("float32")


def small(**arguments):
    return siamese_image_model((9, 8), **{"filters": (3, 5), **arguments})


def call(model, **inputs):
    return ops.convert_to_numpy(model(inputs))


def test_there_is_one_set_of_weights():
    model = small(projection_units=(6, 4))
    tower = model.get_layer("tower")
    assert {id(weight) for weight in model.weights} == {id(weight) for weight in tower.weights}
    assert model.count_params() == tower.count_params()
    a, b = IMAGES
    before = call(model, image_a=a, image_b=b)
    for weight in tower.trainable_weights:
        weight.assign(weight + 0.2)
    after = call(model, image_a=a, image_b=b)
    assert np.abs(after - before).max() > 1e-3
    np.testing.assert_allclose(call(model, image_a=a, image_b=a), 1, atol=1e-6)
    np.testing.assert_allclose(call(model, image_a=b, image_b=a), after, atol=1e-6)


def test_blocks_against_numpy():
    """Convolution, batch normalisation, ReLU and maximum, in float64 with loops."""
    keras.utils.set_random_seed(3)
    model = siamese_image_model((5, 4), filters=(2,))
    tower = model.get_layer("tower")
    kernel, gamma, beta, mean, variance = (weight.numpy().astype(float) for weight in tower.weights)
    gamma, beta, mean, variance = gamma * 1.3, beta + 0.2, mean - 0.1, variance * 2
    tower.set_weights([kernel, gamma, beta, mean, variance])
    image = IMAGES[0, 0, :5, :4].astype(float)
    padded = np.pad(image[..., 0], 1)
    values = np.array(
        [[np.einsum("yx,yxc->c", padded[y : y + 3, x : x + 3], kernel[:, :, 0]) for x in range(4)] for y in range(5)]
    )
    values = np.maximum((values - mean) / np.sqrt(variance + 1e-3) * gamma + beta, 0)
    pooled = np.array([[values[y : y + 2, x : x + 2].max(axis=(0, 1)) for x in (0, 2)] for y in (0, 2)]).ravel()
    expected = pooled / np.linalg.norm(pooled)
    np.testing.assert_allclose(call(tower, image=image[None].astype("float32"))[0], expected, atol=1e-5)


def test_it_learns_which_are_the_same():
    keras.utils.set_random_seed(0)
    model = small(dropout=0.1)
    noisy = np.clip(IMAGES[0] + 0.05 * np.random.default_rng(1).normal(size=IMAGES[0].shape), 0, 1).astype("float32")
    inputs = {"image_a": IMAGES[0], "image_b": noisy}
    stacked = stacked_twins(model)
    stacked.compile(keras.optimizers.Adam(0.02), loss=InfoNCELoss(0.1))
    stacked.fit(inputs, np.arange(4), epochs=30, verbose=0)
    assert call(model, **inputs).min() > call(model, image_a=IMAGES[0], image_b=noisy[::-1].copy()).max()


@pytest.mark.parametrize("shift", [0, 1, 3])
def test_the_mean_of_views(shift):
    tower = small(projection_units=4).get_layer("tower")
    images = IMAGES[0]
    moved = [images]
    for rows, columns in ((shift, 0), (-shift, 0), (0, shift), (0, -shift)):
        one = np.roll(images, (rows, columns), axis=(1, 2))
        one[:, : max(rows, 0)] = one[:, 9 + min(rows, 0) :] = 0
        one[:, :, : max(columns, 0)] = one[:, :, 8 + min(columns, 0) :] = 0
        moved.append(one)
    mean = np.mean([call(tower, image=one).astype(float) for one in moved], axis=0)
    expected = mean / np.linalg.norm(mean, axis=1, keepdims=True)
    np.testing.assert_allclose(call(mean_of_views(tower, shift), image=images), expected, atol=1e-5)


def test_a_small_image_is_not_pooled_away():
    model = siamese_image_model(4, filters=(3, 3, 3, 3))
    assert model.get_layer("tower").output_shape == (None, 3)
    assert np.isfinite(call(model, image_a=np.zeros((2, 4, 4, 1)), image_b=np.ones((2, 4, 4, 1)))).all()


@pytest.mark.parametrize(
    ("size", "arguments", "message"),
    [
        ((9, 8, 1), {}, "`image_size` must be height and width"),
        (0, {}, "`image_size` must be"),
        (9, {"filters": ()}, "`filters` must name one block"),
        (9, {"filters": (3, 0)}, "`filters` must be"),
        (9, {"projection_units": (0,)}, "`projection_units` must be"),
        (9, {"dropout": 1.0}, "`dropout` must be"),
    ],
)
def test_nonsense_is_refused(size, arguments, message):
    with pytest.raises(ValueError, match=message):
        siamese_image_model(size, **arguments)
