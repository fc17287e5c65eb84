import random

import numpy as np
import pytest
import tensorflow as tf

from keras_seq.core.errors import DataError
from keras_seq.text import CharacterVocabulary, SubwordHashing, TokenEncoder, Vocabulary

WORDS = ["where", "a", "água", '"', "漢字", "00.000", "😀", "x" * 20, "abcdefghijklmnopqrstu", "pneumo" * 9]


def ngrams(word, shortest, longest, max_characters=20):
    if len(word) > max_characters:
        head = max_characters // 2
        word = word[:head] + word[len(word) - (max_characters - head) :]
    marked = f"<{word}>"
    return [marked[i : i + n] for n in range(shortest, longest + 1) for i in range(len(marked) - n + 1)]


def bucket(ngram, num_buckets):
    value = 0
    for character in ngram:
        value = (value * 1_000_003 + ord(character)) % (2**31 - 1)
    return value % num_buckets + 1


def subword_ids(word, hashing, max_characters=20):
    return [
        bucket(ngram, hashing.num_buckets)
        for ngram in ngrams(word, hashing.min_length, hashing.max_length, max_characters)
    ]


def padded(rows):
    width = max([1, *map(len, rows)])
    return [[*row, *[0] * (width - len(row))] for row in rows]


@pytest.mark.parametrize(
    ("hashing", "max_characters"),
    [
        (SubwordHashing(), 20),
        (SubwordHashing(97, 1, 2), 20),
        (SubwordHashing(1, 3, 3), 4),
        (SubwordHashing(10, 2, 6), 1),
        (SubwordHashing(1000, 32, 32), 20),
        (SubwordHashing(2**24, 4, 6), 7),
    ],
)
def test_equals_the_loop_in_python(hashing, max_characters):
    compiled = tf.function(
        lambda words: hashing(words, max_characters),
        input_signature=[tf.TensorSpec([None], tf.string)],
        autograph=False,
    )
    for words in (WORDS, ["a"], []):
        ids = compiled(tf.constant(words, tf.string))
        assert ids.dtype == tf.int32
        expected = padded([subword_ids(word, hashing, max_characters) for word in words])
        np.testing.assert_array_equal(ids, np.reshape(expected, (len(words), -1)) if words else np.zeros((0, 1)))


def test_ids_stay_as_they_are():
    # A saved model depends on them.
    assert SubwordHashing()(tf.constant(["lei"]), 20).numpy().tolist() == [subword_ids("lei", SubwordHashing())]
    assert subword_ids("lei", SubwordHashing())[:3] == [
        bucket("<le", 50_000),
        bucket("lei", 50_000),
        bucket("ei>", 50_000),
    ]


def test_random_words():
    draw = random.Random(0)
    words = ["".join(draw.choice("abcdé漢0") for _ in range(draw.randint(1, 40))) for _ in range(300)]
    hashing = SubwordHashing(500, 2, 4)
    np.testing.assert_array_equal(hashing(tf.constant(words), 20), padded([subword_ids(w, hashing) for w in words]))


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"num_buckets": 0}, "`num_buckets` must be a positive integer"),
        ({"num_buckets": 2**25}, "`num_buckets` must be at most"),
        ({"min_length": 6}, "`max_length` must be at least `min_length`"),
        ({"min_length": 0}, "`min_length`"),
        ({"max_length": 33}, "`max_length` must be at most 32"),
    ],
)
def test_wrong_values(arguments, message):
    with pytest.raises(ValueError, match=message):
        SubwordHashing(**arguments)
    with pytest.raises(TypeError, match="`num_buckets` must be an integer"):
        SubwordHashing(2.5)


@pytest.fixture(scope="module")
def encoder():
    return TokenEncoder.build([["Lei", "11.340", "``"], ["a", "lei", "E\u0301"]], subwords=SubwordHashing(1000))


