"""The picture of a piece and of generated music."""

import matplotlib.image
import numpy as np

from keras_seq.families import MusicModel
from keras_seq.families.music.served import MusicFunctions
from keras_seq.zoo import music_model


def test_the_picture_shows_the_piece_and_follows_the_seed(zoo_script, tmp_path):
    script = zoo_script("piano_rolls")
    model = MusicModel(MusicFunctions(music_model(units=4)), "small")
    piece = np.random.default_rng(0).random((9, 88)) < 0.1
    pictures = []
    for name, shown, seed in (("a", piece, 1), ("b", piece, 1), ("c", piece, 2), ("d", ~piece, 1)):
        script.draw(model, shown, tmp_path / f"{name}.png", steps=8, temperature=1.0, seed=seed)
        pictures.append(matplotlib.image.imread(tmp_path / f"{name}.png"))
    assert pictures[0].shape == pictures[1].shape and (pictures[0] == pictures[1]).all()
    for other in pictures[2:]:
        assert other.shape != pictures[0].shape or (other != pictures[0]).any()
