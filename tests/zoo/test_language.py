"""Language models: whole, in pieces, step by step; what is tied, what is dropped; what they learn."""

import keras
import numpy as np
import pytest
from keras import ops

from keras_seq.losses import MaskedCrossEntropy
from keras_seq.ops.beam_search import beam_search
from keras_seq.ops.decoding import sample_ids
from keras_seq.zoo import language_model, name_generator_model, streaming_model, target_model

IDS = np.random.default_rng(0).integers(1, 20, (3, 9)).astype("int32")
CONVOLUTIONAL = {"kind": "convolutional", "units": [6, 5], "kernel_sizes": [1, 3], "dilated": True, "causal": True}
TRANSFORMER = {"kind": "transformer", "num_blocks": 2, "units": 8, "num_heads": 2, "causal": True, "window": 4}
CASES = {
    "lstm": {"cell": "lstm", "units": 6, "num_layers": 2, "embedding_dim": 5},
    "gru, tied, projected": {"cell": "gru", "units": 6, "num_layers": 1, "embedding_dim": 5, "tie_weights": True},
    "simple_rnn, adaptive": {"cell": "simple_rnn", "units": 6, "embedding_dim": 5, "adaptive_cutoffs": (8, 14)},
    "lstm, tied, adaptive": {"units": 5, "embedding_dim": 5, "tie_weights": True, "adaptive_cutoffs": (8,)},
    "convolutional": {"encoder": CONVOLUTIONAL, "embedding_dim": 5},
    "transformer, tied": {"encoder": TRANSFORMER, "embedding_dim": 5, "tie_weights": True, "dropout": 0.3},
    "recurrent encoder": {"encoder": {"kind": "recurrent", "units": [4, 3], "bidirectional": False}},
}


def build(case):
    keras.utils.set_random_seed(1)
    model = language_model(20, **CASES[case])
    generator = np.random.default_rng(4)
    for weight in model.trainable_weights:
        weight.assign(generator.normal(scale=0.6, size=weight.shape))
    return model


def call(model, **inputs):
    return model({name: ops.convert_to_tensor(value) for name, value in inputs.items()})


@pytest.mark.both_backends("4-lstm, tied, adaptive", "4-transformer, tied")
@pytest.mark.parametrize("case", CASES)
@pytest.mark.parametrize("width", [pytest.param(1, marks=pytest.mark.thorough), 4])
def test_read_in_pieces(case, width):
    model = build(case)
    whole = ops.convert_to_numpy(call(model, token_ids=IDS))
    np.testing.assert_allclose(np.exp(whole).sum(-1), 1, atol=1e-5)
    streaming = streaming_model(model)
    states, found = streaming.initial_state(3), []
    for begin in range(0, IDS.shape[1], width):
        outputs = call(streaming, token_ids=IDS[:, begin : begin + width], **states)
        found.append(ops.convert_to_numpy(outputs.pop("log_probs")))
        states = outputs
    np.testing.assert_allclose(np.concatenate(found, axis=1), whole, atol=1e-5)


@pytest.mark.parametrize("case", [case for case in CASES if "encoder" not in CASES[case]])
def test_log_probs_of_targets(case):
    model = build(case)
    targets = np.roll(IDS, -1, axis=1)
    targets[:, -1] = 0
    whole = ops.convert_to_numpy(call(model, token_ids=IDS))
    expected = np.where(targets > 0, np.take_along_axis(whole, targets[..., None], -1)[..., 0], 0)
    found = ops.convert_to_numpy(call(target_model(model), token_ids=IDS, target_ids=targets))
    np.testing.assert_allclose(found, expected, atol=1e-5)
    streaming = streaming_model(model, with_targets=True)
    found = call(streaming, token_ids=IDS, target_ids=targets, **streaming.initial_state(3))["log_probs"]
    np.testing.assert_allclose(ops.convert_to_numpy(found), expected, atol=1e-5)


@pytest.mark.parametrize("case", ["lstm", "convolutional", "transformer, tied"])
def test_padding_leaves_states_as_they_are(case):
    streaming = streaming_model(build(case))
    left = np.concatenate([0 * IDS[:, :2], IDS[:, :4], 0 * IDS[:, :1], IDS[:, 4:], 0 * IDS[:, :1]], axis=1)
    padded = call(streaming, token_ids=left, **streaming.initial_state(3))
    plain = call(streaming, token_ids=IDS, **streaming.initial_state(3))
    for name in streaming.state_names:
        np.testing.assert_allclose(padded[name], plain[name], atol=1e-5)


