"""Windows of long texts: each token has its answer from a window that holds what stands around it."""

import numpy as np
import pytest
import tensorflow as tf

from keras_seq.export.windows import OVERLAP, TOKENS_PER_WINDOW, Windows


def batch_of(generator, rows, steps):
    """Tokens that are told apart, with padding anywhere, and which of them begin a word."""
    is_token = generator.random((rows, steps)) < generator.random()
    names = np.arange(rows * steps).reshape(rows, steps).astype(str).astype(object)
    starts = (generator.random((rows, steps)) < generator.choice([0.3, 0.6, 1.0])) & is_token
    for row, real in zip(starts, is_token, strict=True):
        row[np.flatnonzero(real)[:1]] = True
    return np.where(is_token, names, ""), starts.astype("int32")


@pytest.mark.parametrize("seed", range(40))
def test_each_token_has_one_answer_with_its_neighbours(seed):
    generator = np.random.default_rng(seed)
    size = int(generator.integers(3, 12))
    overlap = int(generator.integers(0, (size + 1) // 2))
    tokens, starts = batch_of(generator, int(generator.integers(0, 4)), int(generator.integers(0, 40)))
    windows = Windows.of(tf.constant(tokens, tf.string, tokens.shape), tf.constant(starts), size=size, overlap=overlap)
    cut = windows.tokens.numpy()
    assert cut.shape[1] <= size
    numbers = tf.reshape(tf.range(1, cut.size + 1), cut.shape)
    answers = windows.joined(numbers).numpy()
    np.testing.assert_array_equal(answers > 0, tokens != "")
    for row, row_starts, row_answers in zip(tokens, starts, answers, strict=True):
        text = row[row != ""].tolist()
        begins = np.flatnonzero(row_starts[row != ""])
        longest = max(np.diff([*begins, len(text)]), default=0)
        for begin in begins:
            window, step = divmod(row_answers[row != ""][begin] - 1, cut.shape[1])
            read = [token.decode() for token in cut[window] if token]
            first = begin - step
            end = first + len(read)
            assert read == text[first:end]
            if len(text) <= size:
                assert (first, end) == (0, len(text))
            if longest == 1:
                assert step >= min(begin, overlap) and end - begin > min(len(text) - begin - 1, overlap)
            if longest <= overlap:
                assert first in begins and end in (*begins, len(text)), "a word is cut"


def test_a_word_that_is_longer_than_a_window():
    tokens = tf.constant([["a", *["x"] * 20, "b"]])
    windows = Windows.of(tokens, tf.constant([[1, 1, *[0] * 19, 1]]), size=8, overlap=2)
    assert windows.tokens.shape[1] == 8
    found = windows.joined(tf.cast(windows.word_starts, tf.int32)).numpy()[0]
    assert found[[0, 1, 21]].tolist() == [1, 1, 1]


def test_sizes():
    """A window holds more than what is thrown away, and a usual text."""
    assert TOKENS_PER_WINDOW >= 512 and OVERLAP == 64
