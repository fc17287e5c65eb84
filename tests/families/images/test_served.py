"""What a matcher of images serves is what the plain model says of reduced images."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from keras_seq.core.errors import DataError
from keras_seq.data import resize_images
from keras_seq.families.images.served import ImageMatchingFunctions, ImageSettings
from keras_seq.zoo import siamese_image_model

IMAGES = np.random.default_rng(0).random((5, 9, 8, 1)).astype("float32")


@pytest.fixture(scope="module", params=[False, True], ids=["as it is", "inverted"])
def functions(request):
    keras.utils.set_random_seed(1)
    model = siamese_image_model((6, 5), filters=(4, 6), projection_units=3)
    return ImageMatchingFunctions(model, ImageSettings(9, 8, invert=request.param, threshold=0.2))


def test_vectors_and_similarities(functions):
    reduced = resize_images(IMAGES[..., 0], 6, 5, invert=functions.settings.invert)[..., None]
    vectors = functions.call("embed", image=IMAGES)["vector"]
    np.testing.assert_allclose(vectors, functions.model.get_layer("tower")({"image": reduced}), atol=1e-5)
    found = functions.call("serving_default", a=IMAGES, b=IMAGES[::-1])
    expected = functions.model({"image_a": reduced, "image_b": reduced[::-1]})
    np.testing.assert_allclose(found["similarity"], expected, atol=1e-5)
    np.testing.assert_array_equal(found["duplicate"], found["similarity"].numpy() >= 0.2)


def test_no_image(functions):
    assert functions.call("embed", image=IMAGES[:0])["vector"].shape == (0, 3)
    assert functions.call("serving_default", a=IMAGES[:0], b=IMAGES[:0])["similarity"].shape == (0,)


@pytest.mark.parametrize("pixel", [np.nan, np.inf, -0.1, 255.0])
def test_pixels_that_are_none(functions, pixel):
    images = IMAGES.copy()
    images[3, 2, 1, 0] = pixel
    for signature, inputs in (("embed", {"image": images}), ("serving_default", {"a": images, "b": IMAGES})):
        with pytest.raises(tf.errors.InvalidArgumentError, match="pixels must be numbers from 0 to 1; received"):
            functions.call(signature, **inputs)


def test_numbers_and_sizes_of_images(functions):
    with pytest.raises(tf.errors.InvalidArgumentError, match="a and b must have the same number of rows"):
        functions.call("serving_default", a=IMAGES, b=IMAGES[:2])
    with pytest.raises(TypeError, match=r"shape=\(None, 9, 8, 1\)"):
        functions.call("embed", image=IMAGES[:, :8])


def test_settings():
    settings = ImageSettings(105, 90, True, 2, 0.25)
    assert ImageSettings.from_dict(settings.to_dict(), "task.json") == settings
    with pytest.raises(DataError, match=r"task.json: damaged \(`height` must be"):
        ImageSettings.from_dict({"height": 0}, "task.json")
    with pytest.raises(TypeError, match="`threshold` must be a number"):
        ImageSettings(threshold="0.5")
