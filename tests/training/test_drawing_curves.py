import numpy as np
import pytest

from keras_seq.metrics import curve_points
from keras_seq.training import draw_precision_recall, draw_roc, draw_similarities
from keras_seq.training.drawing_curves import _place_of

BLUE, RED, FUNCTIONS = [31, 119, 180], [214, 39, 40], [draw_roc, draw_precision_recall, draw_similarities]


def pairs(gap, count=300):
    generator = np.random.default_rng(0)
    is_same = generator.random(count) < 0.4
    return generator.normal(size=count) * 0.1 + gap * is_same, is_same


def pixels_near(picture, colour):
    """Rows and columns of the pixels of a colour."""
    return np.argwhere((np.abs(picture.astype(int) - colour) < 8).all(-1))


@pytest.mark.parametrize("draw", FUNCTIONS)
def test_a_picture_of_each_matcher(draw):
    good, poor = (draw(*pairs(gap), threshold=0.2) for gap in (0.4, 0.02))
    for picture in (good, poor):
        assert picture.dtype == "uint8" and picture.ndim == 3 and picture.shape[-1] == 3
        assert len(pixels_near(picture, RED)) > 10, "the threshold is marked"
    assert (good != poor).mean() > 0.003, "the picture follows the similarities"


@pytest.mark.parametrize("draw", [draw_roc, draw_precision_recall])
def test_a_better_curve_lies_higher(draw):
    heights = [pixels_near(draw(*pairs(gap), threshold=0.2), BLUE)[:, 0].mean() for gap in (0.6, 0.2, 0.0)]
    # Rows are counted from the top.
    assert heights[0] < heights[1] - 5 < heights[2] - 10


def test_the_mark_moves_with_the_threshold():
    similarities, is_same = pairs(0.2)
    for draw, axis in ((draw_roc, 1), (draw_precision_recall, 1), (draw_similarities, 1)):
        strict, lax = (
            pixels_near(draw(similarities, is_same, threshold), RED)[:, axis].mean() for threshold in (0.3, 0.0)
        )
        # A laxer threshold finds more, to the right; in the histogram it stands further left.
        assert (lax > strict + 20) == (draw is not draw_similarities) and abs(lax - strict) > 20


def test_the_mark_is_the_point_that_the_threshold_gives():
    points = curve_points([0.9, 0.9, 0.5, 0.1], [1, 0, 1, 0])
    places = [_place_of(points, threshold) for threshold in (1.0, 0.9, 0.7, 0.5, 0.3, 0.1, -1.0)]
    assert places == [0, 1, 1, 2, 2, 3, 3]


def test_the_histogram_counts_each_kind():
    # All same pairs in one bar, all others in another: both as high as the picture.
    picture = draw_similarities([0.0] * 5 + [1.0], [0] * 5 + [1], threshold=0.5, num_bins=2)
    orange = [255, 178, 110]
    blue = [121, 173, 210]
    found = [pixels_near(picture, colour) for colour in (orange, blue)]
    assert all(len(pixels) > 5_000 for pixels in found)
    assert abs(found[0][:, 0].min() - found[1][:, 0].min()) < 30
    assert found[0][:, 1].min() < found[1][:, 1].min() and found[0][:, 1].max() < found[1][:, 1].max()


@pytest.mark.parametrize("draw", FUNCTIONS)
@pytest.mark.parametrize(("similarities", "is_same"), [([], []), ([0.5] * 3, [1, 0, 1]), ([0.2, 0.4], [1, 1])])
def test_little_to_draw(draw, similarities, is_same):
    assert draw(similarities, is_same, 0.3).dtype == "uint8"


@pytest.mark.parametrize("draw", FUNCTIONS)
def test_wrong_pairs(draw):
    with pytest.raises(ValueError, match="`similarities` and `is_same` must have one number for each pair"):
        draw([0.5, 0.5], [1], 0.5)
    with pytest.raises(ValueError, match="`is_same` must be 1 or 0. Received: 3"):
        draw([0.5, 0.5], [1, 3], 0.5)


def test_wrong_number_of_bins():
    with pytest.raises(ValueError, match="`num_bins` must be a positive integer"):
        draw_similarities([0.5], [1], 0.5, num_bins=0)
