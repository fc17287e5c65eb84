import keras
import numpy as np
import pytest
from keras import ops

from keras_seq.ops.recurrent_decoding import stacked_states, states_of_layers
from keras_seq.zoo import language_model, name_generator_model, ner_model, streaming_model
from keras_seq.zoo.language_step import language_step

VOCABULARY, ROWS, STEPS = 20, 3, 4
SIZES = {"units": 6, "embedding_dim": 5}


@pytest.mark.both_backends("<lambda>3")
@pytest.mark.parametrize(
    "build",
    [
        lambda: name_generator_model(VOCABULARY, **SIZES),
        lambda: language_model(VOCABULARY, num_layers=2, dropout=0.3, weight_dropout=0.3, **SIZES),
        lambda: language_model(VOCABULARY, tie_weights=True, num_layers=1, **SIZES),
        lambda: language_model(VOCABULARY, cell="gru", tie_weights=True, units=5, embedding_dim=5),
        lambda: language_model(VOCABULARY, adaptive_cutoffs=(8, 14), **SIZES),
        lambda: language_model(VOCABULARY, adaptive_cutoffs=(8,), tie_weights=True, **SIZES),
    ],
)
def test_equal_to_the_streaming_model(build):
    generator = np.random.default_rng(0)
    keras.utils.set_random_seed(0)
    model = build()
    model.set_weights([generator.normal(0, 0.5, weight.shape) for weight in model.get_weights()])
    streaming = streaming_model(model)
    sizes = {tensor.name: tensor.shape[1:] for tensor in streaming.inputs if tensor.name.startswith("state")}
    names = ["state_h", "state_c"][: len(sizes)]
    states = {name: generator.normal(size=(ROWS, *sizes[name])).astype("float32") for name in names}
    ids = generator.integers(1, VOCABULARY, (ROWS, STEPS)).astype("int32")
    expected = streaming({"token_ids": ids, **states})

    step, of_layers = language_step(model), states_of_layers(list(states.values()))
    for time in range(STEPS):
        log_probs, of_layers = step(ids[:, time], of_layers)
        np.testing.assert_allclose(log_probs, ops.convert_to_numpy(expected["log_probs"])[:, time], atol=1e-5)
    for name, found in zip(names, stacked_states(of_layers), strict=True):
        np.testing.assert_allclose(found, expected[name], atol=1e-5)


def test_another_model():
    with pytest.raises(ValueError, match="`model` must come from `language_model` or `name_generator_model`. Received"):
        language_step(ner_model(VOCABULARY, 3))
