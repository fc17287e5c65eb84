"""Layers that read in parts, and models of them: each cell, any cut, padding on either side, rows that begin later."""

import keras
import numpy as np
import pytest
from keras import ops

from keras_seq.core.streaming import Projecting, Streaming
from keras_seq.layers import GRU, LSTM, Bidirectional, RecurrentStack, SimpleRNN, StepConvolution, TransformerStack
from keras_seq.zoo import language_model, ner_model, streaming_model
from keras_seq.zoo.streaming import MAX_TABLE_SIZE, IdStep, why_not_streaming

ROWS, STEPS, FEATURES = 4, 9, 6
LAYERS = {
    "simple_rnn": lambda: SimpleRNN(5, activation="relu", return_sequences=True),
    "gru": lambda: GRU(5, return_sequences=True),
    "gru, reset before": lambda: GRU(5, reset_after=False, use_bias=False, return_sequences=True),
    "lstm, plain loop": lambda: LSTM(5, fused=False, return_sequences=True),
    "simple_rnn stack": lambda: RecurrentStack("simple_rnn", 5, num_layers=2, dropout=0.5),
    "gru stack": lambda: RecurrentStack("gru", 5, use_bias=False),
    "lstm stack": lambda: RecurrentStack("lstm", 5, num_layers=3, return_state=True, weight_dropout=0.5),
    "convolution": lambda: StepConvolution(5, 3, dilation_rate=2, causal=True),
    "convolution of one step": lambda: StepConvolution(5, 1, causal=True),
    "transformer": lambda: TransformerStack(2, 2, causal=True, window=4, dropout=0.5),
    "transformer, rotary": lambda: TransformerStack(1, 3, causal=True, window=1, positions="rotary", head_dim=2),
    "transformer that sees all": lambda: TransformerStack(1, 2, causal=True, window=50, positions=None),
}
# All real; left, right, and inside: rows that begin at different times, pauses, and a row of padding alone.
MASK = np.array([[1] * 9, [0, 0, 0, 1, 1, 1, 1, 1, 1], [1, 1, 0, 1, 0, 0, 1, 0, 0], [0] * 9], bool)


def built(name):
    keras.utils.set_random_seed(0)
    layer = LAYERS[name]()
    layer.build((None, None, FEATURES))
    generator = np.random.default_rng(1)
    layer.set_weights([generator.normal(scale=0.4, size=weight.shape) for weight in layer.get_weights()])
    return layer, generator.normal(size=(ROWS, STEPS, FEATURES)).astype("float32")


@pytest.mark.both_backends("lstm stack", "transformer", "convolution")
@pytest.mark.parametrize("name", LAYERS)
def test_parts_give_the_numbers_of_the_whole(name):
    layer, x = built(name)
    assert isinstance(layer, Streaming)
    state = layer.initial_state(ROWS)
    shapes = {key: (tuple(value.shape), value.dtype) for key, value in state.items()}
    assert not any(np.any(ops.convert_to_numpy(value)) for value in state.values())
    for mask in (None, MASK):
        whole = layer(x, mask=mask)
        whole = ops.convert_to_numpy(whole[0] if isinstance(whole, tuple) else whole)
        for ends in (range(1, STEPS + 1), (4, 4, STEPS)):
            state, found, begin = layer.initial_state(ROWS), [], 0
            for end in ends:
                of_part = None if mask is None else ops.convert_to_tensor(mask[:, begin:end])
                y, state = layer.step(ops.convert_to_tensor(x[:, begin:end]), state, mask=of_part)
                found.append(ops.convert_to_numpy(y))
                begin = end
            real = MASK if mask is not None else np.ones_like(MASK)
            np.testing.assert_allclose(np.concatenate(found, axis=1)[real], whole[real], atol=1e-5)
            assert {key: (tuple(value.shape), value.dtype) for key, value in state.items()} == shapes


