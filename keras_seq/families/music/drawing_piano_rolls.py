"""Pictures of piano rolls, as arrays of pixels."""

from collections.abc import Mapping

import numpy as np

from keras_seq.training.drawing import new_figure, pixels_of

# One tick for each octave: the Cs of a piano, of which middle C is C4.
_LOWEST_C, _OCTAVE, _LOWEST_NOTE = 24, 12, 21


def draw_piano_rolls(rolls: Mapping[str, np.ndarray]) -> np.ndarray:
    """Draw piano rolls below each other: steps from left to right, low notes at the bottom, dark where a note sounds.

    Args:
        rolls: Title -> `(steps, notes)`: 0 and 1, or the probabilities of notes. Column 0 is MIDI note 21.

    Returns:
        A picture, uint8 `[height, width, 3]`.

    Raises:
        ValueError: if there is nothing to draw, or the rolls differ in their number of notes.

    Example:

    >>> draw_piano_rolls({"one note": np.eye(88)[[40, 40, 42]]}).dtype
    dtype('uint8')
    """
    arrays = {title: np.asarray(roll, "float64") for title, roll in rolls.items()}
    shapes = [array.shape for array in arrays.values()]
    if not shapes or any(len(shape) != 2 or not shape[0] or shape[1] != shapes[0][-1] for shape in shapes):
        raise ValueError(
            "`rolls` must hold at least one roll (steps, notes), all with the same notes and at least one step. "
            f"Received: shapes {shapes}. Leave out what is empty."
        )
    # The same keys in all of them: an octave around what sounds anywhere.
    columns = np.flatnonzero(np.concatenate(list(arrays.values())).max(axis=0) > 0.05)
    low, high = (columns[0], columns[-1]) if len(columns) else (0, shapes[0][1] - 1)
    low, high = max(low - 3, 0), min(high + 3, shapes[0][1] - 1)
    steps = max(shape[0] for shape in shapes)
    figure, axes = new_figure(9.0, 0.4 + 2.2 * len(arrays), nrows=len(arrays), squeeze=False, sharex=True)
    ticks = [column for column in range(_LOWEST_C - _LOWEST_NOTE, shapes[0][1], _OCTAVE) if low <= column <= high]
    names = [f"C{(column + _LOWEST_NOTE) // _OCTAVE - 1}" for column in ticks]
    for axis, (title, array) in zip(axes[:, 0], arrays.items(), strict=True):
        axis.imshow(
            array.T,
            cmap="Blues",
            vmin=0.0,
            vmax=1.0,
            aspect="auto",
            interpolation="nearest",
            origin="lower",
            extent=(0.5, len(array) + 0.5, -0.5, array.shape[1] - 0.5),
        )
        axis.set_xlim(0.5, steps + 0.5)
        axis.set_ylim(low - 0.5, high + 0.5)
        axis.set_yticks(ticks, names)
        axis.grid(True, axis="y", alpha=0.3)
        axis.set_title(title, fontsize=9, loc="left", parse_math=False)
    axes[-1, 0].set_xlabel("step")
    return pixels_of(figure)
