"""The padding property: what happens at real steps never depends on how much padding there is, nor where it stands."""

from collections.abc import Callable, Collection, Iterable, Iterator
from typing import Any

import keras
import numpy as np

# Where the real steps of each row stand, `True` = real.
Layout = np.ndarray
# Where padding may stand.
PLACES = ("left", "right", "inside")


def padding_layouts(
    batch: int, steps: int, generator: np.random.Generator, places: Collection[str] = PLACES
) -> Iterator[tuple[str, Layout]]:
    """Yield named masks `(batch, more steps)`, each with exactly `steps` real steps in every row.

    Args:
        batch: The number of rows.
        steps: The number of real steps of a row.
        generator: The source of the places of the holes.
        places: Where padding may stand.

    Returns:
        An iterator of `(name, mask)`.
    """
    yield "no padding", np.ones((batch, steps), bool)
    for name, before, after in (("right", 0, 3), ("left", 3, 0), ("both sides", 2, 1)):
        if (before == 0 or "left" in places) and (after == 0 or "right" in places):
            row = np.array([False] * before + [True] * steps + [False] * after)
            yield name, np.tile(row, (batch, 1))
    if "inside" not in places:
        return
    holes = np.zeros((batch, steps + 3), bool)
    for row in holes:
        row[generator.choice(steps + 3, size=steps, replace=False)] = True
    yield "holes", holes


def check_padding(call: Callable[[Any, Layout], Any], inputs: Any, *, places: Collection[str] = PLACES) -> None:
    """Raise unless outputs at real steps are the same whatever padding is added, and finite without any real step.

    Args:
        call: Computes the outputs (any structure of arrays) of padded inputs and a mask `(batch, steps)`.
        inputs: The real steps: any structure of arrays `(batch, steps, ...)`. Padding of floating inputs is filled with
            arbitrary numbers, that of integer inputs with 0.
        places: Where padding must not matter: `"left"`, `"right"`, `"inside"`.

    Raises:
        AssertionError: if the outputs differ or are not finite.
    """
    generator = np.random.default_rng(0)
    batch, steps = keras.tree.flatten(inputs)[0].shape[:2]
    unpadded = UnpaddedOutputs(call, inputs, lengths=[steps])
    for name, mask in padding_layouts(batch, steps, generator, places):
        # One more row, that has no real step at all.
        unpadded.check(np.concatenate([mask, np.zeros_like(mask[:1])]), generator, name)


class UnpaddedOutputs:
    """The outputs of rows without any padding: what those of any padded batch of the same rows are compared with.

    `check_padding` pads all rows alike. Here each row may have a length of its own: it is the beginning of the row of
    `inputs`, and its outputs must be those that this beginning alone gives.

    Args:
        call: As in `check_padding`.
        inputs: As in `check_padding`.
        lengths: How many real steps a row may have, besides none; by default any number.
    """

    def __init__(
        self,
        call: Callable[[Any, Layout], Any],
        inputs: Any,
        *,
        lengths: Iterable[int] | None = None,
    ) -> None:
        self.call, self.inputs = call, inputs
        batch, steps = keras.tree.flatten(inputs)[0].shape[:2]
        self._outputs = {
            length: _numpy_leaves(
                call(_map_arrays(lambda array, n=length: array[:, :n], inputs), np.ones((batch, length), bool))
            )
            for length in (range(1, steps + 1) if lengths is None else lengths)
        }

    def check(self, mask: Layout, generator: np.random.Generator, name: str = "") -> None:
        """Raise unless a padded batch gives, at its real steps, what its rows give without padding.

        Args:
            mask: `(batch, padded steps)`; rows without a real step may be more than `inputs` has.
            generator: The source of what stands at padding.
            name: What the layout is called in a failure; by default the mask is shown.

        Raises:
            AssertionError: if outputs at real steps differ, or any is not finite.
        """
        outputs = _numpy_leaves(self.call(pad_rows(self.inputs, mask, generator), mask))
        for index, output in enumerate(outputs):
            place = f"output {index} with padding: {name or mask.astype(int).tolist()}"
            infinite = any(_has(np.isinf, expected[index]) for expected in self._outputs.values())
            for row, real in enumerate(mask):
                if real.any():
                    expected = self._outputs[int(real.sum())][index][row]
                    actual = _real_steps(output[row], real, expected.shape)
                    _assert_close(actual, expected, f"{place}: the real steps changed")
                if _has(np.isnan, output[row]) or (_has(np.isinf, output[row]) and not infinite):
                    what = "the padding of a row" if real.any() else "a row of padding alone"
                    raise AssertionError(f"{place}: {what} gave numbers that are not finite:\n{output[row]}")


def pad_rows(inputs: Any, mask: Layout, generator: np.random.Generator, *, integer_padding: int = 0) -> Any:
    """Spread the first steps of each row over the real places of a mask.

    Args:
        inputs: Any structure of arrays `(batch, steps, ...)`.
        mask: `(batch, padded steps)`; rows without a real step may be more than `inputs` has.
        generator: The source of the arbitrary numbers that stand at the padding of floating inputs.
        integer_padding: What stands at the padding of integer inputs.

    Returns:
        The structure of arrays `(batch, padded steps, ...)`.
    """

    def place(array):
        shape = (*mask.shape, *array.shape[2:])
        if np.issubdtype(array.dtype, np.floating):
            padded = (10 * generator.standard_normal(shape)).astype(array.dtype)
        else:
            padded = np.full(shape, integer_padding, array.dtype)
        for row, real in enumerate(mask):
            if real.any():
                padded[row, real] = array[row, : real.sum()]
        return padded

    return _map_arrays(place, inputs)


def _real_steps(output, real, expected_shape):
    """What to compare of the output of one row: its real steps, or all of it where it has no steps."""
    if output.ndim and expected_shape[0] == real.sum() and output.shape[0] == len(real):
        return output[real]
    if expected_shape == output.shape:
        return output
    raise AssertionError(f"the output's shape follows neither steps nor batch: {expected_shape} became {output.shape}")


def _has(is_such, array):
    return np.issubdtype(array.dtype, np.floating) and is_such(array).any()


def _assert_close(actual, expected, message):
    if np.issubdtype(expected.dtype, np.number):
        np.testing.assert_allclose(actual, expected, rtol=1e-4, atol=1e-5, err_msg=message)
    else:
        np.testing.assert_array_equal(actual, expected, err_msg=message)


def _map_arrays(function, inputs):
    return keras.tree.map_structure(function, inputs)


def _numpy_leaves(outputs):
    return [keras.ops.convert_to_numpy(output) for output in keras.tree.flatten(outputs)]
