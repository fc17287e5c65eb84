"""The music model: its promises, and the same numbers step by step."""

import keras
import numpy as np
import pytest

from keras_seq.losses import NoteCrossEntropy
from keras_seq.testing import run_model_test
from keras_seq.zoo import language_model, music_model, streaming_model

ROWS, STEPS, NOTES = 3, 5, 7


def random_notes(rows=ROWS, steps=STEPS, notes=NOTES, seed=0):
    return (np.random.default_rng(seed).random((rows, steps, notes)) < 0.4).astype("float32")


@pytest.mark.parametrize(
    "arguments",
    [
        {"cell": "gru", "input_dropout": 0.2, "dropout": 0.3},
        pytest.param({"num_layers": 2, "embedding_dim": 4, "dropout": 0.3}, marks=pytest.mark.thorough),
    ],
)
def test_the_promises_of_builders(arguments):
    run_model_test(
        music_model,
        arguments={"num_notes": NOTES, "units": 6, **arguments},
        inputs={"notes": random_notes(), "step_mask": np.ones((ROWS, STEPS), "int32")},
        targets=random_notes(seed=1),
        loss=NoteCrossEntropy(),
        expected_output_shape=(ROWS, STEPS, NOTES),
    )


def test_a_plain_recurrent_network_by_a_plain_loop():
    model = music_model(NOTES, cell="simple_rnn", units=6)
    weights = {weight.path.split("/", 1)[1]: weight.numpy().astype("float64") for weight in model.weights}
    (kernel, recurrent, bias), (output, output_bias) = list(weights.values())[:3], list(weights.values())[3:]
    notes = random_notes()
    expected, h = np.zeros(notes.shape), np.zeros((ROWS, 6))
    for step in range(STEPS):
        h = np.tanh(notes[:, step] @ kernel + h @ recurrent + bias)
        expected[:, step] = h @ output + output_bias
    found = model({"notes": notes, "step_mask": np.ones((ROWS, STEPS), "int32")})
    np.testing.assert_allclose(found, expected, rtol=1e-5, atol=1e-5)
    # Before it has learnt anything, few notes sound.
    assert np.all(output_bias == -3)


@pytest.mark.both_backends("lstm-2")
@pytest.mark.parametrize(("cell", "num_states"), [("simple_rnn", 1), ("gru", 1), ("lstm", 2)])
def test_step_by_step_and_in_parts_as_the_whole(tmp_path, cell, num_states):
    keras.utils.set_random_seed(1)
    model = music_model(NOTES, cell=cell, units=6, num_layers=2, embedding_dim=4)
    notes = random_notes(steps=60)
    whole = model.predict({"notes": notes, "step_mask": np.ones(notes.shape[:2], "int32")}, verbose=0)
    model.save(tmp_path / "model.keras")
    stream = streaming_model(keras.saving.load_model(tmp_path / "model.keras"))
    names = ("state_h", "state_c")[:num_states]
    assert {tensor.name for tensor in stream.inputs} == {"notes", *names}
    for cuts in (range(1, 60), [25, 40]):
        states = {name: keras.ops.zeros((ROWS, 2, 6)) for name in names}
        parts = []
        for part in np.split(notes, list(cuts), axis=1):
            outputs = stream({"notes": keras.ops.convert_to_tensor(part), **states})
            parts.append(keras.ops.convert_to_numpy(outputs.pop("note_logits")))
            states = outputs
        np.testing.assert_allclose(np.concatenate(parts, axis=1), whole, rtol=1e-5, atol=1e-5)


def test_wrong_arguments():
    for name in ("num_notes", "units", "num_layers"):
        with pytest.raises(ValueError, match=f"`{name}` must be a positive integer"):
            music_model(**{name: 0})
    with pytest.raises(ValueError, match="`embedding_dim` must be a positive integer"):
        music_model(embedding_dim=-1)
    for name in ("dropout", "input_dropout"):
        with pytest.raises(ValueError, match=f"`{name}` must be a rate"):
            music_model(**{name: 1.0})
    with pytest.raises(ValueError, match="`model` must come from `music_model`. Received: model='language_model'"):
        streaming_model(language_model(9, units=4, embedding_dim=3))
