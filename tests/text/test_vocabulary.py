import tempfile

import numpy as np
import pytest
import tensorflow as tf

from keras_seq.core.errors import DataError
from keras_seq.text import Vocabulary

TOKENS = ["a", "água", "two words", "tab\tbed", "\0nul", "\x85next", "\u2028line", '"', "😀"]


def test_build_orders_by_count_then_token():
    vocabulary = Vocabulary.build(["b", "a", "c", "b", "c", "", "[UNK]", "x\n", "d"])
    assert vocabulary.tokens == ("b", "c", "a", "d")
    assert Vocabulary.build(["b", "a", "b"], min_count=2).tokens == ("b",)
    assert Vocabulary.build(["b", "a", "b"], max_size=1).tokens == ("b",)


def test_lookup_and_back():
    vocabulary = Vocabulary(TOKENS)
    ids = vocabulary.lookup([*TOKENS, "", "[UNK]", "zebra"])
    assert ids.dtype == np.int32
    assert ids.tolist() == [*range(2, len(TOKENS) + 2), 0, 1, 1]
    assert [vocabulary.token(index) for index in range(len(vocabulary))] == ["", "[UNK]", *TOKENS]
    assert "a" in vocabulary and "" not in vocabulary and "[UNK]" not in vocabulary and "zebra" not in vocabulary
    with pytest.raises(ValueError, match="`token_id`"):
        vocabulary.token(len(vocabulary))


def test_save_and_load(tmp_path):
    vocabulary = Vocabulary(TOKENS)
    vocabulary.save(tmp_path / "words.txt")
    assert Vocabulary.load(tmp_path / "words.txt") == vocabulary
    assert (tmp_path / "words.txt").read_bytes().decode() == "".join(f"{token}\n" for token in TOKENS)


@pytest.mark.parametrize("tokens", [TOKENS, []])
def test_table_equals_lookup_also_when_compiled(tokens):
    vocabulary = Vocabulary(tokens)
    queries = [[*TOKENS, ""], ["[UNK]", "zebra"] + [""] * (len(TOKENS) - 1)]
    expected = [vocabulary.lookup(row).tolist() for row in queries]
    table = vocabulary.table()
    for look_up in (table, tf.function(table.__call__)):
        ids = look_up(tf.constant(queries))
        assert ids.dtype == tf.int32
        assert ids.numpy().tolist() == expected


def test_exported_table_is_an_asset(tmp_path):
    class Served(tf.Module):
        def __init__(self):
            super().__init__()
            self.words = Vocabulary(TOKENS).table("words")
            self.types = Vocabulary(["a"]).table("words")

        @tf.function(input_signature=[tf.TensorSpec([None], tf.string, name="tokens")])
        def look_up(self, tokens):
            return {"words": self.words(tokens), "types": self.types(tokens)}

    served = Served()
    tf.saved_model.save(served, str(tmp_path / "model"), signatures={"serving_default": served.look_up})
    # The graph names its tables after what they hold, not after a file of the process that wrote it.
    assert tempfile.gettempdir().encode() not in (tmp_path / "model" / "saved_model.pb").read_bytes()
    del served
    (tmp_path / "model").rename(tmp_path / "moved")
    assert len(list((tmp_path / "moved" / "assets").iterdir())) == 2
    loaded = tf.saved_model.load(str(tmp_path / "moved"))
    ids = loaded.signatures["serving_default"](tokens=tf.constant(["água", "a", "zebra", ""]))
    assert ids["words"].numpy().tolist() == [3, 2, 1, 0]
    assert ids["types"].numpy().tolist() == [1, 2, 1, 0]


def test_equal_tables_do_not_depend_on_each_other():
    first, second, other = (Vocabulary(tokens).table() for tokens in (["a", "b"], ["a", "b"], ["b", "a"]))
    del first
    assert second(tf.constant(["b"])).numpy().tolist() == [3]
    assert other(tf.constant(["b"])).numpy().tolist() == [2]


@pytest.mark.parametrize(
    ("tokens", "error"),
    [
        (["a", ""], ValueError),
        (["[UNK]"], ValueError),
        (["a\nb"], ValueError),
        (["a", "a"], ValueError),
        ([b"a"], TypeError),
    ],
)
def test_bad_tokens(tokens, error):
    with pytest.raises(error, match=r"`tokens` must .* Received: tokens\["):
        Vocabulary(tokens)


@pytest.mark.parametrize(
    ("content", "line"), [(b"a\n\nb\n", 2), (b"a\nb\na\n", 3), (b"a\n\xff\n", 2), (b"[UNK]\n", 1), (b"a\rb\n", 1)]
)
def test_damaged_file_names_the_line(tmp_path, content, line):
    (tmp_path / "words.txt").write_bytes(content)
    with pytest.raises(DataError, match=rf"words\.txt:{line}: "):
        Vocabulary.load(tmp_path / "words.txt")


def test_windows_line_ends_and_missing_file(tmp_path):
    (tmp_path / "words.txt").write_bytes(b"a\r\nb\r\n")
    assert Vocabulary.load(tmp_path / "words.txt").tokens == ("a", "b")
    with pytest.raises(DataError, match="cannot be read"):
        Vocabulary.load(tmp_path / "no.txt")
