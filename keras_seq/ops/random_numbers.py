"""Random numbers that are a function of seed, sample and step, the same on every backend and in an exported graph."""

from __future__ import annotations

from typing import Any

from keras import ops

Tensor = Any

# The constants of Threefry-2x32: by how many bits each round rotates, and what the third word of the key is made with.
ROTATIONS = ((13, 15, 26, 6), (17, 29, 16, 24))
PARITY = 0x1BD11BDA
NUM_BLOCKS = 5  # of four rounds


def uniform_numbers(seed: Any, sample: Any, num_steps: Any) -> Tensor:
    """One number in [0, 1) for each step and row.

    For graphs that are served: the seed may be a tensor, which `keras.random` does not take. The number of a step and
    row is a function of this step and of the seed and sample of this row alone. It is made of the first 24 bits of
    `threefry(key=(seed, sample), counter=(step, 0))`.

    Args:
        seed: integers of at least 0: one for all rows, or one a row.
        sample: which of the draws of its seed each row takes, integers of at least 0, `(rows,)`.
        num_steps: number of steps, a Python number or (on TensorFlow) a scalar tensor.

    Returns:
        float32 `(num_steps, rows)`, multiples of `2 ** -24`.

    Example:
        >>> from keras_seq.ops.random_numbers import uniform_numbers
        >>> uniform_numbers(seed=1, sample=[0, 1, 2], num_steps=1).numpy().astype(float).round(4).tolist()
        [[0.7039, 0.7098, 0.1465]]
        >>> uniform_numbers(seed=[5, 1], sample=[0, 2], num_steps=1).numpy().astype(float).round(4).tolist()[0][1]
        0.1465
    """
    steps = ops.cast(ops.expand_dims(ops.arange(0, num_steps, dtype="int32"), 1), "uint32")
    word, _ = threefry(_row(seed), _row(sample), steps, ops.zeros_like(steps))
    return ops.cast(ops.right_shift(word, 8), "float32") * 2.0**-24


def uniform_numbers_of_columns(seed: Any, sample: Any, step: Any, num_columns: int) -> Tensor:
    """One number in [0, 1) for each row and column of one step, as when each of several notes is drawn for itself.

    Those of column 0 are the numbers of `uniform_numbers`: `threefry(key=(seed, sample), counter=(step, column))`.

    Args:
        seed: as of `uniform_numbers`.
        sample: as of `uniform_numbers`.
        step: which step, a Python number or a scalar tensor.
        num_columns: number of columns.

    Returns:
        float32 `(rows, num_columns)`, multiples of `2 ** -24`.

    Example:
        >>> from keras_seq.ops.random_numbers import uniform_numbers_of_columns
        >>> numbers = uniform_numbers_of_columns(seed=1, sample=[0, 1], step=0, num_columns=3)
        >>> numbers.shape, round(float(numbers[1, 0]), 4)
        (TensorShape([2, 3]), 0.7098)
    """
    columns = ops.cast(ops.expand_dims(ops.arange(0, num_columns, dtype="int32"), 0), "uint32")
    steps = ops.broadcast_to(ops.cast(step, "uint32"), (1, num_columns))
    word, _ = threefry(ops.transpose(_row(seed)), ops.transpose(_row(sample)), steps, columns)
    return ops.cast(ops.right_shift(word, 8), "float32") * 2.0**-24


def threefry(key_0: Tensor, key_1: Tensor, counter_0: Tensor, counter_1: Tensor) -> tuple[Tensor, Tensor]:
    """Threefry-2x32 with 20 rounds: a keyed mix of 64 bits that passes the batteries of tests for random numbers.

    Args:
        key_0, key_1, counter_0, counter_1: uint32 tensors whose shapes go together.

    Returns:
        Two uint32 tensors.

    Reference:
        Salmon, Moraes, Dror and Shaw, "Parallel Random Numbers: As Easy as 1, 2, 3", SC 2011.
    """
    keys = (key_0, key_1, ops.bitwise_xor(ops.bitwise_xor(key_0, key_1), _word(PARITY)))
    # The operator, not `ops.add`: that may choose an op for biases, which knows no unsigned integers.
    x, y = counter_0 + keys[0], counter_1 + keys[1]
    for block in range(NUM_BLOCKS):
        for bits in ROTATIONS[block % 2]:
            x = x + y
            y = ops.bitwise_or(ops.left_shift(y, bits), ops.right_shift(y, 32 - bits))
            y = ops.bitwise_xor(x, y)
        x = x + keys[(block + 1) % 3]
        y = y + keys[(block + 2) % 3] + _word(block + 1)
    return x, y


def _row(values: Any) -> Tensor:
    """One number or several as uint32 `(1, numbers)`."""
    return ops.cast(ops.reshape(values, (1, -1)), "uint32")


def _word(value: int) -> Tensor:
    return ops.convert_to_tensor(value, "uint32")
