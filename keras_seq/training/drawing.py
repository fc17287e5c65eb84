"""Pictures for TensorBoard, as arrays of pixels."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from keras_seq.core.notices import one_line

# Of a confusion matrix: more can neither be read nor drawn in a second. And the letters of a name.
_MOST_CLASSES, _MOST_LETTERS = 24, 32


def draw_confusion_matrix(names: Sequence[str], counts: np.ndarray) -> np.ndarray:
    """Draw a confusion matrix: a row for each true class, coloured and labelled by its shares.

    Of more than 24 classes those with most mistakes are shown; the shares are still those of all predictions.

    Args:
        names: The classes.
        counts: `[true, predicted]` counts.

    Returns:
        A picture, uint8 `[height, width, 3]`.

    Raises:
        ValueError: if `counts` is not square or has another size than `names`.

    Example:

    >>> draw_confusion_matrix(["O", "PERSON"], np.array([[90, 10], [5, 15]])).shape[-1]
    3
    """
    counts = np.asarray(counts)
    if counts.shape != (len(names), len(names)):
        raise ValueError(
            f"`counts` must have one row and one column for each of the {len(names)} names. "
            f"Received: counts.shape={counts.shape}. Count with the same names."
        )
    shares = counts / np.maximum(counts.sum(axis=1, keepdims=True), 1)
    mistakes = counts.sum(axis=0) + counts.sum(axis=1) - 2 * np.diag(counts)
    shown = np.sort(np.argsort(-mistakes, kind="stable")[:_MOST_CLASSES])
    shares = shares[np.ix_(shown, shown)]
    size = 2.5 + 0.5 * len(shown)
    figure, axes = new_figure(size, size)
    axes.imshow(shares, cmap="Blues", vmin=0.0, vmax=1.0)
    positions, labels = range(len(shown)), [_label(names[index]) for index in shown]
    # Labels of others: a dollar sign in them is no mathematics.
    axes.set_xticks(positions, labels, rotation=45, ha="right", parse_math=False)
    axes.set_yticks(positions, labels, parse_math=False)
    if len(shown) < len(names):
        axes.set_title(f"the {len(shown)} of {len(names)} classes with most mistakes", fontsize=9)
    axes.set_xlabel("predicted")
    axes.set_ylabel("true")
    for row, column in np.argwhere(shares):
        text = axes.text(
            column,
            row,
            f"{shares[row, column]:.2f}".lstrip("0"),
            ha="center",
            va="center",
            fontsize=8,
            color="white" if shares[row, column] > 0.5 else "black",
        )
        # They stand in their cells: the layout, which would measure each several times, does not need them.
        text.set_in_layout(False)
    return pixels_of(figure)


def _label(name: str) -> str:
    line = one_line(name)
    return line if len(line) <= _MOST_LETTERS else f"{line[: _MOST_LETTERS - 3]}..."


def draw_gradient_norms(title: str, epochs: Sequence[int], norms: np.ndarray) -> np.ndarray:
    """Draw the norms of dL/dh_t as a heat map: a column for each step t, a row for each epoch, colour = log10.

    Three colours lie outside the scale: red where a norm is infinite (the gradient exploded), black where it is exactly
    0 (it vanished), grey where no row of the batch has that step. A note says so where they occur.

    Args:
        title: Shown above.
        epochs: The epochs of the rows; 0 is before the training.
        norms: `(epochs, steps)`; NaN where there is no such step.

    Returns:
        A picture, uint8 `[height, width, 3]`.

    Raises:
        ValueError: if `norms` has not one row for each epoch, or nothing to draw.

    Example:

    >>> draw_gradient_norms("lstm", [0, 1], np.array([[1e-3, 0.1, 1.0], [0.0, 1.0, np.inf]])).shape[-1]
    3
    """
    from matplotlib import colormaps

    norms = _checked_norms(epochs, norms)
    logarithms = _logarithms(norms)
    finite = logarithms[np.isfinite(logarithms)]
    low, high = (finite.min(), finite.max()) if finite.size else (-1.0, 0.0)
    if high - low < 0.1:
        low, high = low - 0.05, high + 0.05
    figure, axes = new_figure(7.0, 4.0)
    image = axes.imshow(
        # Infinities go a little outside the scale: there the colours for "under" and "over" begin.
        np.ma.masked_invalid(np.clip(logarithms, low - 1.0, high + 1.0)),
        cmap=colormaps["viridis"].with_extremes(bad="lightgrey", under="black", over="red"),
        vmin=low,
        vmax=high,
        aspect="auto",
        interpolation="nearest",
        origin="lower",
        extent=(0.5, norms.shape[1] + 0.5, -0.5, len(epochs) - 0.5),
    )
    chosen = np.unique(np.linspace(0, len(epochs) - 1, min(len(epochs), 10)).round().astype(int))
    axes.set_yticks(chosen, [str(epochs[index]) for index in chosen])
    axes.set_xlabel("step t")
    axes.set_ylabel("epoch")
    axes.set_title(_titled(title, norms, "red", "black", "grey"), fontsize=9, parse_math=False)
    figure.colorbar(image, ax=axes, label="log10 of the norm of dL/dh_t")
    return pixels_of(figure)


def draw_newest_gradient_norms(title: str, epochs: Sequence[int], norms: np.ndarray) -> np.ndarray:
    """Draw the norms of dL/dh_t of the last epoch as a line over t, and those of the first one, on a log axis.

    Norms that have no place on a log axis stand on its edges: infinite ones as triangles at the top, zeros at the
    bottom.

    Args:
        title: Shown above.
        epochs: As for `draw_gradient_norms`.
        norms: As for `draw_gradient_norms`.

    Returns:
        A picture, uint8 `[height, width, 3]`.

    Raises:
        ValueError: as for `draw_gradient_norms`.

    Example:

    >>> draw_newest_gradient_norms("lstm", [1], np.array([[1e-3, 0.1, np.inf]])).dtype
    dtype('uint8')
    """
    norms = _checked_norms(epochs, norms)
    steps = np.arange(1, norms.shape[1] + 1)
    figure, axes = new_figure(7.0, 4.0)
    shown = {len(epochs) - 1: "tab:blue", 0: "silver"}
    for index, colour in reversed(shown.items()):
        row = norms[index]
        usable = np.isfinite(row) & (row > 0)
        marker = "." if usable.sum() < 60 else None
        axes.semilogy(steps, np.where(usable, row, np.nan), color=colour, marker=marker, label=f"epoch {epochs[index]}")
        for odd, height, triangle in ((np.isinf(row), 0.98, "^"), (row == 0, 0.02, "v")):
            places = steps[odd]
            transform = axes.get_xaxis_transform()
            axes.plot(places, np.full(len(places), height), triangle, color=colour, transform=transform, clip_on=False)
    axes.set_xlim(0.5, norms.shape[1] + 0.5)
    axes.set_xlabel("step t")
    axes.set_ylabel("norm of dL/dh_t")
    axes.grid(True, alpha=0.3)
    axes.legend(loc="best", fontsize=8)
    axes.set_title(
        _titled(title, norms[list(shown)], "triangles at the top", "triangles at the bottom", "gaps"),
        fontsize=9,
        parse_math=False,
    )
    return pixels_of(figure)


def _checked_norms(epochs: Sequence[int], norms: np.ndarray) -> np.ndarray:
    norms = np.asarray(norms, "float64")
    if norms.ndim != 2 or len(norms) != len(epochs) or not norms.size:
        raise ValueError(
            f"`norms` must have one row for each of the {len(epochs)} epochs, and at least one step. "
            f"Received: norms.shape={norms.shape}. Stack what was measured."
        )
    return norms


def _logarithms(norms: np.ndarray) -> np.ndarray:
    with np.errstate(divide="ignore"):
        return np.log10(norms)


def _titled(title: str, norms: np.ndarray, infinite: str, zero: str, missing: str) -> str:
    notes = [
        note
        for present, note in (
            (np.isinf(norms).any(), f"{infinite}: not finite, exploded"),
            ((norms == 0).any(), f"{zero}: exactly 0, vanished"),
            (np.isnan(norms).any(), f"{missing}: no such step"),
        )
        if present
    ]
    return "\n".join([_label(title), "; ".join(notes)]) if notes else _label(title)


def new_figure(width: float, height: float, **subplots: Any) -> tuple[Any, Any]:
    """A figure, its size in units of 100 pixels, and its axes: one, or what `subplots` asks of `Figure.subplots`."""
    # The object-oriented interface: no window system, no global state, safe in threads.
    from matplotlib.figure import Figure

    figure = Figure(figsize=(width, height), dpi=100, layout="constrained")
    return figure, figure.subplots(**subplots)


def pixels_of(figure: Any) -> np.ndarray:
    """The figure as an array of pixels, uint8 `[height, width, 3]`."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg

    canvas = FigureCanvasAgg(figure)
    canvas.draw()
    return np.array(canvas.buffer_rgba())[..., :3]
