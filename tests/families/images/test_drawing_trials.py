"""The picture of one-shot trials."""

import numpy as np
import pytest

from keras_seq.families.images.drawing_trials import draw_trials

GREEN, RED, BLUE = (44, 160, 44), (214, 39, 40), (31, 119, 180)


def colours_of(picture):
    return {tuple(pixel) for pixel in picture.reshape(-1, 3).tolist()} & {GREEN, RED, BLUE}


@pytest.mark.parametrize(
    ("choice", "answer", "colours"), [(1, 1, {GREEN}), (0, 2, {RED, BLUE}), (24, 23, {RED, BLUE}), (22, 22, {GREEN})]
)
def test_frames_tell_what_was_chosen(choice, answer, colours):
    references = np.random.default_rng(0).random((1, 25, 6, 6))
    picture = draw_trials(references, references[:, 0], np.array([choice]), np.array([answer]))
    assert picture.dtype == np.uint8 and colours_of(picture) == colours


def test_trials_of_different_number():
    images = np.zeros((2, 3, 4, 4))
    with pytest.raises(ValueError, match=r"must be of the same trials, at least one. Received: 2, 1, 2 and 2"):
        draw_trials(images, images[:1, 0], np.zeros(2, int), np.zeros(2, int))
    with pytest.raises(ValueError, match="at least one"):
        draw_trials(images[:0], images[:0, 0], np.zeros(0, int), np.zeros(0, int))
