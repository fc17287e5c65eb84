"""What a music model serves is what the plain model says."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from keras_seq.core.errors import DataError
from keras_seq.families.music.served import MusicFunctions, MusicSettings
from keras_seq.ops.random_numbers import uniform_numbers_of_columns
from keras_seq.zoo import music_model

NOTES = 7


@pytest.fixture(scope="module", params=["gru", "lstm"])
def functions(request):
    keras.utils.set_random_seed(2)
    return MusicFunctions(music_model(NOTES, cell=request.param, units=6, num_layers=2))


def random_notes(rows, steps, seed=0):
    return (np.random.default_rng(seed).random((rows, steps, NOTES)) < 0.4).astype("float32")


def plain_logits(functions, notes):
    """Log-odds of each step of a piece, from a rest and the steps before it."""
    before = np.concatenate([np.zeros_like(notes[:1]), notes[:-1]])[None]
    logits = functions.model({"notes": before, "step_mask": np.ones(before.shape[:2], "int32")})
    return keras.ops.convert_to_numpy(logits)[0].astype("float64")


def test_scores_of_pieces_of_any_length(functions):
    notes, lengths = random_notes(5, 9), np.array([9, 4, 2, 1, 0], "int32")
    found = {name: value.numpy() for name, value in functions.score(notes, lengths).items()}
    for row, length in enumerate(lengths):
        log_prob = 0.0
        if length:
            z, y = plain_logits(functions, notes[row, :length]), notes[row, :length]
            log_prob = -(np.logaddexp(0, z) - y * z)[1:].sum()
        assert found["log_prob"][row] == pytest.approx(log_prob, rel=1e-4, abs=1e-5)
        assert found["num_steps"][row] == max(length - 1, 0)
        assert found["nll_per_step"][row] == pytest.approx(-log_prob / max(length - 1, 1), rel=1e-4, abs=1e-5)
    # What stands after the end is not read, and lengths out of range are the nearest ones.
    noise = np.where(np.arange(9)[None, :, None] < lengths[:, None, None], notes, 1 - notes)
    for other, of_other in ((noise, lengths), (notes, np.array([99, 4, 2, 1, -3], "int32"))):
        again = functions.score(other, of_other)
        np.testing.assert_allclose(again["log_prob"], found["log_prob"], rtol=1e-5, atol=1e-5)


def test_no_pieces_and_no_steps(functions):
    for rows, steps in ((0, 4), (2, 0)):
        found = functions.score(random_notes(rows, steps), np.zeros(rows, "int32"))
        assert found["log_prob"].shape == (rows,)
        assert not np.any(found["nll_per_step"])


@pytest.mark.thorough
def test_two_hundred_steps_are_the_sequence(functions):
    notes = random_notes(2, 200)
    states = functions.first_states(2)
    read = tf.function(functions.step, autograph=False)
    for step in range(200):
        outputs = read(tf.constant(notes[:, step]), states)
        states = {name: outputs[name] for name in functions.state_sizes}
        if step % 40 == 39:
            before = {"notes": notes[:, : step + 1], "step_mask": np.ones((2, step + 1), "int32")}
            whole = keras.ops.convert_to_numpy(functions.model(before))[:, -1]
            np.testing.assert_allclose(outputs["logits"], whole, rtol=1e-5, atol=1e-5)
            np.testing.assert_allclose(outputs["probabilities"], 1 / (1 + np.exp(-whole)), rtol=1e-5, atol=1e-5)


def test_generated_notes_are_drawn_from_the_probabilities_of_the_model(functions):
    """Each note sounds where its random number is below the probability that the plain model gives it."""
    begin, length, temperature = random_notes(3, 4), 6, 0.8
    drawn = functions.generate(begin, length, temperature, 5)["notes"].numpy()
    assert drawn.shape == (3, 10, NOTES)
    np.testing.assert_array_equal(drawn[:, :4], begin)
    for row in range(3):
        probabilities = 1 / (1 + np.exp(-plain_logits(functions, drawn[row]) / temperature))
        for step in range(length):
            numbers = keras.ops.convert_to_numpy(uniform_numbers_of_columns(5, step, 3, NOTES))[row]
            np.testing.assert_array_equal(drawn[row, 4 + step], numbers < probabilities[4 + step])
    again = functions.generate(begin[:1], length, temperature, 5)["notes"].numpy()
    np.testing.assert_array_equal(again, drawn[:1])
    other = functions.generate(begin, length, temperature, 6)["notes"].numpy()
    assert (other != drawn).any()
    nothing = functions.generate(begin[:, :0], 3, 1.0, 5)["notes"]
    assert nothing.shape == (3, 3, NOTES)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ((0, 1.0, 1), "length must be at least 1"),
        ((10_001, 1.0, 1), "length must be at most 10000"),
        ((1, 0.0, 1), "temperature must be above 0"),
        ((1, -1.0, 1), "temperature must be above 0"),
        ((1, 1.0, -1), "seed must be at least 0"),
    ],
)
def test_what_has_no_meaning_is_refused(functions, arguments, message):
    with pytest.raises(tf.errors.InvalidArgumentError, match=message):
        functions.generate(random_notes(1, 1), *arguments)


def test_settings(tmp_path):
    MusicSettings(4, 120.0).save(tmp_path / "music.json")
    assert MusicSettings.load(tmp_path / "music.json") == MusicSettings(4, 120.0)
    with pytest.raises(ValueError, match="`steps_per_beat` must be a positive integer"):
        MusicSettings(0)
    with pytest.raises(DataError, match=r"none.json: cannot be read"):
        MusicSettings.load(tmp_path / "none.json")
    for damaged in ("{", '{"tempo": 3}', '{"beats_per_minute": "fast"}'):
        (tmp_path / "music.json").write_text(damaged)
        with pytest.raises(DataError, match=r"music.json: damaged \(.*\); export the model again"):
            MusicSettings.load(tmp_path / "music.json")
