import keras
import numpy as np
import pytest
import tensorflow as tf

from keras_seq.core.errors import DataError
from keras_seq.text import CASE_CLASSES, NUM_CASE_CLASSES, CharacterVocabulary, TokenEncoder, Vocabulary

SENTENCES = [["Lei", "11.340", "do", "STF", "``"], ["a", "lei", "de", "1998", "\u201d"]]


@pytest.fixture(scope="module")
def encoder():
    return TokenEncoder.build(SENTENCES)


def encoded(encoder, tokens):
    return {name: ids.numpy() for name, ids in encoder.encode(tf.constant(tokens)).items()}


def test_build_takes_normalized_words_and_raw_characters(encoder):
    assert set(encoder.vocabulary.tokens) == {"lei", "00.000", "do", "stf", '"', "a", "de", "0000"}
    assert encoder.vocabulary.tokens[0] in ('"', "lei")
    assert set(encoder.characters.characters) == set("".join("".join(sentence) for sentence in SENTENCES))
    assert TokenEncoder.build(SENTENCES, min_count=2).vocabulary.tokens == ('"', "lei")
    assert len(TokenEncoder.build(SENTENCES, max_size=3, min_character_count=3).vocabulary.tokens) == 3


@pytest.mark.parametrize(
    ("token", "expected"),
    [
        ("Ação", "ação"),
        ("A\u0301GUA", "água"),
        ("11.340/2006", "00.000/0000"),
        ("٣", "0"),
        ("``", '"'),
        ("''", '"'),
        ("“", '"'),
        ("»", '"'),
        ("'", "'"),
        ("İ", "i"),
        ("", ""),
        ("😀", "😀"),
    ],
)
def test_normalize(encoder, token, expected):
    assert encoder.normalize(tf.constant([[token]])).numpy()[0, 0].decode() == expected


@pytest.mark.parametrize(
    ("token", "case"),
    [
        ("", "padding"),
        ("água", "lower"),
        ("d'água", "lower"),
        ("漢字", "lower"),
        ("Lei", "title"),
        ("Trata-se", "title"),
        ("@Joe", "title"),
        ("STF", "upper"),
        ("C.P.", "upper"),
        ("A", "single_capital"),
        ("J.", "single_capital"),
        ("iPhone", "mixed"),
        ("São-Paulo", "mixed"),
        ("d'Ávila", "mixed"),
        ("11.340/2006", "number"),
        ("½", "number"),
        ("1ª", "letters_and_digits"),
        ("CO2", "letters_and_digits"),
        ("...", "other"),
        ("😀", "other"),
    ],
)
def test_case(encoder, token, case):
    assert CASE_CLASSES[encoded(encoder, [[token]])["case_ids"][0, 0]] == case


def test_every_case_class_has_an_id():
    assert len(set(CASE_CLASSES)) == NUM_CASE_CLASSES == 9
    assert CASE_CLASSES[0] == "padding"


def test_encode_ids_and_padding_on_any_side(encoder):
    ids = encoded(encoder, [["", "LEI", "zebra"], ["99.999", "", "de"]])
    words = encoder.vocabulary.lookup
    assert ids["token_ids"].tolist() == [[0, *words(["lei", "zebra"])], [words(["00.000"])[0], 0, words(["de"])[0]]]
    assert ids["token_ids"][0, 2] == 1
    assert all(array.dtype == np.int32 for array in ids.values())
    padding = ids["token_ids"] == 0
    assert not ids["case_ids"][padding].any() and not ids["character_ids"][padding].any()
    assert (ids["case_ids"][~padding] > 0).all() and (ids["character_ids"][~padding][:, 0] > 0).all()


def test_long_tokens_keep_head_and_tail():
    characters = CharacterVocabulary("abcdefghij")
    for size, kept in ((5, "abhij"), (4, "abij"), (1, "j"), (10, "abcdefghij"), (12, "abcdefghij")):
        encoder = TokenEncoder(Vocabulary([]), characters, max_characters=size)
        ids = encoded(encoder, [["abcdefghij", "ab"]])["character_ids"]
        assert ids.shape == (1, 2, size)
        expected = [ord(character) - ord("a") + 2 for character in kept]
        assert ids[0, 0].tolist() == expected + [0] * (size - len(expected))


@pytest.mark.parametrize("shape", [(0, 1), (1, 0), (3, 2), (0, 0)])
def test_no_token(encoder, shape):
    ids = encoded(encoder, np.full(shape, "", dtype=object) if 0 not in shape else np.zeros(shape, dtype="S1"))
    assert ids["token_ids"].shape == ids["case_ids"].shape == shape
    assert ids["character_ids"].shape == (*shape, 20)
    assert not any(array.any() for array in ids.values())


def test_decomposed_and_damaged_tokens(encoder):
    ids = encoder.encode(tf.constant([["e\u0301".encode(), "é".encode(), b"\xff\xfe", b"a\0b"]]))
    assert ids["character_ids"][0, 0].numpy().tolist() == ids["character_ids"][0, 1].numpy().tolist()
    assert ids["token_ids"].numpy()[0].tolist() == [1, 1, 1, 1]


def test_save_and_load(encoder, tmp_path):
    encoder.save(tmp_path / "text")
    assert sorted(file.name for file in (tmp_path / "text").iterdir()) == [
        "characters.txt",
        "encoder.json",
        "words.txt",
    ]
    loaded = TokenEncoder.load(tmp_path / "text")
    assert loaded.vocabulary == encoder.vocabulary
    assert loaded.characters == encoder.characters
    assert loaded.max_characters == encoder.max_characters
    (tmp_path / "text" / "encoder.json").write_text("{}")
    with pytest.raises(DataError, match=r"encoder\.json: damaged"):
        TokenEncoder.load(tmp_path / "text")
    with pytest.raises(DataError, match="cannot be read"):
        TokenEncoder.load(tmp_path)


def test_export_archive_tracks_the_encoder(encoder, tmp_path):
    archive = keras.export.ExportArchive()
    archive.track(encoder)
    archive.add_endpoint(
        "encode", encoder.encode, input_signature=[tf.TensorSpec([None, None], tf.string, name="tokens")]
    )
    archive.write_out(str(tmp_path / "model"), verbose=False)
    assert [file.name for file in (tmp_path / "model" / "assets").iterdir()] == ["words.txt"]
    tokens = tf.constant([["Lei", "11.341", ""], ["zebra", "STF", "e\u0301"]])
    loaded = tf.saved_model.load(str(tmp_path / "model"))
    for name, ids in loaded.encode(tokens).items():
        np.testing.assert_array_equal(ids, encoder.encode(tokens)[name])


def test_wrong_arguments():
    with pytest.raises(TypeError, match="`vocabulary` must be a Vocabulary"):
        TokenEncoder(["a"], CharacterVocabulary("a"))
    with pytest.raises(ValueError, match="`max_characters`"):
        TokenEncoder(Vocabulary([]), CharacterVocabulary("a"), max_characters=0)
