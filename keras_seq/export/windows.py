"""Long texts in windows that overlap: memory does not grow with a text, and all of it is answered."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple, Self

import tensorflow as tf

from keras_seq.core.streaming import State

# Tokens of a window, and those on each of its sides that are read and not answered.
TOKENS_PER_WINDOW, OVERLAP = 512, 64
# Steps of a window of a model that carries states from one to the next: no overlap is needed.
STEPS_PER_WINDOW = 256


class Windows(NamedTuple):
    """The tokens of a batch of texts in windows, of which each token has its answer from one.

    A text of at most `size` tokens is one window. In a longer one the windows begin `size - 2 * overlap` tokens after
    each other: each answers the tokens that have `overlap` others of the text or more on both sides, the first window
    also its beginning, the last one also its end. A window begins and ends where a word does; of a word with more than
    `overlap` tokens the end may be left out.

    Example:
        >>> tokens = tf.constant([list("abcdef"), ["", *"xy", "", "", ""]])
        >>> windows = Windows.of(tokens, tf.ones([2, 6]), size=4, overlap=1)
        >>> [[token.decode() for token in row] for row in windows.tokens.numpy()]
        [['a', 'b', 'c', 'd'], ['c', 'd', 'e', 'f'], ['x', 'y', '', '']]
        >>> windows.joined(tf.constant([[1, 2, 3, -1], [-1, 4, 5, 6], [7, 8, -1, -1]])).numpy().tolist()
        [[1, 2, 3, 4, 5, 6], [0, 7, 8, 0, 0, 0]]
    """

    tokens: tf.Tensor  # string (windows, steps), "" after the last one
    word_starts: tf.Tensor  # int32 (windows, steps): 1 at the first token of a word
    places: tf.Tensor  # int64 (tokens, 2): row and step of each token of the batch
    answers: tf.Tensor  # int32 (tokens, 2): window and step of its answer
    shape: tf.Tensor  # int64 (2,): that of the batch

    @classmethod
    def of(cls, tokens: tf.Tensor, word_starts: tf.Tensor, *, size: int, overlap: int) -> Self:
        """Cut a batch into windows.

        Args:
            tokens: string `(batch, steps)`, padded with `""` on any side.
            word_starts: int32 `(batch, steps)`, 1 at the first token of each word.
            size: the most tokens of a window.
            overlap: those on each side of a window that another one answers; less than half of `size`.
        """
        is_token = tf.not_equal(tokens, "")
        places = tf.where(is_token)
        is_start = tf.gather_nd(word_starts > 0, places)
        lengths = tf.reduce_sum(tf.cast(is_token, tf.int32), axis=1)
        row_begins, stride = tf.cumsum(lengths, exclusive=True), size - 2 * overlap
        counts = tf.maximum((lengths - 2 * overlap + stride - 1) // stride, 1)
        counts = tf.where(lengths <= size, 1, counts)
        row_windows = tf.cumsum(counts, exclusive=True)
        rows = tf.repeat(tf.range(tf.size(counts)), counts)
        begins = (tf.range(tf.size(rows)) - tf.gather(row_windows, rows)) * stride + tf.gather(row_begins, rows)
        begins, ends = _at_words(begins, tf.gather(row_begins + lengths, rows), is_start, size, overlap)

        columns = tf.range(tf.reduce_max(tf.concat([ends - begins, [1]], axis=0)))
        chosen = begins[:, tf.newaxis] + columns
        # What is no token is the first of the values that follow.
        chosen = tf.where(chosen < ends[:, tf.newaxis], chosen + 1, 0)
        token_rows, numbers = tf.cast(places[:, 0], tf.int32), tf.range(tf.shape(places)[0])
        within = numbers - tf.gather(row_begins, token_rows)
        window = tf.clip_by_value((within - overlap) // stride, 0, tf.gather(counts, token_rows) - 1)
        window += tf.gather(row_windows, token_rows)
        # The rest of a word may stand outside of the window that answers its first token.
        step = tf.clip_by_value(numbers, tf.gather(begins, window), tf.gather(ends, window) - 1)
        return cls(
            tokens=tf.gather(tf.concat([[""], tf.gather_nd(tokens, places)], axis=0), chosen),
            word_starts=tf.gather(tf.concat([[0], tf.cast(is_start, tf.int32)], axis=0), chosen),
            places=places,
            answers=tf.stack([window, step - tf.gather(begins, window)], axis=1),
            shape=tf.shape(tokens, tf.int64),
        )

    def joined(self, values: tf.Tensor) -> tf.Tensor:
        """Of values `(windows, steps)` those that answer the tokens of the batch, `(batch, steps)`, 0 at padding."""
        return tf.scatter_nd(self.places, tf.gather_nd(values, self.answers), self.shape)


def read_in_windows(
    read: Callable[[slice, Any, State], tuple[Any, State]], steps: tf.Tensor, carried: Any, states: State
) -> tuple[Any, State]:
    """Read a sequence of any length in windows of 256 steps, from the state in which the last one ended.

    Args:
        read: takes a window, as a slice of the steps, what was carried, and the states; gives the last two anew.
        steps: scalar int32, the steps of the sequence.
        carried: a tensor `(batch, ...)`, or a tuple of tensor arrays.
        states: name -> `(batch, ...)`, those before the first step.

    Returns:
        What is carried and the states after the last window; without steps, what was given.

    Example:
        >>> numbers = tf.ones([1, 600])
        >>> def add(window, total, states):
        ...     return total + tf.reduce_sum(numbers[:, window], axis=1), states
        >>> read_in_windows(add, 600, tf.zeros([1]), {})[0].numpy().tolist()
        [600.0]
    """

    def body(begin: tf.Tensor, carried: Any, states: State) -> tuple[tf.Tensor, Any, State]:
        return begin + STEPS_PER_WINDOW, *read(slice(begin, begin + STEPS_PER_WINDOW), carried, states)

    loop = (tf.constant(0), carried, states)
    shapes = tf.nest.map_structure(_of_any_batch, loop)
    return tf.while_loop(lambda begin, *_: begin < steps, body, loop, shape_invariants=shapes)[1:]


def _of_any_batch(value: tf.Tensor | tf.TensorArray) -> tf.TensorShape | None:
    """The shape that a loop may rely on."""
    if isinstance(value, tf.TensorArray):
        return None
    return tf.TensorShape([None, *value.shape[1:]] if value.shape.rank else [])


def _at_words(
    begins: tf.Tensor, row_ends: tf.Tensor, is_start: tf.Tensor, size: int, overlap: int
) -> tuple[tf.Tensor, tf.Tensor]:
    """Where windows begin and end when no word is cut, of which each has `size` tokens or less, to the end of a row."""
    starts = tf.cast(tf.where(is_start)[:, 0], tf.int32)
    ends = tf.minimum(begins + size, row_ends)
    # Beyond the last word stands no other.
    padded = tf.concat([[-1], starts, [tf.int32.max]], axis=0)
    first = tf.gather(padded, tf.searchsorted(starts, begins) + 1)
    last = tf.gather(padded, tf.searchsorted(starts, ends, side="right"))
    return (
        tf.where(first <= begins + overlap, first, begins),
        tf.where((ends < row_ends) & (last >= ends - overlap), last, ends),
    )
