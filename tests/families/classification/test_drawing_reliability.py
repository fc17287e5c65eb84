import numpy as np
import pytest

from keras_seq.families.classification.drawing_reliability import draw_reliability


def test_a_picture_of_each_classifier():
    generator = np.random.default_rng(0)
    confidences = generator.random(200)
    calibrated, wrong = (
        draw_reliability(confidences, right) for right in (generator.random(200) < confidences, [0] * 200)
    )
    for picture in (calibrated, wrong):
        assert picture.dtype == "uint8"
        assert picture.shape == (500, 450, 3)
        assert picture.std() > 0
    assert (calibrated != wrong).mean() > 0.01, "the bars follow what was right"
    # Bars of accuracy are blue; where nothing is right, there is none.
    blue = np.array([31, 119, 180])
    assert (calibrated == blue).all(-1).sum() > 1000
    assert (wrong == blue).all(-1).sum() == 0


def test_without_a_prediction():
    assert draw_reliability([], []).dtype == "uint8"


def test_wrong_arguments():
    with pytest.raises(ValueError, match="`confidences` and `correct` must have one number for each prediction"):
        draw_reliability([0.5, 0.5], [1])
