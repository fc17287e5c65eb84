"""Affine changes of images."""

import math

import numpy as np
import pytest

from keras_seq.data import AffineRanges, augment_images
from keras_seq.data.image_augmentation import warp_images

IMAGES = np.random.default_rng(0).random((3, 7, 6)).astype("float32")
NONE = AffineRanges(0.0, 0.0, 0.0, 0.0)


def sampled(image, y, x):
    """Bilinear interpolation, one pixel at a time; beside the image is 0."""
    total = 0.0
    for row in (math.floor(y), math.floor(y) + 1):
        for column in (math.floor(x), math.floor(x) + 1):
            if 0 <= row < image.shape[0] and 0 <= column < image.shape[1]:
                total += (1 - abs(y - row)) * (1 - abs(x - column)) * float(image[row, column])
    return total


def test_warping_against_a_loop():
    generator = np.random.default_rng(1)
    matrices = generator.normal(size=(3, 2, 2))
    shifts = generator.normal(size=(3, 2))
    found = warp_images(IMAGES, matrices, shifts)
    for index, image in enumerate(IMAGES):
        for y in range(7):
            for x in range(6):
                place = matrices[index] @ (y - 3.0, x - 2.5) + shifts[index] + (3.0, 2.5)
                assert found[index, y, x] == pytest.approx(sampled(image, *place), abs=1e-5)


def test_nothing_changes_nothing():
    np.testing.assert_allclose(augment_images(IMAGES, NONE, np.random.default_rng(0)), IMAGES, atol=1e-6)


def test_a_quarter_turn():
    square = IMAGES[:, :6]
    turned = warp_images(square, np.tile([[0.0, 1.0], [-1.0, 0.0]], (3, 1, 1)), np.zeros((3, 2)))
    np.testing.assert_allclose(turned, np.rot90(square, 1, axes=(1, 2)), atol=1e-5)


def test_what_is_drawn_decides():
    ranges = AffineRanges()
    first, again, other = (augment_images(IMAGES, ranges, np.random.default_rng(seed)) for seed in (4, 4, 5))
    np.testing.assert_array_equal(first, again)
    assert np.abs(first - other).max() > 0.1
    assert first.min() >= 0 and first.max() <= 1


@pytest.mark.parametrize(
    ("arguments", "message"),
    [({"degrees": -1.0}, "`degrees`"), ({"scale": 1.0}, "`scale`"), ({"shift": -0.1}, "`shift`")],
)
def test_nonsense_is_refused(arguments, message):
    with pytest.raises(ValueError, match=message):
        AffineRanges(**arguments)
