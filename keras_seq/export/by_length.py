"""Rows of a served batch that run through the model together."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import tensorflow as tf

# So many tokens cost the dearest models a few hundred megabytes.
TOKENS_PER_GROUP = 2048


def run_by_length(
    run: Callable[[dict[str, tf.Tensor], tf.Tensor], Sequence[tf.Tensor]],
    inputs: dict[str, tf.Tensor],
    tokens: tf.Tensor,
    dtypes: Sequence[tf.DType],
    *,
    rows_per_group: int,
    tokens_per_group: int = TOKENS_PER_GROUP,
    per_step: bool,
) -> list[tf.Tensor]:
    """Run rows of similar length together: short ones do not wait for the longest, and memory stays bounded.

    Args:
        run: takes the inputs of a group and its mask `(rows, steps)`; gives tensors of two axes, the first the rows.
        inputs: tensors `(batch, steps, ...)`.
        tokens: string `(batch, steps)`, `""` at padding.
        dtypes: those of what `run` gives.
        rows_per_group: the most rows of a group. Two groups run side by side.
        tokens_per_group: the most tokens of a group of more than one row, padding too.
        per_step: whether the second axis of what `run` gives is the steps; if not, it has the same size in all groups.

    Returns:
        What `run` gives, for all rows in their order.
    """
    is_token = tf.not_equal(tokens, "")
    rows, steps = tf.unstack(tf.shape(tokens))
    # What stands after the last token of a row is cut off; padding on the left stays.
    widths = tf.reduce_max(tf.where(is_token, tf.range(1, steps + 1), 1), axis=1)
    order = tf.argsort(widths)
    sorted_widths = tf.concat([tf.gather(widths, order), [1]], axis=0)

    def body(begin: tf.Tensor, group: tf.Tensor, *arrays: tf.TensorArray) -> tuple:
        # The last row that may be of the group is the widest.
        widest = sorted_widths[tf.clip_by_value(begin + rows_per_group, 1, tf.maximum(rows, 1)) - 1]
        end = begin + tf.clip_by_value(tokens_per_group // widest, 1, rows_per_group)
        chosen = order[begin:end]
        width = tf.maximum(tf.reduce_max(tf.gather(widths, chosen)), 1)
        cut = {name: tf.gather(values[:, :width], chosen) for name, values in inputs.items()}
        results = run(cut, tf.gather(is_token[:, :width], chosen))
        if per_step:
            results = [tf.pad(values, [[0, 0], [0, steps - width]]) for values in results]
        written = (array.write(group, values) for array, values in zip(arrays, results, strict=True))
        return end, group + 1, *written

    arrays = [
        tf.TensorArray(dtype, 0, dynamic_size=True, infer_shape=False, element_shape=[None, None]) for dtype in dtypes
    ]
    # A batch without rows is one empty group.
    _, _, *arrays = tf.while_loop(
        lambda begin, group, *_: (begin < rows) | (group < 1), body, (0, 0, *arrays), parallel_iterations=2
    )
    place = tf.argsort(order)
    return [tf.gather(array.concat(), place) for array in arrays]
