"""What models serve that compare two inputs by their vectors."""

from __future__ import annotations

from collections.abc import Callable

import tensorflow as tf

from keras_seq.export.served import assert_in_range


def compared_rows(
    embed: Callable[[tf.Tensor], dict[str, tf.Tensor]], a: tf.Tensor, b: tf.Tensor, threshold: float
) -> dict[str, tf.Tensor]:
    """How alike the rows of two batches are.

    Args:
        embed: gives, of a batch, `vector` `(rows, features)` of length 1, and counts `(rows,)`.
        a, b: the batches: row r of `a` is compared with row r of `b`.
        threshold: from this similarity on two are duplicates.

    Returns:
        `similarity` float32 `(batch,)`, the cosine of the two vectors, from -1 to 1; `duplicate` bool `(batch,)`,
        whether it is at least the threshold; the counts, those of both sides together.

    Raises:
        InvalidArgumentError: when the graph runs, if the batches differ in their number of rows.
    """
    rows = tf.shape(a)[0]
    check = assert_in_range(
        tf.equal(rows, tf.shape(b)[0]), "a and b must have the same number of rows", [rows, tf.shape(b)[0]]
    )
    with tf.control_dependencies([check]):
        # Both sides at once: the vector of a row does not depend on the side.
        counts = embed(tf.concat([a, b], axis=0))
    vectors = counts.pop("vector")
    similarity = tf.reduce_sum(vectors[:rows] * vectors[rows:], axis=1)
    sums = {name: values[:rows] + values[rows:] for name, values in counts.items()}
    return {"similarity": similarity, "duplicate": similarity >= threshold, **sums}
