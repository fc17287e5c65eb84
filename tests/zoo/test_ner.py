"""The tagger's builder: each of its settings gives the model that it says, and none that is wrong is taken."""

import keras
import numpy as np
import pytest

from keras_seq.ops.crf import crf_viterbi
from keras_seq.ops.masking import get_keras_mask
from keras_seq.testing.padding import check_padding
from keras_seq.zoo import ner_model

TAGS = ("O", "B-PER", "I-PER")
IDS = np.random.default_rng(0).integers(2, 20, (3, 5)).astype("int32")
CHARACTERS = np.random.default_rng(1).integers(1, 9, (3, 5, 4)).astype("int32")
ALL_FEATURES = {"characters": {"vocabulary_size": 9, "units": 6}, "max_characters": 4, "num_cases": 5, "case_dim": 3}


def small(**kwargs):
    return ner_model(20, TAGS, **{"embedding_dim": 4, "units": 6, **kwargs})


def dropouts(model):
    """Name -> rate of every dropout layer."""
    return {layer.name: layer.rate for layer in model.layers if layer.name.startswith("drop_")}


def test_a_log_softmax_gives_probabilities_and_padding_has_no_say():
    model = small(head="log_softmax", units=(6, 4))
    assert model.output_shape == (None, None, 3)
    outputs = np.array(model({"token_ids": IDS}))
    np.testing.assert_allclose(np.exp(outputs).sum(-1), 1, rtol=1e-5)
    assert "crf" not in [layer.name for layer in model.layers]
    check_padding(lambda inputs, mask: model({"token_ids": inputs}), IDS)


def test_the_textbook_model_reads_in_one_direction():
    model = small(bidirectional=False, head="log_softmax", dropout=0)
    assert type(model.get_layer("lstm_0")).__name__ == "LSTM"
    changed = IDS.copy()
    changed[:, -1] = 1
    before, after = (np.array(model({"token_ids": ids})) for ids in (IDS, changed))
    np.testing.assert_allclose(before[:, :-1], after[:, :-1], atol=1e-6)
    assert not np.allclose(before[:, -1], after[:, -1])


@pytest.mark.parametrize("encoder", ["cnn", "lstm"])
def test_characters_of_either_encoder(encoder):
    features = {"characters": {"vocabulary_size": 9, "encoder": encoder, "units": 6}}
    model = small(features=features)
    assert {tensor.name for tensor in model.inputs} == {"token_ids", "character_ids"}
    assert model.get_layer("character_encoder").encoder == encoder
    assert model.get_layer("token_vectors").output.shape[-1] == 4 + 6
    inputs = {"token_ids": IDS, "character_ids": CHARACTERS}
    outputs = np.array(model(inputs))
    assert outputs.shape == (3, 5, 3, 3)
    assert not np.allclose(outputs, model({**inputs, "character_ids": CHARACTERS[::-1]}))
    check_padding(lambda padded, mask: model(padded), inputs)


def test_all_features():
    model = small(features=ALL_FEATURES)
    shapes = {tensor.name: tensor.shape for tensor in model.inputs}
    assert shapes == {"token_ids": (None, None), "character_ids": (None, None, 4), "case_ids": (None, None)}
    assert model.get_layer("token_vectors").output.shape[-1] == 4 + 6 + 3


@pytest.mark.parametrize("head", ["crf", "log_softmax"])
def test_pieces_are_read_and_the_head_sees_the_first_of_each_word(head):
    model = small(head=head, features={"word_starts": True})
    assert {tensor.name for tensor in model.inputs} == {"token_ids", "word_starts"}
    starts = np.array([[1, 0, 1, 1, 0], [1, 1, 1, 0, 0], [1, 0, 0, 0, 1]], "int32")
    inputs = {"token_ids": IDS, "word_starts": starts}
    outputs = model(inputs)
    np.testing.assert_array_equal(get_keras_mask(outputs), starts != 0)
    check_padding(lambda padded, mask: model(padded), inputs)
    changed = IDS.copy()
    changed[:, 1] = 19
    others = np.array(model({**inputs, "token_ids": changed}))
    assert not np.allclose(np.array(outputs)[0, 2], others[0, 2]), "a further piece is not read"
    if head == "crf":  # The chain goes from first piece to first piece, as if no others stood between.
        picked = np.array(outputs)[0][starts[0] != 0][None]
        tags = np.array(crf_viterbi(outputs, starts != 0)[0])[0][starts[0] != 0]
        np.testing.assert_array_equal(tags, np.array(crf_viterbi(picked, np.ones((1, 3), bool))[0])[0])


def test_dropout_by_place():
    assert dropouts(small(units=(6, 4), dropout={"tokens": 0.1, "recurrent": 0.3})) == {
        "drop_tokens": 0.1,
        "drop_embeddings": 0.0,
        "drop_recurrent_0": 0.3,
        "drop_recurrent_1": 0.3,
    }
    # One rate is for vectors and states: tokens stay.
    assert dropouts(small(dropout=0.2)) == {"drop_tokens": 0.0, "drop_embeddings": 0.2, "drop_recurrent_0": 0.2}


def test_dropout_acts_in_training_alone():
    model = small(dropout={"tokens": 0.9})
    keras.utils.set_random_seed(0)
    plain = np.array(model({"token_ids": IDS}))
    np.testing.assert_array_equal(plain, model({"token_ids": IDS}, training=False))
    assert not np.allclose(plain, model({"token_ids": IDS}, training=True))


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"features": {"charcters": {}}}, "`features` takes the keys characters, .* Received: charcters"),
        ({"dropout": {"embedding": 0.1}}, "`dropout` takes the keys tokens, .* Received: embedding"),
    ],
)
def test_unknown_keys_are_named(arguments, message):
    with pytest.raises(ValueError, match=message):
        small(**arguments)


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        ({"embedding_dim": 0}, ValueError, "`embedding_dim`"),
        ({"embedding_dim": 1.5}, TypeError, "`embedding_dim`"),
        ({"units": []}, ValueError, "`units` must hold at least one size"),
        ({"units": 0}, ValueError, "`units`"),
        ({"units": (6, -1)}, ValueError, "`units`"),
        ({"units": (6, "6")}, TypeError, "`units`"),
        ({"head": "softmax"}, ValueError, "`head`"),
        ({"dropout": 1.0}, ValueError, "`dropout.embeddings`"),
        ({"dropout": {"tokens": -0.1}}, ValueError, "`dropout.tokens`"),
        ({"features": {"word_starts": 1}}, TypeError, "`features.word_starts`"),
        ({"features": {"num_cases": 0}}, ValueError, "`features.num_cases`"),
        ({"features": {"num_cases": 5, "case_dim": 0}}, ValueError, "`features.case_dim`"),
        ({"features": {**ALL_FEATURES, "max_characters": 0}}, ValueError, "`features.max_characters`"),
        ({"features": {"characters": {"vocabulary_size": 9, "units": 0}}}, ValueError, "`units`"),
    ],
)
def test_wrong_values_are_refused(arguments, error, message):
    with pytest.raises(error, match=f"{message}.* Received: "):
        small(**arguments)


def test_wrong_sizes_are_refused():
    with pytest.raises(ValueError, match="`vocabulary_size`"):
        ner_model(0, TAGS)
    with pytest.raises(ValueError, match="`num_tags`"):
        ner_model(20, [])