@pytest.mark.parametrize("name", ["lstm, plain loop", "gru stack", "convolution", "transformer"])
def test_a_row_does_not_depend_on_padding_or_on_others(name):
    layer, x = built(name)
    for row, real in enumerate(MASK[:3]):
        state, found = layer.initial_state(ROWS), []
        for begin in range(0, STEPS, 2):
            part = slice(begin, begin + 2)
            y, state = layer.step(ops.convert_to_tensor(x[:, part]), state, mask=ops.convert_to_tensor(MASK[:, part]))
            found.append(ops.convert_to_numpy(y)[row][real[part]])
        alone, _ = layer.step(ops.convert_to_tensor(x[row : row + 1, real]), layer.initial_state(1))
        np.testing.assert_allclose(np.concatenate(found), ops.convert_to_numpy(alone)[0], atol=1e-5)


@pytest.mark.parametrize(
    ("layer", "message"),
    [
        (LSTM(3), "'lstm.*' must read forwards, from zeros, and return all outputs.*return_sequences=False"),
        (GRU(3, return_sequences=True, go_backwards=True), "go_backwards=True"),
        (GRU(3, return_sequences=True, learn_initial_state=True), "learn_initial_state=True"),
        (RecurrentStack("gru", 3, bidirectional=True), "must read forwards.*Received: bidirectional=True"),
        (RecurrentStack("gru", 3, return_sequences=False), "return_sequences=False"),
        (TransformerStack(1, 2), "cannot be read in parts: without `causal=True`"),
        (StepConvolution(4, 3), "cannot be read in parts: without `causal=True`"),
    ],
)
def test_what_cannot_be_read_in_parts(layer, message):
    layer.build((None, None, 4))
    with pytest.raises(ValueError, match=message):
        layer.initial_state(2)
    with pytest.raises(ValueError, match=message):
        layer.step(ops.zeros((2, 1, 4)), {"h": ops.zeros((2, 3))})


@pytest.mark.parametrize("name", ["lstm stack", "gru, reset before", "simple_rnn"])
def test_a_step_that_reads_a_projection(name):
    layer, x = built(name)
    one, state = ops.convert_to_tensor(x[:, :1]), layer.initial_state(ROWS)
    projection = layer.project(one)
    assert isinstance(layer, Projecting)
    assert projection.shape == (ROWS, 1, layer.projection_size)
    found, expected = layer.step(projection, state, projected=True), layer.step(one, state)
    keras.tree.map_structure(lambda a, b: np.testing.assert_allclose(a, b, atol=1e-6), found, expected)


@pytest.mark.both_backends("lstm")
@pytest.mark.parametrize(
    ("name", "options", "reads"),
    [
        ("lstm", {"units": 5, "num_layers": 2, "dropout": 0.5}, ["recurrent_projection"]),
        (
            "tied",
            {"cell": "gru", "units": 5, "num_layers": 1, "tie_weights": True, "adaptive_cutoffs": (4,)},
            ["recurrent_projection"],
        ),
        ("transformer", {"encoder": {"kind": "transformer", "causal": True, "window": 3}}, []),
        ("many ids", {"cell": "gru", "units": 5, "num_layers": 1, "vocabulary_size": MAX_TABLE_SIZE + 1}, []),
    ],
)
def test_a_step_of_ids_gives_the_numbers_of_the_stream(name, options, reads):
    keras.utils.set_random_seed(0)
    model = language_model(**{"vocabulary_size": 9, "embedding_dim": 4, **options})
    stream, id_step = streaming_model(model), IdStep(model, model.output_shape[-1])
    assert sorted(set(id_step._model.input) - set(stream.input)) == reads
    step, states = id_step.prepared(), stream.initial_state(2)
    expected = dict(states)
    for ids in ([3, 1], [8, 3], [2, 2]):
        log_probs, states = step(ops.convert_to_tensor(ids), states)
        outputs = stream({"token_ids": ops.convert_to_tensor(ids)[:, None], **expected})
        expected = {key: outputs[key] for key in expected}
        for a, b in [(log_probs, outputs["log_probs"][:, 0]), *((states[key], expected[key]) for key in expected)]:
            np.testing.assert_allclose(ops.convert_to_numpy(a), ops.convert_to_numpy(b), atol=1e-6)