@pytest.mark.parametrize("case", [pytest.param("convolutional", marks=pytest.mark.thorough), "transformer, tied"])
def test_it_generates_what_the_whole_model_expects(case):
    """The likeliest ids, in one graph, of rows of different lengths; a beam takes the states of its parents."""
    model = build(case)
    prefixes = np.where(np.arange(9) < [[9], [4], [1]], IDS, 0)
    streaming = streaming_model(model)
    states = dict(
        call(
            streaming,
            token_ids=np.where(np.cumsum(prefixes[:, ::-1] > 0, 1)[:, ::-1] > 1, prefixes, 0),
            **streaming.initial_state(3),
        )
    )
    del states["log_probs"]

    def step(token_ids, states):
        outputs = dict(streaming({"token_ids": ops.expand_dims(token_ids, 1), **states}))
        return outputs.pop("log_probs")[:, 0], outputs

    start_ids = prefixes[np.arange(3), (prefixes > 0).sum(1) - 1]
    drawn, _ = sample_ids(step, start_ids, states, max_length=4, top_k=1)
    beam, scores = beam_search(step, start_ids, states, beam_width=3, max_length=3)
    for row, prefix in enumerate(prefixes):
        text = prefix[prefix > 0]
        expected = text
        for _ in range(4):
            log_probs = ops.convert_to_numpy(call(model, token_ids=expected[None]))[0, -1]
            expected = np.append(expected, log_probs.argmax()).astype("int32")
        np.testing.assert_array_equal(ops.convert_to_numpy(drawn)[row], expected[len(text) :])
        for ids, score in zip(ops.convert_to_numpy(beam)[row], ops.convert_to_numpy(scores)[row], strict=True):
            log_probs = ops.convert_to_numpy(call(model, token_ids=np.append(text, ids)[None].astype("int32")))[0]
            assert score == pytest.approx(log_probs[np.arange(len(text) - 1, len(text) + 2), ids].sum(), abs=1e-4)


def test_a_streaming_model_of_a_file(tmp_path):
    model = build("lstm, tied, adaptive")
    model.save(tmp_path / "model.keras")
    loaded = keras.saving.load_model(tmp_path / "model.keras")
    streaming = streaming_model(loaded)
    found = call(streaming, token_ids=IDS, **streaming.initial_state(3))["log_probs"]
    np.testing.assert_allclose(found, call(model, token_ids=IDS), atol=1e-5)


def test_tied_weights_are_one_table():
    arguments = {"units": 5, "embedding_dim": 5, "num_layers": 1}
    tied, free = (language_model(20, tie_weights=tie, **arguments) for tie in (True, False))
    assert free.count_params() - tied.count_params() == 20 * 5
    assert "projection" not in {layer.name for layer in tied.layers}
    assert "projection" in {
        layer.name for layer in language_model(20, units=7, embedding_dim=5, tie_weights=True).layers
    }


def test_weight_dropout_acts_in_training_alone():
    model = language_model(20, units=6, embedding_dim=5, weight_dropout=0.5)
    inputs = {"token_ids": ops.convert_to_tensor(IDS)}
    np.testing.assert_array_equal(model(inputs), model(inputs))
    first, second = (ops.convert_to_numpy(model(inputs, training=True)) for _ in range(2))
    assert np.abs(first - second).max() > 1e-6
    # The first step has nothing to do with weights between states.
    np.testing.assert_allclose(first[:, 0], second[:, 0], atol=1e-6)


def test_it_learns_a_rule():
    """After 4 comes 5, after 5 comes 6 if the text began with 7, else 8: an n-gram of two cannot know."""
    keras.utils.set_random_seed(0)
    generator = np.random.default_rng(0)
    first = generator.integers(7, 9, 300)
    text = np.stack([first, np.full(300, 4), np.full(300, 5), np.where(first == 7, 6, 9)], axis=1).astype("int32")
    model = name_generator_model(10, units=16, embedding_dim=8)
    model.compile(keras.optimizers.Adam(0.03), MaskedCrossEntropy(), jit_compile=False)
    model.fit({"token_ids": text[:, :-1]}, text[:, 1:], epochs=8, batch_size=32, verbose=0)
    probs = np.exp(model.predict({"token_ids": text[:2, :-1]}, verbose=0))
    assert probs[0, -1, text[0, 3]] > 0.95 and probs[1, -1, text[1, 3]] > 0.95


def test_wrong_arguments_are_refused():
    for arguments, error, message in [
        ({"vocabulary_size": 0}, ValueError, "`vocabulary_size`"),
        ({"vocabulary_size": 9, "cell": "gpu"}, ValueError, "`cell` must be one of"),
        ({"vocabulary_size": 9, "dropout": 1}, ValueError, "`dropout`"),
        ({"vocabulary_size": 9, "weight_dropout": -0.1}, ValueError, "`weight_dropout`"),
        ({"vocabulary_size": 9, "tie_weights": "yes"}, TypeError, "`tie_weights`"),
        ({"vocabulary_size": 9, "adaptive_cutoffs": (4, 2)}, ValueError, "`cutoffs`"),
        ({"vocabulary_size": 9, "units": 3, "encoder": {"kind": "bag"}}, ValueError, "`units` and `encoder` exclude"),
        *(
            (
                {"vocabulary_size": 9, "encoder": {"kind": kind}},
                ValueError,
                "a language model needs.*can: conv",
            )
            for kind in ("bag", "recurrent", "convolutional", "transformer")
        ),
    ]:
        with pytest.raises(error, match=message):
            language_model(**arguments)
    with pytest.raises(ValueError, match="`model` must be one that can be read in parts.*without a layer that has"):
        streaming_model(keras.Sequential([keras.layers.Dense(2)]))
