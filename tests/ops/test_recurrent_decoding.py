import numpy as np
import pytest
from keras import ops

from keras_seq.layers import RecurrentStack
from keras_seq.ops import recurrent_decoding
from keras_seq.ops.recurrent_decoding import stack_step, stacked_states, states_of_layers

pytestmark = pytest.mark.both_backends

ROWS, STEPS, FEATURES, UNITS, VOCABULARY = 3, 6, 4, 5, 9


@pytest.mark.parametrize(
    ("cell", "arguments"),
    [
        ("simple_rnn", {"activation": "relu"}),
        ("gru", {"num_layers": 2}),
        ("gru", {"use_bias": False}),
        ("lstm", {"num_layers": 2}),
        ("lstm", {"use_bias": False, "activation": "relu"}),
    ],
)
@pytest.mark.parametrize("is_table", [True, False])
def test_equal_to_the_layers(cell, arguments, is_table, monkeypatch):
    monkeypatch.setattr(recurrent_decoding, "MAX_TABLE_SIZE", VOCABULARY if is_table else 0)
    generator = np.random.default_rng(0)
    stack = RecurrentStack(cell, UNITS, return_state=True, **arguments)
    stack.build((None, None, FEATURES))
    stack.set_weights([generator.normal(0, 0.5, weight.shape) for weight in stack.get_weights()])
    embeddings = generator.normal(size=(VOCABULARY, FEATURES)).astype("float32")
    ids = generator.integers(0, VOCABULARY, (ROWS, STEPS)).astype("int32")
    shape = (ROWS, stack.num_layers, UNITS)
    states = [generator.normal(size=shape).astype("float32") for _ in range(stack.num_states)]

    initial = [np.swapaxes(state, 0, 1) for state in states]
    outputs, *final = stack(ops.take(embeddings, ids, axis=0), initial_state=initial)

    step = stack_step(stack, embeddings, output=lambda h: 2 * h)
    of_layers = states_of_layers(states)
    for time in range(STEPS):
        found, of_layers = step(ids[:, time], of_layers)
        np.testing.assert_allclose(found, 2 * ops.convert_to_numpy(outputs)[:, time], atol=1e-5)
    for found, expected in zip(stacked_states(of_layers), final, strict=True):
        np.testing.assert_allclose(np.swapaxes(found, 0, 1), expected, atol=1e-5)


def test_both_directions_cannot_be_generated_with():
    stack = RecurrentStack("gru", UNITS, bidirectional=True)
    stack.build((None, None, FEATURES))
    with pytest.raises(ValueError, match="`stack` must read in one direction.*Received: bidirectional=True"):
        stack_step(stack, np.ones((VOCABULARY, FEATURES)), output=ops.log_softmax)