@pytest.mark.parametrize("encoder", ["recurrent", "convolutional", "transformer"])
def test_a_stream_is_saved_and_loaded(encoder, tmp_path):
    options = {
        "recurrent": {"cell": "lstm", "units": [4, 3], "bidirectional": False},
        "convolutional": {"units": 4, "causal": True},
        "transformer": {"units": 4, "num_heads": 2, "causal": True, "window": 2},
    }
    model = language_model(9, embedding_dim=4, tie_weights=True, encoder={"kind": encoder, **options[encoder]})
    stream = streaming_model(model)
    stream.save(tmp_path / "stream.keras")
    loaded = keras.saving.load_model(tmp_path / "stream.keras")
    assert loaded.state_names == stream.state_names and type(loaded) is type(stream)
    ids = ops.convert_to_tensor([[3, 1, 4], [8, 3, 0]])
    found, expected = (dict(each({"token_ids": ids, **each.initial_state(2)})) for each in (loaded, stream))
    keras.tree.map_structure(lambda a, b: np.testing.assert_allclose(a, b, atol=1e-6), found, expected)


def test_names_of_states():
    model = ner_model(9, 3, units=(4, 3), bidirectional=False, head="log_softmax", embedding_dim=2)
    streaming = streaming_model(model)
    assert streaming.state_names == ("state_lstm_0_h", "state_lstm_0_c", "state_lstm_1_h", "state_lstm_1_c")
    assert sorted(streaming.output) == sorted(["log_softmax", *streaming.state_names])
    assert {name: tuple(state.shape) for name, state in streaming.initial_state(5).items()} == {
        name: (5, 4 if "_0_" in name else 3) for name in streaming.state_names
    }
    one = ner_model(9, 3, units=4, bidirectional=False, head="log_softmax", embedding_dim=2)
    assert streaming_model(one).state_names == ("state_h", "state_c")


@pytest.mark.parametrize(
    ("model", "name"),
    [
        (lambda: ner_model(9, 3, head="log_softmax"), "Received: model='ner_model', whose 'bidirectional_0'"),
        (lambda: ner_model(9, 3, bidirectional=False), "whose 'crf'.*head 'log_softmax'"),
        (
            lambda: ner_model(9, 3, encoder={"kind": "bag"}, head="log_softmax"),
            "a graph without a layer that has states",
        ),
        (lambda: tagger(TransformerStack(1, 2, causal=True)), "has a state that grows. Build it with a `window`"),
        (lambda: tagger(TransformerStack(1, 2)), "cannot be read in parts: without `causal=True`"),
        (lambda: tagger(LSTM(4, return_sequences=True), Bidirectional(GRU(3))), "Bidirectional"),
        (lambda: tagger(*[LSTM(4, return_sequences=True)] * 2), "gets more. Give every call a layer of its own"),
    ],
)
def test_models_that_need_later_steps(model, name):
    with pytest.raises(ValueError, match=f"`model` must.*{name}"):
        streaming_model(model())


def tagger(*layers):
    token_ids = keras.Input((None,), dtype="int32", name="token_ids")
    x = keras.layers.Embedding(9, 4, mask_zero=True)(token_ids)
    for layer in layers:
        x = layer(x)
    return keras.Model({"token_ids": token_ids}, x)


def test_a_layer_of_ones_own():
    class Halved(keras.layers.Layer):
        supports_masking = True

        def call(self, x):
            return x / 2

    model = tagger(Halved(), GRU(4, return_sequences=True))
    assert "'halved' (Halved) reads other steps than its own" in why_not_streaming(model)
    Halved.is_stepwise = True
    assert not why_not_streaming(model)
