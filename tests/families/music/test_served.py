"""What a music model serves is what the plain model says."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from keras_seq.core.errors import DataError
from keras_seq.export import windows
from keras_seq.export.served import initial_states
from keras_seq.families.music.served import MusicFunctions, MusicSettings
from keras_seq.ops.random_numbers import uniform_numbers_of_columns
from keras_seq.zoo import music_model

NOTES = 7


TRANSFORMER = {"kind": "transformer", "units": 6, "num_heads": 2, "causal": True, "window": 8}
ARGUMENTS = {"gru": {"cell": "gru", "units": 6, "num_layers": 2}, "lstm": {"units": 6, "num_layers": 2}}


@pytest.fixture(scope="module", params=["gru", "lstm", pytest.param("transformer", marks=pytest.mark.thorough)])
def functions(request):
    keras.utils.set_random_seed(2)
    # Pieces of a few steps have several windows.
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(windows, "STEPS_PER_WINDOW", 4)
        yield MusicFunctions(music_model(NOTES, **ARGUMENTS.get(request.param, {"encoder": TRANSFORMER})))


def random_notes(rows, steps, seed=0):
    return (np.random.default_rng(seed).random((rows, steps, NOTES)) < 0.4).astype("float32")


def plain_logits(functions, notes):
    """Log-odds of each step of a piece, from a rest and the steps before it."""
    before = np.concatenate([np.zeros_like(notes[:1]), notes[:-1]])[None]
    logits = functions.model({"notes": before, "step_mask": np.ones(before.shape[:2], "int32")})
    return keras.ops.convert_to_numpy(logits)[0].astype("float64")


def test_scores_of_pieces_of_any_length(functions):
    notes, lengths = random_notes(5, 9), np.array([9, 4, 2, 1, 0], "int32")
    found = {
        name: value.numpy() for name, value in functions.call("serving_default", notes=notes, lengths=lengths).items()
    }
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
        again = functions.call("serving_default", notes=other, lengths=of_other)
        np.testing.assert_allclose(again["log_prob"], found["log_prob"], rtol=1e-5, atol=1e-5)


def test_no_pieces_and_no_steps(functions):
    for rows, steps in ((0, 4), (2, 0)):
        found = functions.call("serving_default", notes=random_notes(rows, steps), lengths=np.zeros(rows, "int32"))
        assert found["log_prob"].shape == (rows,)
        assert not np.any(found["nll_per_step"])


@pytest.mark.thorough
def test_two_hundred_steps_are_the_sequence(functions):
    notes = random_notes(2, 200)
    states = initial_states(functions, 2)
    for step in range(200):
        outputs = functions.call("step", notes=notes[:, step], **states)
        states = {name: outputs[name] for name in states}
        if step % 40 == 39:
            before = {"notes": notes[:, : step + 1], "step_mask": np.ones((2, step + 1), "int32")}
            whole = keras.ops.convert_to_numpy(functions.model(before))[:, -1]
            np.testing.assert_allclose(outputs["logits"], whole, rtol=1e-5, atol=1e-5)
            np.testing.assert_allclose(outputs["probabilities"], 1 / (1 + np.exp(-whole)), rtol=1e-5, atol=1e-5)


def generated(functions, notes, **options):
    options = {"lengths": np.full(len(notes), notes.shape[1], "int32"), **options}
    outputs = functions.call("generate", notes=notes, **options)
    return outputs["notes"].numpy(), outputs["num_steps"].numpy()


OF_ROWS = {
    "length": np.array([6, 1, 9, 4, 6], "int32"),
    "temperature": np.array([0.8, 1.0, 2.5, 0.3, 0.8], "float32"),
    "seed": np.array([5, 5, 0, 2**31 - 1, 5], "int32"),
    "sample": np.array([0, 2, 7, 0, 3], "int32"),
}


def test_generated_notes_are_drawn_from_the_probabilities_of_the_model(functions):
    """Each note sounds where its random number is below the probability that the plain model gives it."""
    begin = random_notes(5, 4)
    drawn, num_steps = generated(functions, begin, **OF_ROWS)
    assert drawn.shape == (5, 13, NOTES)
    np.testing.assert_array_equal(num_steps, 4 + OF_ROWS["length"])
    np.testing.assert_array_equal(drawn[:, :4], begin)
    for row, length in enumerate(OF_ROWS["length"]):
        one = {name: values[row] for name, values in OF_ROWS.items()}
        probabilities = 1 / (1 + np.exp(-plain_logits(functions, drawn[row, : 4 + length]) / one["temperature"]))
        for step in range(length):
            numbers = uniform_numbers_of_columns(one["seed"], one["sample"], step, NOTES)[0].numpy()
            np.testing.assert_array_equal(drawn[row, 4 + step], numbers < probabilities[4 + step])
        assert not drawn[row, 4 + length :].any()


def test_a_row_among_others_with_other_options_is_what_it_is_alone(functions):
    begin = random_notes(5, 4)
    for prefix in (begin, begin[:, :0]):
        drawn, num_steps = generated(functions, prefix, **OF_ROWS)
        for rows in ([3, 1], *([row] for row in range(5))):
            chosen = {name: values[rows] for name, values in OF_ROWS.items()}
            notes, steps = generated(functions, prefix[rows], **chosen)
            np.testing.assert_array_equal(notes, drawn[rows, : notes.shape[1]])
            np.testing.assert_array_equal(steps, num_steps[rows])
    # Alike but for their samples, rows differ.
    drawn, _ = generated(functions, begin[[0, 0]], length=[6, 6], temperature=[1, 1], seed=[5, 5], sample=[0, 1])
    assert (drawn[0] != drawn[1]).any()


def test_each_row_goes_on_from_its_own_last_step(functions):
    begin, lengths = random_notes(5, 4), np.array([4, 0, 2, -3, 9], "int32")
    drawn, num_steps = generated(functions, begin, lengths=lengths, **OF_ROWS)
    assert drawn.shape == (5, 13, NOTES)
    for row, steps in enumerate(np.clip(lengths, 0, 4)):
        alone = {name: values[row : row + 1] for name, values in OF_ROWS.items()}
        notes, (count,) = generated(functions, begin[row : row + 1, :steps], **alone)
        assert num_steps[row] == count == steps + OF_ROWS["length"][row]
        np.testing.assert_array_equal(drawn[row, :count], notes[0, :count])
        assert not drawn[row, count:].any()


def test_no_row_is_drawn_for(functions):
    notes, steps = generated(functions, random_notes(0, 4), **{name: values[:0] for name, values in OF_ROWS.items()})
    assert len(notes) == len(steps) == 0


@pytest.mark.parametrize(
    ("name", "value", "message"),
    [
        ("length", 0, "length must be from 1 to 10000. Received: 0 in row 2"),
        ("length", 10_001, "length must be from 1 to 10000. Received: 10001 in row 2"),
        ("temperature", 0.0, "temperature must be a finite number above 0. Received: 0 in row 2"),
        ("temperature", -1.0, "temperature must be a finite number above 0. Received: -1 in row 2"),
        ("seed", -1, "seed must be at least 0. Received: -1 in row 2"),
        ("sample", -1, "sample must be at least 0. Received: -1 in row 2"),
    ],
)
def test_what_has_no_meaning_is_refused(functions, name, value, message):
    options = {key: values.copy() for key, values in OF_ROWS.items()}
    options[name][2] = value
    with pytest.raises(tf.errors.InvalidArgumentError, match=message):
        generated(functions, random_notes(5, 1), **options)
    with pytest.raises(tf.errors.InvalidArgumentError, match=f"{name} must have one value a row. Received: 4 for 5"):
        generated(functions, random_notes(5, 1), **{**OF_ROWS, name: OF_ROWS[name][:4]})


def test_settings(tmp_path):
    assert MusicSettings.from_dict(MusicSettings(4, 120.0).to_dict(), "task.json") == MusicSettings(4, 120.0)
    with pytest.raises(ValueError, match="`steps_per_beat` must be a positive integer"):
        MusicSettings(0)
    with pytest.raises(DataError, match=r"music.json: cannot be read"):
        MusicSettings.from_legacy(tmp_path)
    (tmp_path / "music.json").write_text('{"steps_per_beat": 3, "of_a_later_version": 1}')
    assert MusicSettings.is_legacy(tmp_path) and MusicSettings.from_legacy(tmp_path) == MusicSettings(3)
    for damaged in ("{", '{"beats_per_minute": "fast"}'):
        (tmp_path / "music.json").write_text(damaged)
        with pytest.raises(DataError, match=r"music.json: damaged \(.*\); put the original back"):
            MusicSettings.from_legacy(tmp_path)


@pytest.mark.parametrize("odd", [np.nan, np.inf])
def test_a_step_refuses_what_is_no_number(functions, odd):
    inputs = {"notes": np.zeros((1, functions.inputs("step")["notes"].shape[1]), "float32")}
    for name, spec in functions.inputs("step").items():
        inputs.setdefault(name, np.zeros((1, *spec.shape[1:]), spec.dtype.as_numpy_dtype))
    functions.call("step", **inputs)
    for name, array in inputs.items():
        if not np.issubdtype(array.dtype, np.floating):
            continue  # such as which cached steps are real
        with pytest.raises(tf.errors.InvalidArgumentError, match=f"{name} must be finite"):
            functions.call("step", **{**inputs, name: np.full_like(array, odd)})
