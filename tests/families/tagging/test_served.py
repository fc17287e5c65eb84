"""What a tagger serves is what the plain model says: cutting and grouping rows by length changes no answer."""

import random

import keras
import numpy as np
import pytest
import tensorflow as tf

from keras_seq.export.windows import OVERLAP, TOKENS_PER_WINDOW
from keras_seq.families.tagging.served import ROWS_PER_GROUP, TaggingFunctions, TaggingSettings
from keras_seq.ops.crf import crf_marginals, crf_viterbi
from keras_seq.text import NUM_CASE_CLASSES, TokenEncoder, WordTokenizer
from keras_seq.zoo import ner_model

TAGS = ("O", "B-PER", "I-PER", "E-PER", "S-PER")
SERVED = ("O", "B-PER", "I-PER", "I-PER", "B-PER")
WORDS = ("Ana", "mora", "em", "Lisboa", ".", "O", "juiz", "d'água", "1998", "STF", "São", "😀", "nunca-visto")
ROWS, STEPS = 45, 23


def random_tokens():
    """Rows of mixed length: empty, full, with padding on the left, on the right and in the middle."""
    generator = random.Random(5)
    rows = []
    for index in range(ROWS):
        length = STEPS if index == 7 else 0 if index % 11 == 3 else generator.randint(1, STEPS - 4)
        row = generator.choices(WORDS, k=length)
        before = generator.randint(0, STEPS - length) if index % 3 == 0 else 0
        row = [*[""] * before, *row, *[""] * (STEPS - length - before)]
        if index % 5 == 1:
            row[generator.randrange(STEPS)] = ""
        rows.append(row)
    generator.shuffle(rows)
    return np.array(rows, object)


@pytest.fixture(scope="module", params=["crf", "log_softmax"])
def functions(request):
    encoder = TokenEncoder.build([WORDS[:-2]])
    features = {
        "characters": {"vocabulary_size": len(encoder.characters), "embedding_dim": 5, "units": 6},
        "max_characters": encoder.max_characters,
        "num_cases": NUM_CASE_CLASSES,
    }
    keras.utils.set_random_seed(2)
    model = ner_model(len(encoder.vocabulary), TAGS, embedding_dim=6, units=(5,), features=features, head=request.param)
    generator = np.random.default_rng(2)
    for variable in model.trainable_variables:
        variable.assign(generator.normal(scale=0.7, size=variable.shape))
    return TaggingFunctions(model, WordTokenizer(), encoder, TaggingSettings(TAGS))


def plain(functions, tokens):
    """Tag ids and their probabilities from the model, on the whole batch at once."""
    ids = functions.encoder.encode(tf.constant(tokens))
    mask = tokens != ""
    outputs = functions.model({name: ids[name] for name in functions.input_names}, training=False)
    if len(outputs.shape) == 4:
        tag_ids, _ = crf_viterbi(outputs, mask)
        probabilities = crf_marginals(outputs, mask)
    else:
        tag_ids, probabilities = np.argmax(outputs, -1), np.exp(outputs)
    tag_ids = np.asarray(tag_ids)
    return tag_ids, np.take_along_axis(np.asarray(probabilities), tag_ids[..., None], -1)[..., 0], mask


def test_served_answers_are_those_of_the_plain_model(functions):
    tokens = random_tokens()
    assert len(tokens) > 2 * ROWS_PER_GROUP and any((row == "").all() for row in tokens)
    assert any(row[0] == "" and (row != "").any() for row in tokens)
    tag_ids, scores, mask = plain(functions, tokens)
    served = functions.call("tokenized", tokens=tokens)
    expected = np.where(mask, np.array(SERVED, object)[tag_ids], "")
    assert len(set(expected[mask])) == 3, "random weights that give one tag test nothing"
    found = np.vectorize(bytes.decode, otypes=[object])(served["tags"].numpy())
    np.testing.assert_array_equal(found, expected)
    np.testing.assert_allclose(served["scores"].numpy(), np.where(mask, scores, 0), atol=1e-5)


def test_raw_text_is_tagged_as_its_tokens_are(functions):
    tokens = random_tokens()
    texts = [" ".join(token for token in row if token) for row in tokens]
    raw = functions.call("serving_default", text=texts)
    again = functions.call("tokenized", tokens=raw["tokens"])
    for name in ("tags", "scores"):
        np.testing.assert_array_equal(raw[name].numpy(), again[name].numpy())
    assert (raw["tokens"].numpy() != b"").any(axis=1).tolist() == [bool(text) for text in texts]


def by_windows(functions, row):
    """Names and scores of the tags of a long row, from the plain model on one window after the other."""
    names, scores = np.full(len(row), "", object), np.zeros(len(row))
    stride = TOKENS_PER_WINDOW - 2 * OVERLAP
    for begin in range(0, len(row) - 2 * OVERLAP, stride):
        tag_ids, found, _ = plain(functions, row[None, begin : begin + TOKENS_PER_WINDOW])
        # A later window writes over what this one has no more to the right of.
        answered = slice(OVERLAP if begin else 0, None)
        place = slice(begin + (OVERLAP if begin else 0), begin + TOKENS_PER_WINDOW)
        names[place], scores[place] = np.array(SERVED, object)[tag_ids[0, answered]], found[0, answered]
    return names, scores


@pytest.mark.parametrize("length", [TOKENS_PER_WINDOW, TOKENS_PER_WINDOW + 1, 1500])
def test_a_long_text_is_read_in_windows(functions, length):
    words = np.array(random.Random(length).choices(WORDS[:-2], k=length), object)
    text = " ".join(words)
    raw = {name: value.numpy()[1] for name, value in functions.call("serving_default", text=["Ana", text]).items()}
    names, scores = by_windows(functions, words) if length > TOKENS_PER_WINDOW else (None, None)
    if names is None:
        tag_ids, scores, _ = plain(functions, words[None])
        names, scores = np.array(SERVED, object)[tag_ids[0]], scores[0]
    assert [tag.decode() for tag in raw["tags"]] == names.tolist()
    np.testing.assert_allclose(raw["scores"], scores, atol=1e-5)
    places = zip(raw["starts"], raw["ends"], strict=True)
    assert [text[start:end] for start, end in places] == [token.decode() for token in raw["tokens"]] == words.tolist()
    # Padding on both sides, and within.
    tokens = np.array([[*[""] * 3, *words[:700], "", *words[700:], ""]], object)
    served = functions.call("tokenized", tokens=tokens)
    assert [tag.decode() for tag in served["tags"].numpy()[0] if tag] == names.tolist()
    np.testing.assert_allclose(served["scores"].numpy()[tokens != ""], scores, atol=1e-5)
