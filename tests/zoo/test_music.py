"""The music model: its promises, and the same numbers step by step."""

import keras
import numpy as np
import pytest

from keras_seq.losses import NoteCrossEntropy
from keras_seq.testing import run_model_test
from keras_seq.zoo import music_model, streaming_model

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


@pytest.mark.both_backends("arguments2")
@pytest.mark.parametrize(
    "arguments",
    [
        {"cell": "simple_rnn", "units": 6, "num_layers": 2},
        {"cell": "gru", "units": 6, "num_layers": 2},
        {"cell": "lstm", "units": 6, "num_layers": 2},
        {"encoder": {"kind": "convolutional", "units": [6, 5], "causal": True}},
        {"encoder": {"kind": "transformer", "units": 6, "num_heads": 2, "causal": True, "window": 5}},
    ],
)
def test_step_by_step_and_in_parts_as_the_whole(tmp_path, arguments):
    keras.utils.set_random_seed(1)
    model = music_model(NOTES, embedding_dim=4, **arguments)
    notes, mask = random_notes(steps=40), np.ones((ROWS, 40), "int32")
    # One row begins later, one has a pause, one ends sooner.
    mask[0, :7] = mask[1, 20:25] = mask[2, 33:] = 0
    whole = model.predict({"notes": notes, "step_mask": mask}, verbose=0)
    model.save(tmp_path / "model.keras")
    stream = streaming_model(keras.saving.load_model(tmp_path / "model.keras"))
    for cuts in (range(1, 40), [17, 30]):
        states, parts = stream.initial_state(ROWS), []
        for part, real in zip(np.split(notes, list(cuts), axis=1), np.split(mask, list(cuts), axis=1), strict=True):
            inputs = {"notes": keras.ops.convert_to_tensor(part), "step_mask": keras.ops.convert_to_tensor(real)}
            outputs = dict(stream({**inputs, **states}))
            parts.append(keras.ops.convert_to_numpy(outputs.pop("note_logits")))
            states = outputs
        found = np.concatenate(parts, axis=1)
        np.testing.assert_allclose(found[mask > 0], whole[mask > 0], rtol=1e-5, atol=1e-5)


def test_wrong_arguments():
    for name in ("num_notes", "units", "num_layers"):
        with pytest.raises(ValueError, match=f"`{name}` must be a positive integer"):
            music_model(**{name: 0})
    with pytest.raises(ValueError, match="`embedding_dim` must be a positive integer"):
        music_model(embedding_dim=-1)
    for name in ("dropout", "input_dropout"):
        with pytest.raises(ValueError, match=f"`{name}` must be a rate"):
            music_model(**{name: 1.0})
    with pytest.raises(ValueError, match="a music model needs an encoder.*Those that can: convolutional"):
        music_model(encoder={"kind": "recurrent"})
