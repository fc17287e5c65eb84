import gzip

import numpy as np
import pytest

from keras_seq.core.errors import DataError
from keras_seq.text import Vocabulary, load_word_vectors, save_word_vectors

VOCABULARY = Vocabulary(["lei", "00.000", "água", "new york", "zebra"])
LINES = [
    "LEI 0.5 -1 2e-3",
    "lei 9 9 9",
    "11.340 1 2 3",
    "of 7 7 7",
    "A\u0301GUA 4 5 6",
    "New York 0.25 0 1",
    ". . . 1 1 1",
]
EXPECTED = np.array([[0, 0, 0], [0, 0, 0], [0.5, -1, 2e-3], [1, 2, 3], [4, 5, 6], [0.25, 0, 1], [0, 0, 0]], "float32")


def write(tmp_path, content):
    path = tmp_path / "vectors.txt"
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return path


@pytest.mark.parametrize("header", ["", f"{len(LINES)} 3\n"])
@pytest.mark.parametrize("end", ["\n", "\r\n", " \n"])
@pytest.mark.parametrize("compress", [bytes, gzip.compress])
def test_formats(tmp_path, header, end, compress):
    content = header + "".join(line + end for line in LINES)
    path = write(tmp_path, compress(content.encode()))
    for embedding_dim in (None, 3):
        vectors, found = load_word_vectors(path, VOCABULARY, embedding_dim)
        assert vectors.dtype == np.float32 and found.dtype == bool
        np.testing.assert_array_equal(vectors, EXPECTED)
        assert found.tolist() == [False, False, True, True, True, True, False]


def test_the_first_word_may_hold_spaces_when_the_size_is_told(tmp_path):
    path = write(tmp_path, "New York 0.5 1\nlei 1 2\n")
    vectors, found = load_word_vectors(path, VOCABULARY, 2)
    assert vectors[5].tolist() == [0.5, 1] and vectors[2].tolist() == [1, 2] and found.sum() == 2


def test_more_lines_than_are_read_at_once(tmp_path):
    lines = [f"w{index} {index} 1" for index in range(10_000)]
    vectors, found = load_word_vectors(write(tmp_path, "\n".join(lines)), Vocabulary(["w0000", "w00"]))
    # Digits are folded: w1000 and w10 are the first of their kind.
    assert vectors[2:].tolist() == [[1000, 1], [10, 1]] and found[2:].all()


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("", "vectors.txt: empty file"),
        ("lei\n", "vectors.txt:1: no numbers after the word"),
        ("lei 1 2\na 1\n", "vectors.txt:2: 1 numbers where 2 are expected"),
        ("lei 1 2\n\n", "vectors.txt:2: 0 numbers where 2 are expected"),
        ("lei 1 2\na 0.5 1.0 2\n", "vectors.txt:2: 3 numbers where 2 are expected"),
        ("2 2\nlei 1 2\na 3 4 5\n", "vectors.txt:3: 3 numbers where 2 are expected"),
        ("1 2\nlei 1 x\n", "vectors.txt:2: 'x' is no number"),
        ("1 2\nlei 1 nan\n", "vectors.txt:2: a number is not finite"),
        ("1 2\nlei 1 1e300\n", "vectors.txt:2: a number is not finite"),
        ("3 2\nlei 1 2\na 1 2\n", "vectors.txt: ends after 2 of 3 words"),
        ("other 1 2\n", "vectors.txt: holds no word of the vocabulary"),
        (gzip.compress(b"lei 1 2\n" * 9, mtime=0)[:-5], "vectors.txt: damaged gzip file"),
        ("lei " + "1 " * 600_000, "vectors.txt:1: line of more than 1,000,000 bytes"),
    ],
)
def test_broken_files(tmp_path, content, message):
    with pytest.raises(DataError) as caught:
        load_word_vectors(write(tmp_path, content), VOCABULARY)
    assert message in str(caught.value) and "\n" not in str(caught.value)


@pytest.mark.parametrize("header", ["", "1 3\n"])
@pytest.mark.parametrize("embedding_dim", [2, 4])
def test_another_size(tmp_path, header, embedding_dim):
    path = write(tmp_path, f"{header}lei 0.5 0.5 0.5\n")
    with pytest.raises(DataError, match=f"vectors.txt:1: .*3 numbers where {embedding_dim} are expected"):
        load_word_vectors(path, VOCABULARY, embedding_dim)


def test_no_such_file(tmp_path):
    with pytest.raises(DataError, match="no such file"):
        load_word_vectors(tmp_path / "none", VOCABULARY)
    with pytest.raises(DataError, match="is a folder"):
        load_word_vectors(tmp_path, VOCABULARY)
    with pytest.raises(ValueError, match="`embedding_dim`"):
        load_word_vectors(tmp_path, VOCABULARY, 0)


def test_saved_vectors_are_read_again_to_the_last_bit(tmp_path):
    vectors = np.random.default_rng(0).normal(size=(7, 5)).astype("float32")
    save_word_vectors(tmp_path / "out.txt", VOCABULARY, vectors)
    assert (tmp_path / "out.txt").read_text(encoding="utf-8").startswith("5 5\nlei ")
    loaded, found = load_word_vectors(tmp_path / "out.txt", VOCABULARY, 5)
    np.testing.assert_array_equal(loaded[2:], vectors[2:])
    assert found[2:].all() and not found[:2].any()
    assert [file.name for file in tmp_path.iterdir()] == ["out.txt"]


def test_vectors_that_cannot_be_saved(tmp_path):
    with pytest.raises(ValueError, match="a row for each of the 7 ids"):
        save_word_vectors(tmp_path / "out.txt", VOCABULARY, np.zeros((5, 3)))
    with pytest.raises(ValueError, match="must be finite"):
        save_word_vectors(tmp_path / "out.txt", VOCABULARY, np.full((7, 3), np.nan))
    assert not list(tmp_path.iterdir())
