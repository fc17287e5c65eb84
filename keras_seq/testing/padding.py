"""The padding property: what happens at real steps never depends on how much padding there is, nor where it stands."""

from collections.abc import Callable, Iterator
from typing import Any

import keras
import numpy as np

# Where the real steps of each row stand, `True` = real.
Layout = np.ndarray


def padding_layouts(batch: int, steps: int, generator: np.random.Generator) -> Iterator[tuple[str, Layout]]:
    """Yield named masks `(batch, more steps)`, each with exactly `steps` real steps in every row.

    Args:
        batch: The number of rows.
        steps: The number of real steps of a row.
        generator: The source of the places of the holes.

    Returns:
        An iterator of `(name, mask)`.
    """
    yield "no padding", np.ones((batch, steps), bool)
    for name, before, after in (("right", 0, 3), ("left", 3, 0), ("both sides", 2, 1)):
        row = np.array([False] * before + [True] * steps + [False] * after)
        yield name, np.tile(row, (batch, 1))
    holes = np.zeros((batch, steps + 3), bool)
    for row in holes:
        row[generator.choice(steps + 3, size=steps, replace=False)] = True
    yield "holes", holes


def check_padding(
    call: Callable[[Any, Layout], Any], inputs: Any, *, seed: int = 0, rtol: float = 1e-4, atol: float = 1e-5
) -> None:
    """Raise unless outputs at real steps are the same whatever padding is added, and finite without any real step.

    Args:
        call: Computes the outputs (any structure of arrays) of padded inputs and a mask `(batch, steps)`.
        inputs: The real steps: any structure of arrays `(batch, steps, ...)`. Padding of floating inputs is filled with
            arbitrary numbers, that of integer inputs with 0.
        seed: Seeds the arbitrary numbers and the places of holes.
        rtol: Relative tolerance.
        atol: Absolute tolerance.

    Raises:
        AssertionError: When the outputs differ or are not finite.
    """
    generator = np.random.default_rng(seed)
    batch, steps = keras.tree.flatten(inputs)[0].shape[:2]
    layouts = list(padding_layouts(batch, steps, generator))
    reference = _numpy_leaves(call(inputs, layouts[0][1]))
    for name, mask in layouts[1:]:
        # One more row, that has no real step at all.
        mask = np.concatenate([mask, np.zeros_like(mask[:1])])
        outputs = _numpy_leaves(call(_place(inputs, mask, generator), mask))
        for index, (expected, output) in enumerate(zip(reference, outputs, strict=True)):
            place = f"output {index} with padding: {name}"
            has_steps = _has_steps(expected, output, steps, mask.shape[1])
            actual = output[mask].reshape(expected.shape) if has_steps else output[:-1]
            _assert_close(actual, expected, rtol, atol, f"{place}: the real steps changed")
            if np.isnan(output[-1]).any() or (np.isinf(output[-1]).any() and not np.isinf(expected).any()):
                raise AssertionError(f"{place}: a row of padding alone gave numbers that are not finite:\n{output[-1]}")


def _place(inputs, mask, generator):
    """Spread the real steps over the places of `mask`; the last row of `mask` belongs to no row of `inputs`."""

    def place(array):
        shape = (*mask.shape, *array.shape[2:])
        if np.issubdtype(array.dtype, np.floating):
            padded = (10 * generator.standard_normal(shape)).astype(array.dtype)
        else:
            padded = np.zeros(shape, array.dtype)
        padded[mask] = array.reshape(-1, *array.shape[2:])
        return padded

    return keras.tree.map_structure(place, inputs)


def _has_steps(expected, output, steps, padded_steps):
    if expected.ndim > 1 and expected.shape[1] == steps and output.shape[1] == padded_steps:
        return True
    if expected.shape[1:] == output.shape[1:]:
        return False
    raise AssertionError(f"the output's shape follows neither steps nor batch: {expected.shape} became {output.shape}")


def _assert_close(actual, expected, rtol, atol, message):
    if np.issubdtype(expected.dtype, np.number):
        np.testing.assert_allclose(actual, expected, rtol=rtol, atol=atol, err_msg=message)
    else:
        np.testing.assert_array_equal(actual, expected, err_msg=message)


def _numpy_leaves(outputs):
    return [keras.ops.convert_to_numpy(output) for output in keras.tree.flatten(outputs)]
