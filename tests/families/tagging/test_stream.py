"""A tagger of streams: a text in parts has the tags and scores of the whole, in Python and as it is exported."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from keras_seq.core.errors import InputError
from keras_seq.export import SavedServed, windows
from keras_seq.export.served import initial_states
from keras_seq.families.tagging import served
from keras_seq.families.tagging.served import TaggingFunctions, TaggingSettings
from keras_seq.families.tagging.task import Tagger
from keras_seq.text import NUM_CASE_CLASSES, TokenEncoder, Tokenizer, WordParts, WordTokenizer
from keras_seq.zoo import ner_model

TAGS = ("O", "B-PER", "I-PER")
WORDS = ("Ana", "mora", "em", "Lisboa", ".", "O", "juiz", "d'água", "1998")


def tagger_of(**arguments):
    encoder = TokenEncoder.build([WORDS[:-2]])
    features = {"characters": {"vocabulary_size": len(encoder.characters), "units": 4}, "num_cases": NUM_CASE_CLASSES}
    features["max_characters"] = encoder.max_characters
    keras.utils.set_random_seed(2)
    model = ner_model(len(encoder.vocabulary), TAGS, embedding_dim=5, features=features, **arguments)
    generator = np.random.default_rng(2)
    for variable in model.trainable_variables:
        variable.assign(generator.normal(scale=0.7, size=variable.shape))
    return Tagger(TaggingFunctions(model, WordTokenizer(), encoder, TaggingSettings(TAGS)), "small")


@pytest.fixture(scope="module")
def forwards():
    return tagger_of(units=(4, 3), bidirectional=False, head="log_softmax")


@pytest.mark.parametrize("is_exported", [False, pytest.param(True, marks=pytest.mark.thorough)])
def test_parts_have_the_tags_of_the_whole(forwards, tmp_path, is_exported):
    generator = np.random.default_rng(3)
    sentences = [list(generator.choice(WORDS, length)) for length in (9, 4, 12)]
    whole = forwards.predict_tokens(sentences)
    assert len({tag for tags in whole for tag in tags}) > 1, "random weights that give one tag test nothing"
    tagger = forwards
    if is_exported:
        tagger = Tagger(SavedServed(forwards.export(tmp_path / "small"), forwards.settings))
    stream, found = tagger.stream(3), [[], [], []]
    # The second text begins later, the first has a pause, and one call brings nothing.
    for ends in ((2, 0, 1), (2, 3, 1), (2, 3, 1), (9, 4, 12)):
        begins = [len(row) for row in found]
        parts = [sentence[begin:end] for sentence, begin, end in zip(sentences, begins, ends, strict=True)]
        for row, tags in zip(found, stream.read(parts), strict=True):
            row += tags
    assert found == whole


def test_scores_of_parts_are_those_of_the_whole(forwards, monkeypatch):
    # A part of ten steps has three windows.
    monkeypatch.setattr(windows, "STEPS_PER_WINDOW", 4)
    functions = forwards.served.with_settings(forwards.settings)
    generator = np.random.default_rng(4)
    tokens = generator.choice(WORDS, (3, 10)).astype(object)
    tokens[0, :3] = tokens[1, 6:] = tokens[2, 4:6] = ""
    whole = forwards.served.call("tokenized", tokens=tokens)
    names = [name for name in forwards.served.inputs("step") if name != "tokens"]
    assert names == ["state_lstm_0_h", "state_lstm_0_c", "state_lstm_1_h", "state_lstm_1_c"]
    for width in (1, 4, 10):
        states = {name: np.zeros((3, 4 if "_0_" in name else 3), "float32") for name in names}
        found = []
        for begin in range(0, 10, width):
            outputs = functions.call("step", tokens=tokens[:, begin : begin + width], **states)
            states = {name: outputs[name] for name in names}
            found.append(outputs)
        for name in ("tags", "scores"):
            joined = np.concatenate([outputs[name].numpy() for outputs in found], axis=1)
            if name == "tags":
                np.testing.assert_array_equal(joined, whole[name].numpy())
            else:
                np.testing.assert_allclose(joined, whole[name].numpy(), atol=1e-5)


def test_a_step_refuses_states_that_are_no_numbers(forwards):
    name, *_ = states = initial_states(forwards.served, 1)
    states[name] = np.full(states[name].shape, np.nan, "float32")
    with pytest.raises(tf.errors.InvalidArgumentError, match=f"{name} must be finite; received"):
        forwards.served.call("step", tokens=[["Ana"]], **states)


def test_pieces_of_words(monkeypatch):
    class Halves(Tokenizer):
        """Each word in pieces of two characters."""

        def split(self, words):
            return WordParts.adjacent(tf.strings.split(tf.strings.regex_replace(words, "(..?)", r"\1 ")))

        def join(self, tokens):
            return tf.strings.reduce_join(tokens, axis=1)

    encoder = TokenEncoder.build([["An", "a", "mo", "ra", "Li", "sb", "oa"]])
    keras.utils.set_random_seed(2)
    causal = {"kind": "convolutional", "units": [6], "kernel_sizes": [4], "causal": True}
    arguments = {"encoder": causal, "head": "log_softmax", "features": {"word_starts": True}}
    model = ner_model(len(encoder.vocabulary), TAGS, embedding_dim=5, **arguments)
    tagger = Tagger(TaggingFunctions(model, Halves(), encoder, TaggingSettings(TAGS)), "halves")
    sentence = ["Ana", "mora", "em", "Lisboa", ".", "O", "juiz", "d'água", "1998"]
    whole = tagger.served.call("tokenized", tokens=[sentence])
    states, scores = initial_states(tagger.served, 1), []
    for begin, end in ((0, 1), (1, 1), (1, 5), (5, 9)):
        outputs = tagger.served.call("step", tokens=np.array([sentence[begin:end]], object), **states)
        scores.append(outputs["scores"].numpy())
        states = {name: outputs[name] for name in states}
    np.testing.assert_allclose(np.concatenate(scores, axis=1), whole["scores"].numpy(), atol=1e-5)
    # A word has 4 pieces or less, and the convolution reads 3 back: windows give the numbers of the whole.
    whole = tagger.served.call("tokenized", tokens=[sentence * 20])
    monkeypatch.setattr(served, "TOKENS_PER_WINDOW", 24)
    monkeypatch.setattr(served, "OVERLAP", 8)
    windowed = tagger.served.with_settings(tagger.settings).call("tokenized", tokens=[sentence * 20])
    np.testing.assert_allclose(windowed["scores"], whole["scores"], atol=1e-5)


@pytest.mark.parametrize("arguments", [{"head": "log_softmax"}, {"bidirectional": False}])
def test_what_needs_later_steps_is_no_stream(arguments):
    tagger = tagger_of(units=3, **arguments)
    assert set(tagger.served.signatures()) == {"serving_default", "tokenized"}
    with pytest.raises(InputError, match="small: its model cannot read a text in parts; train one with"):
        tagger.stream()


def test_wrong_parts(forwards):
    with pytest.raises(ValueError, match=r"`parts` must hold the next tokens of 2 text\(s\)"):
        forwards.stream(2).read([["Ana"]])
    with pytest.raises(ValueError, match="`count` must be a positive integer"):
        forwards.stream(0)