def test_encoder_hashes_the_folded_form(encoder):
    tokens = [["", "LEI", "``", "99.999"], ["E\u0301", "", "unseen", "X" * 30]]
    ids = encoder.encode(tf.constant(tokens))["subword_ids"].numpy()
    words = [["", "lei", '"', "00.000"], ["é", "", "unseen", "x" * 30]]
    rows = [subword_ids(word, encoder.subwords) if word else [] for row in words for word in row]
    np.testing.assert_array_equal(ids.reshape(8, -1), padded(rows))


def test_encoder_gives_what_is_asked_for(encoder):
    tokens = tf.constant([["Lei", "", "zebra"]])
    everything = encoder.encode(tokens)
    assert list(everything) == ["token_ids", "character_ids", "case_ids", "subword_ids"]
    for names in (["subword_ids"], ["case_ids", "token_ids"], ["character_ids"], []):
        found = encoder.encode(tokens, features=names)
        assert set(found) == set(names)
        for name, ids in found.items():
            np.testing.assert_array_equal(ids, everything[name])
    with pytest.raises(ValueError, match="`features` must be one of 'token_ids'"):
        encoder.encode(tokens, features=["words"])
    plain = TokenEncoder(encoder.vocabulary, encoder.characters)
    assert "subword_ids" not in plain.encode(tokens)
    with pytest.raises(ValueError, match="`features` must be one of 'token_ids', 'character_ids', 'case_ids'"):
        plain.encode(tokens, features=["subword_ids"])
    with pytest.raises(ValueError, match="`subwords` must be set"):
        plain.subword_table()


def test_only_what_is_asked_for_is_traced(encoder):
    def size(features):
        function = tf.function(lambda tokens: encoder.encode(tokens, features), autograph=False)
        return len(function.get_concrete_function(tf.TensorSpec([None, None], tf.string)).graph.get_operations())

    assert size(["token_ids"]) < 0.6 * size(None)


@pytest.mark.parametrize("shape", [(0, 1), (1, 0), (2, 3)])
def test_no_token(encoder, shape):
    ids = encoder.encode(tf.fill(shape, ""), features=["subword_ids"])["subword_ids"]
    assert ids.shape == (*shape, 1) and not np.any(ids)


def test_subwords_of_the_vocabulary(encoder):
    table = encoder.subword_table()
    rows = [[], [], *(subword_ids(word, encoder.subwords) for word in encoder.vocabulary.tokens)]
    np.testing.assert_array_equal(table, padded(rows))


def test_saved_with_the_encoder(encoder, tmp_path):
    encoder.save(tmp_path)
    assert TokenEncoder.load(tmp_path).subwords == encoder.subwords
    (tmp_path / "encoder.json").write_text('{"max_characters": 20}')
    assert TokenEncoder.load(tmp_path).subwords is None
    for damaged in ('{"max_characters": 20, "subwords": 3}', '{"max_characters": 20, "subwords": {"size": 3}}', "[]"):
        (tmp_path / "encoder.json").write_text(damaged)
        with pytest.raises(DataError, match=r"encoder\.json: damaged"):
            TokenEncoder.load(tmp_path)


def test_exported(encoder, tmp_path):
    module = tf.Module()
    module.encoder = encoder
    module.encode = tf.function(
        lambda tokens: encoder.encode(tokens, ["token_ids", "subword_ids"]),
        input_signature=[tf.TensorSpec([None, None], tf.string)],
        autograph=False,
    )
    tf.saved_model.save(module, str(tmp_path / "model"))
    tokens = tf.constant([["Lei", "zebra", "", "x" * 40]])
    loaded = tf.saved_model.load(str(tmp_path / "model")).encode(tokens)
    for name, ids in loaded.items():
        np.testing.assert_array_equal(ids, encoder.encode(tokens)[name])


def test_wrong_type():
    with pytest.raises(TypeError, match="`subwords` must be a SubwordHashing or None"):
        TokenEncoder(Vocabulary([]), CharacterVocabulary("a"), subwords=50_000)
