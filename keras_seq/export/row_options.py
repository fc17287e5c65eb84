"""Options of a served function: inputs that change from call to call, with one value for each row."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Sequence

import tensorflow as tf


@dataclasses.dataclass(frozen=True)
class RowOption:
    """An option of a signature, `(batch,)`, and its range.

    Args:
        name: the name of the input.
        dtype: its type.
        is_right: whether each value is in range, bool `(batch,)`.
        expected: the range in words, for messages: "must be ...".
    """

    name: str
    dtype: tf.DType
    is_right: Callable[[tf.Tensor], tf.Tensor]
    expected: str

    @property
    def spec(self) -> tf.TensorSpec:
        """The input of a signature."""
        return tf.TensorSpec([None], self.dtype, name=self.name)

    def checks(self, values: tf.Tensor, rows: tf.Tensor) -> list[tf.Operation]:
        """Ops that fail unless there is one value a row, each in range; the message names the first that is not."""
        count = tf.size(values)
        sizes = tf.strings.format(
            f"{self.name} must have one value a row. Received: {{}} for {{}} rows; send one for each", (count, rows)
        )
        right = self.is_right(values)
        # Behind the last value, one that is never shown: where all are in range, or there is none.
        first = tf.argmin(tf.cast(tf.concat([right, [False]], 0), tf.int32))
        shown = tf.concat([values, tf.zeros([1], values.dtype)], 0)[first]
        message = tf.strings.format(f"{self.name} {self.expected}. Received: {{}} in row {{}}", (shown, first))
        return [
            tf.debugging.Assert(tf.equal(count, rows), [sizes]),
            tf.debugging.Assert(tf.reduce_all(right), [message]),
        ]


def integer_option(name: str, least: int, most: int = tf.int32.max) -> RowOption:
    """An int32 option from `least` to `most`."""
    expected = f"must be at least {least}" if most == tf.int32.max else f"must be from {least} to {most}"
    return RowOption(name, tf.int32, lambda values: (values >= least) & (values <= most), expected)


def checked_options(
    options: Sequence[RowOption], values: dict[str, tf.Tensor], rows: tf.Tensor
) -> dict[str, tf.Tensor]:
    """The values of options, from which nothing is computed before all of them were found in range.

    Args:
        options: the options.
        values: of each, by its name.
        rows: the number of rows of the batch.

    Raises:
        InvalidArgumentError: when the graph runs, if a value is out of range, or there is not one for each row.

    Example:
        >>> import tensorflow as tf
        >>> from keras_seq.export.row_options import checked_options, integer_option
        >>> values = {"times": tf.constant([2, 3, 9])}
        >>> checked_options([integer_option("times", 1, 9)], values, 3)["times"].numpy().tolist()
        [2, 3, 9]
    """
    checks = [check for option in options for check in option.checks(values[option.name], rows)]
    # Eagerly, a check that holds is no operation.
    with tf.control_dependencies([check for check in checks if check is not None]):
        return {option.name: tf.identity(values[option.name]) for option in options}


# The draw of a row is a function of these two: they are options of whatever is drawn.
SEED, SAMPLE = integer_option("seed", 0), integer_option("sample", 0)
TEMPERATURE = RowOption(
    "temperature",
    tf.float32,
    lambda values: (values > 0) & tf.math.is_finite(values),
    "must be a finite number above 0",
)
