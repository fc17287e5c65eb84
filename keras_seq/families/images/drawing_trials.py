"""Pictures of one-shot trials, as arrays of pixels."""

import numpy as np

from keras_seq.training.drawing import new_figure, pixels_of

# More references in a row are too small to be told apart.
_MOST_REFERENCES = 20


def draw_trials(references: np.ndarray, queries: np.ndarray, choices: np.ndarray, answers: np.ndarray) -> np.ndarray:
    """Draw one-shot trials below each other: the query on the left, the references right of it.

    The reference that was chosen has a frame: green where it is the right one; where not, it is red, and the right one
    blue.

    Args:
        references: `(trials, classes, height, width)`, 0 is paper and 1 is ink.
        queries: `(trials, height, width)`.
        choices: int `(trials,)`, the reference that was chosen.
        answers: int `(trials,)`, the right one.

    Returns:
        A picture, uint8 `[height, width, 3]`.

    Raises:
        ValueError: if there is no trial, or numbers of trials differ.

    Example:

    >>> draw_trials(np.zeros((1, 2, 5, 5)), np.zeros((1, 5, 5)), np.array([0]), np.array([1])).dtype
    dtype('uint8')
    """
    count = len(queries)
    if not count or not count == len(references) == len(choices) == len(answers):
        raise ValueError(
            "`references`, `queries`, `choices` and `answers` must be of the same trials, at least one. "
            f"Received: {len(references)}, {count}, {len(choices)} and {len(answers)}. Take the same rows of each."
        )
    columns = 1 + min(references.shape[1], _MOST_REFERENCES)
    figure, axes = new_figure(0.5 * columns, 0.5 * count, nrows=count, ncols=columns, squeeze=False)
    for trial in range(count):
        # Where there are too many, the right one and the chosen one are among those that are shown.
        marked = {int(answers[trial]), int(choices[trial])}
        others = [place for place in range(references.shape[1]) if place not in marked]
        kept = sorted([*marked, *others[: columns - 1 - len(marked)]])
        _draw(axes[trial, 0], queries[trial], None)
        for column, place in enumerate(kept, start=1):
            is_chosen, is_right = place == choices[trial], place == answers[trial]
            colour = "tab:green" if is_chosen and is_right else "tab:red" if is_chosen else "tab:blue"
            _draw(axes[trial, column], references[trial, place], colour if is_chosen or is_right else None)
    return pixels_of(figure)


def _draw(axis, image, colour):
    axis.imshow(image, cmap="Greys", vmin=0.0, vmax=1.0, interpolation="nearest")
    axis.set_xticks([])
    axis.set_yticks([])
    for spine in axis.spines.values():
        spine.set_visible(colour is not None)
        spine.set_color(colour or "white")
        spine.set_linewidth(2.5)
