import numpy as np
import pytest

from keras_seq.metrics import generation_scores


def test_scores_by_hand():
    # 5 texts: "Eva" twice and "Bia" are new (3 of 5); 4 differ. Lengths 3, 3, 3, 3, 5.
    scores = generation_scores(["Ana", "Eva", "Eva", "Bia", "Maria"], training=["Ana", "Maria", "João", "Rosa"])
    # Mean 17/5; squared deviations 4 x 0.16 + 2.56 = 3.2 over 5. Real lengths 3, 5, 4, 4.
    assert scores.pop("length_sd") == pytest.approx(0.8)
    assert scores.pop("real_length_sd") == pytest.approx(0.5**0.5)
    # |0.8 - 0.25| + |0 - 0.5| + |0.2 - 0.25|, halved.
    assert scores.pop("length_distance") == pytest.approx(0.55)
    assert scores == {
        "share_new": 0.6,
        "share_distinct": 0.8,
        "length_mean": 3.4,
        "real_length_mean": 4.0,
        "lengths": {3: 0.8, 5: 0.2},
        "real_lengths": {3: 0.25, 4: 0.5, 5: 0.25},
    }
    assert list(scores["real_lengths"]) == [3, 4, 5]


@pytest.mark.parametrize(("generated", "distance"), [(["abc", "x"], 0.0), (["ab", "abcd"], 1.0)])
def test_the_distance_lies_between_equal_and_disjoint(generated, distance):
    assert generation_scores(generated, training=["xyz", "y"])["length_distance"] == distance


def test_against_numpy_on_random_texts():
    generator = np.random.default_rng(0)
    texts, real = (["a" * length for length in generator.poisson(rate, 500)] for rate in (5, 7))
    scores = generation_scores(texts, real)
    counts, real_counts = (np.bincount([len(text) for text in some], minlength=40) / 500 for some in (texts, real))
    assert scores["length_distance"] == pytest.approx(0.5 * np.abs(counts - real_counts).sum())
    assert scores["length_sd"] == pytest.approx(np.std([len(text) for text in texts]))


@pytest.mark.parametrize("name", ["generated", "training"])
def test_wrong_arguments(name):
    texts = {"generated": ["a"], "training": ["a"]}
    with pytest.raises(ValueError, match=f"`{name}` must hold at least one text. Received: {name}=\\[\\]"):
        generation_scores(**{**texts, name: []})
    with pytest.raises(TypeError, match=f"`{name}` must be several texts. Received: {name}='Ana'"):
        generation_scores(**{**texts, name: "Ana"})
