"""Symbols and ids: both sides of the same map, Python's and the graph's."""

import numpy as np
import pytest
import tensorflow as tf

from keras_seq.core.errors import DataError
from keras_seq.export.odd_inputs import ODD_STRINGS
from keras_seq.text import LanguageEncoder
from keras_seq.text.language_encoder import whole_words

TEXT = "ana e ana\n\nbia viu  a lua\tcheia\n"


def build(unit, layout, text=TEXT, **options):
    return LanguageEncoder.build([text], unit=unit, layout=layout, **options)


def test_characters_of_a_stream():
    encoder = build("character", "stream")
    assert encoder.symbols[:2] == ("a", " ")
    assert encoder.ids("an?").tolist() == [4, encoder.ids("n")[0], 1]
    assert encoder.text(encoder.ids(TEXT)) == TEXT
    assert encoder.symbol(encoder.start_id) == "\n" and encoder.stop_id is None
    assert set(encoder.banned_ids) == {0, 1, 2, 3}


def test_words_of_a_stream_end_lines_with_a_mark():
    encoder = build("word", "stream")
    ids = encoder.ids(TEXT)
    assert [encoder.symbol(token_id) for token_id in ids] == [
        *("ana", "e", "ana", "\n", "\n", "bia", "viu", "a", "lua", "cheia", "\n"),
    ]
    assert encoder.text(ids) == "ana e ana\n\nbia viu a lua cheia\n"
    assert encoder.start_id == 3 and encoder.banned_ids == (0, 1, 2)
    assert encoder.ids("ana Zoé").tolist() == [4, 1]


def test_lines_stand_between_marks():
    encoder = build("character", "lines")
    assert "\n" not in encoder.symbols
    assert (encoder.start_id, encoder.stop_id) == (2, 3)
    assert encoder.text([2, *encoder.ids("ana"), 3, *encoder.ids("e")]) == "ana"


@pytest.mark.parametrize("unit", ["character", "word"])
@pytest.mark.parametrize("layout", ["stream", "lines"])
def test_graph_and_python_agree(unit, layout):
    encoder = build(unit, layout)
    texts = ["", "ana viu\na lua", "Zoé ana", TEXT, *(value.decode(errors="replace") for value in ODD_STRINGS.values())]
    encoded = encoder.encode(tf.constant(texts)).numpy()
    for row, text in zip(encoded, texts, strict=True):
        expected = encoder.ids(text)
        assert row[: len(expected)].tolist() == expected.tolist(), text
        assert not row[len(expected) :].any()
    known = ["", "ana viu a lua", "bia", *(["\nana\n\nbia\n"] if layout == "stream" else [])]
    decoded = encoder.decode(encoder.encode(tf.constant(known)))
    assert [text.decode() for text in decoded.numpy()] == known
    assert encoder.decode(tf.zeros([0, 3], tf.int32)).shape == (0,)


@pytest.mark.parametrize("unit", ["character", "word"])
def test_rare_symbols_are_unknown(unit):
    encoder = build(unit, "stream", "a a a b b c", min_count=2)
    assert "b" in encoder.symbols and "c" not in encoder.symbols
    assert len(build(unit, "stream", "a a a b b c", max_size=1)) == 5
    assert encoder.unknown_symbols("a c c zz" if unit == "word" else "acz")[0] == "c"


@pytest.mark.parametrize("unit", ["character", "word"])
def test_files(unit, tmp_path):
    encoder = build(unit, "lines")
    encoder.save(tmp_path / "encoder")
    loaded = LanguageEncoder.load(tmp_path / "encoder")
    assert loaded == encoder and hash(loaded) == hash(encoder)
    (tmp_path / "encoder" / "language.json").write_text('{"unit": "syllable", "layout": "lines"}')
    with pytest.raises(DataError, match=r"language\.json: damaged"):
        LanguageEncoder.load(tmp_path / "encoder")
    with pytest.raises(DataError, match="cannot be read"):
        LanguageEncoder.load(tmp_path)


def test_marks_cannot_be_written_into_a_vocabulary():
    encoder = build("word", "stream", "a [BEGIN] [END] [UNK] b")
    assert encoder.symbols == ("a", "b")
    assert build("character", "stream", "a\ufffdb").symbols == ("a", "b")


def test_wrong_arguments_are_refused():
    with pytest.raises(ValueError, match="`unit` must be one of"):
        LanguageEncoder("letter", "lines", [])
    with pytest.raises(ValueError, match="`layout` must be one of"):
        LanguageEncoder("word", "pages", [])
    with pytest.raises(ValueError, match="`characters` must hold strings of one character"):
        LanguageEncoder("character", "lines", ["ab"])


def test_pieces_of_whole_words():
    generator = np.random.default_rng(0)
    text = "".join(generator.choice(list("ab \n"), 500))
    for size in (1, 3, 40, 1000):
        pieces = list(whole_words(text[begin : begin + size] for begin in range(0, len(text), size)))
        assert "".join(pieces) == text
        assert all(piece[-1] in " \n" for piece in pieces[:-1])
    assert list(whole_words(["aaa", "bbb"])) == ["aaabbb"]
