"""What a tagger serves is what the plain model says: cutting and grouping rows by length changes no answer."""

import random

import keras
import numpy as np
import pytest
import tensorflow as tf

from keras_seq.families.tagging import served
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
    outputs = functions.call("tokenized", tokens=tokens)
    expected = np.where(mask, np.array(SERVED, object)[tag_ids], "")
    assert len(set(expected[mask])) == 3, "random weights that give one tag test nothing"
    found = np.vectorize(bytes.decode, otypes=[object])(outputs["tags"].numpy())
    np.testing.assert_array_equal(found, expected)
    np.testing.assert_allclose(outputs["scores"].numpy(), np.where(mask, scores, 0), atol=1e-5)


def test_raw_text_is_tagged_as_its_tokens_are(functions):
    tokens = random_tokens()
    texts = [" ".join(token for token in row if token) for row in tokens]
    raw = functions.call("serving_default", text=texts)
    again = functions.call("tokenized", tokens=raw["tokens"])
    for name in ("tags", "scores"):
        np.testing.assert_array_equal(raw[name].numpy(), again[name].numpy())
    assert (raw["tokens"].numpy() != b"").any(axis=1).tolist() == [bool(text) for text in texts]


def test_the_model_stands_in_the_graph_once(functions):
    called = [
        {node.attr["f"].func.name for node in signature.get_concrete_function().graph.as_graph_def().node} - {""}
        for signature in functions.signatures().values()
    ]
    assert len(called) == 2 and len(called[0] & called[1]) == 1


def by_windows(functions, row, size, overlap):
    """Names and scores of the tags of a row, from the plain model on one window after the other."""
    names, scores = np.full(len(row), "", object), np.zeros(len(row))
    for begin in range(0, max(len(row) - 2 * overlap, 1), size - 2 * overlap):
        tag_ids, found, _ = plain(functions, row[None, begin : begin + size])
        # The next window writes over the last answers of this one.
        skipped = overlap if begin else 0
        place = slice(begin + skipped, begin + size)
        names[place], scores[place] = np.array(SERVED, object)[tag_ids[0, skipped:]], found[0, skipped:]
    return names, scores


@pytest.mark.parametrize(
    ("length", "size", "overlap"),
    [
        pytest.param(30, 30, 4, marks=pytest.mark.thorough),
        pytest.param(31, 30, 4, marks=pytest.mark.thorough),
        pytest.param(250, 30, 4, id="many windows"),
        pytest.param(3000, served.TOKENS_PER_WINDOW, served.OVERLAP, marks=pytest.mark.thorough),
    ],
)
def test_a_long_text_is_read_in_windows(functions, monkeypatch, length, size, overlap):
    monkeypatch.setattr(served, "TOKENS_PER_WINDOW", size)
    monkeypatch.setattr(served, "OVERLAP", overlap)
    words = np.array(random.Random(length).choices(WORDS[:-2], k=length), object)
    names, scores = by_windows(functions, words, size, overlap)
    windowed, text = functions.with_settings(functions.settings), " ".join(words)
    raw = {name: value.numpy()[1] for name, value in windowed.call("serving_default", text=["Ana", text]).items()}
    assert [tag.decode() for tag in raw["tags"]] == names.tolist()
    np.testing.assert_allclose(raw["scores"], scores, atol=1e-5)
    places = zip(raw["starts"], raw["ends"], strict=True)
    assert [text[start:end] for start, end in places] == [token.decode() for token in raw["tokens"]] == words.tolist()
    # Padding on both sides, and within.
    tokens = np.array([[*[""] * 3, *words[:20], "", *words[20:], ""]], object)
    outputs = windowed.call("tokenized", tokens=tokens)
    assert [tag.decode() for tag in outputs["tags"].numpy()[0] if tag] == names.tolist()
    np.testing.assert_allclose(outputs["scores"].numpy()[tokens != ""], scores, atol=1e-5)
