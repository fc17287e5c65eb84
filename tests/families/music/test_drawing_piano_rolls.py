import numpy as np
import pytest

from keras_seq.families.music.drawing_piano_rolls import draw_piano_rolls


def test_a_note_is_seen_and_other_notes_are_another_picture():
    roll = np.zeros((20, 88))
    roll[3:9, 40] = 1
    picture = draw_piano_rolls({"piece": roll})
    assert picture.dtype == np.uint8 and picture.shape[2] == 3
    assert (picture != draw_piano_rolls({"piece": np.roll(roll, 3, axis=0)})).any()
    # A second roll stands below, at the same width.
    both = draw_piano_rolls({"piece": roll, "expected": roll[:5] * 0.5})
    assert both.shape[0] > 1.5 * picture.shape[0] and both.shape[1] == picture.shape[1]


def test_silence_is_drawn():
    assert draw_piano_rolls({"rest": np.zeros((2, 88), bool)}).size


@pytest.mark.parametrize("rolls", [{}, {"a": np.zeros((0, 88))}, {"a": np.zeros((2, 88)), "b": np.zeros((2, 12))}])
def test_what_cannot_be_drawn(rolls):
    with pytest.raises(ValueError, match="`rolls` must hold at least one roll"):
        draw_piano_rolls(rolls)
