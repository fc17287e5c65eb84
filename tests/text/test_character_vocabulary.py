import pytest
import tensorflow as tf

from keras_seq.core.errors import DataError
from keras_seq.text import CharacterVocabulary

CHARACTERS = "aÁ \n\r\t\0\u0301😀\u2028\x85"


def test_build_counts_characters():
    vocabulary = CharacterVocabulary.build(["aab", "aab", "c", "b"])
    assert vocabulary.characters == ("a", "b", "c")
    assert CharacterVocabulary.build(["aab", "c"], min_count=2).characters == ("a",)
    assert CharacterVocabulary.build(["aab", "c"], max_size=2).characters == ("a", "b")
    assert len(vocabulary) == 5


def test_save_and_load_keep_every_character(tmp_path):
    vocabulary = CharacterVocabulary(CHARACTERS)
    vocabulary.save(tmp_path / "characters.txt")
    assert CharacterVocabulary.load(tmp_path / "characters.txt") == vocabulary
    assert (tmp_path / "characters.txt").read_text().split()[:2] == ["U+0061", "U+00C1"]


def test_look_up():
    vocabulary = CharacterVocabulary(CHARACTERS)
    points = tf.constant([[ord(character) for character in CHARACTERS], [0x10FFFF] * len(CHARACTERS)])
    ids = tf.function(vocabulary.__call__)(points)
    assert ids.dtype == tf.int32
    assert ids.numpy().tolist() == [list(range(2, len(CHARACTERS) + 2)), [1] * len(CHARACTERS)]


@pytest.mark.parametrize("characters", [["ab"], [""], ["a", "a"], [97]])
def test_bad_characters(characters):
    with pytest.raises(ValueError, match=r"`characters` must .* Received: "):
        CharacterVocabulary(characters)


@pytest.mark.parametrize(("content", "line"), [("U+0061\na\n", 2), ("U+0061\nU+0061\n", 2), ("U+FFFFFF\n", 1)])
def test_damaged_file_names_the_line(tmp_path, content, line):
    (tmp_path / "characters.txt").write_text(content)
    with pytest.raises(DataError, match=rf"characters\.txt:{line}: "):
        CharacterVocabulary.load(tmp_path / "characters.txt")
