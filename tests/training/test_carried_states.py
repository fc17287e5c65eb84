"""States that go from batch to batch in `fit`."""

import keras
import numpy as np
import pytest
from keras import ops

from keras_seq.training import CarriedStates
from keras_seq.zoo import language_model, streaming_model, target_model

IDS = np.random.default_rng(0).integers(1, 12, (2, 13)).astype("int32")


def windows(width, restarts=()):
    for index, begin in enumerate(range(0, 12, width)):
        place = slice(begin, begin + width)
        inputs = {"token_ids": IDS[:, :-1][:, place], "target_ids": IDS[:, 1:][:, place]}
        goes_on = np.full(2, float(index > 0), "float32")
        goes_on[[row for row, at in restarts if at == index]] = 0
        yield {**inputs, "continues": goes_on}


def build(width, **arguments):
    keras.utils.set_random_seed(0)
    model = language_model(12, units=6, embedding_dim=5, **arguments)
    return model, CarriedStates(streaming_model(model, with_targets=True, batch_size=2, steps=width))


def outputs_of(carried, batches):
    return np.concatenate([ops.convert_to_numpy(carried(batch)) for batch in batches], axis=1)


def test_windows_give_the_numbers_of_the_whole_text():
    model, carried = build(4)
    whole = target_model(model)({"token_ids": IDS[:, :-1], "target_ids": IDS[:, 1:]})
    np.testing.assert_allclose(outputs_of(carried, windows(4)), whole, atol=1e-5)
    # The second time, the first window begins anew again.
    np.testing.assert_allclose(outputs_of(carried, windows(4)), whole, atol=1e-5)


def test_a_row_may_begin_anew():
    model, carried = build(4)
    found = outputs_of(carried, windows(4, restarts=[(1, 2)]))
    alone = target_model(model)({"token_ids": IDS[:, 8:12], "target_ids": IDS[:, 9:13]})
    np.testing.assert_allclose(found[1, 8:], alone[1], atol=1e-5)
    assert np.abs(found[0, 8:] - np.asarray(alone)[0]).max() > 1e-5


def test_the_order_of_the_states_is_that_of_checkpoints():
    _, carried = build(4, cell="lstm", num_layers=1)
    assert [state.name for state in carried.states] == ["state_c", "state_h"]
    assert [weight.name for weight in carried.non_trainable_weights[:2]] == ["state_c", "state_h"]


@pytest.mark.both_backends
def test_states_are_weights_that_no_gradient_changes():
    model, carried = build(4, num_layers=1, cell="gru")
    assert [weight.name for weight in carried.non_trainable_weights] == ["state_h"]
    assert carried.count_params() == model.count_params()
    carried.compile(keras.optimizers.SGD(0.0), lambda targets, log_probs: -ops.mean(log_probs), jit_compile=False)
    seen = []
    for batch in windows(4):
        carried.train_on_batch(batch, batch["target_ids"])
        seen.append(ops.convert_to_numpy(carried.states[0]).copy())
    assert np.abs(seen[0]).max() > 0 and np.abs(seen[1] - seen[0]).max() > 1e-4
    whole = streaming_model(model)({"token_ids": ops.convert_to_tensor(IDS[:, :-1]), "state_h": ops.zeros((2, 1, 6))})
    np.testing.assert_allclose(seen[-1], whole["state_h"], atol=1e-5)
