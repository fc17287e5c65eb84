"""Affine changes of images: what a drawing keeps when it is drawn again."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from keras_seq.core.checks import check_non_negative_number, check_rate


@dataclass(frozen=True)
class AffineRanges:
    """How far images are changed at most; all draws are uniform.

    Args:
        degrees: Of rotation, to either side.
        shear: The tangent of the slant, to either side.
        scale: By which share an image is enlarged or reduced, in each direction of its own.
        shift: By which share of its height and width it is moved, to either side.

    Example:

    >>> AffineRanges(degrees=5.0).shear
    0.2
    """

    degrees: float = 12.0
    shear: float = 0.2
    scale: float = 0.2
    shift: float = 0.06

    def __post_init__(self) -> None:
        check_non_negative_number("degrees", self.degrees)
        check_non_negative_number("shear", self.shear)
        check_rate("scale", self.scale)
        check_rate("shift", self.shift)


def augment_images(
    images: np.ndarray, ranges: AffineRanges, generator: np.random.Generator, matrices: np.ndarray | None = None
) -> np.ndarray:
    """Turn, slant, scale and move each image at random, about its centre.

    Args:
        images: float `(n, height, width)`; beside an image everything is 0.
        ranges: How far.
        generator: What is drawn is a function of its state and the number of images alone.
        matrices: What is done to each image afterwards, as `draw_matrices` gives it; `None`: nothing.

    Returns:
        float32 `(n, height, width)`.

    Example:

    >>> images = np.zeros((1, 9, 9)); images[0, 4, 4] = 1
    >>> float(augment_images(images, AffineRanges(shift=0.0), np.random.default_rng(0))[0, 4, 4])
    1.0

    Reference: Koch, Zemel and Salakhutdinov, "Siamese Neural Networks for One-shot Image Recognition", 2015, section
    4.2, whose distortions these are.
    """
    own = draw_matrices(len(images), ranges, generator)
    shifts = generator.uniform(-ranges.shift, ranges.shift, (len(images), 2)) * images.shape[1:]
    return warp_images(images, own if matrices is None else own @ matrices, shifts)


def draw_matrices(
    count: int, ranges: AffineRanges, generator: np.random.Generator, *, mirror: bool = False
) -> np.ndarray:
    """Draw rotations, slants and scales, as matrices from places of the new image to places of the old one.

    Args:
        count: How many.
        ranges: How far; the shift is not used.
        generator: What is drawn is a function of its state and the arguments alone.
        mirror: Whether every other image, by chance, is also mirrored.

    Returns:
        float64 `(count, 2, 2)`.

    Example:

    >>> abs(draw_matrices(1, AffineRanges(0.0, 0.0, 0.0), np.random.default_rng(0))).tolist()
    [[[1.0, 0.0], [0.0, 1.0]]]
    """
    angles = np.deg2rad(generator.uniform(-ranges.degrees, ranges.degrees, count))
    slants = generator.uniform(-ranges.shear, ranges.shear, count)
    scales = generator.uniform(1 - ranges.scale, 1 + ranges.scale, (count, 2))
    if mirror:
        scales[:, 1] *= generator.choice([-1.0, 1.0], count)
    turn = np.stack([np.cos(angles), -np.sin(angles), np.sin(angles), np.cos(angles)], axis=-1).reshape(-1, 2, 2)
    slant = np.tile(np.eye(2), (count, 1, 1))
    slant[:, 1, 0] = slants
    return turn @ slant / scales[:, None, :]


def warp_images(images: np.ndarray, matrices: np.ndarray, shifts: np.ndarray) -> np.ndarray:
    """Sample images bilinearly at other places.

    Args:
        images: `(n, height, width)`; beside an image everything is 0.
        matrices: `(n, 2, 2)`.
        shifts: `(n, 2)`, in pixels. The new pixel at (y, x), counted from the centre, is the old one at
            `matrix @ (y, x) + shift`.

    Returns:
        float32 `(n, height, width)`.

    Example:

    >>> warp_images(np.array([[[1.0, 2.0, 3.0]]]), np.eye(2)[None], np.array([[0.0, 0.5]])).tolist()
    [[[1.5, 2.5, 1.5]]]
    """
    count, height, width = images.shape
    centre = np.array([(height - 1) / 2, (width - 1) / 2], "float32")
    grid = np.stack(np.meshgrid(np.arange(height), np.arange(width), indexing="ij"), axis=-1).reshape(-1, 2) - centre
    places = np.einsum("nij,pj->npi", matrices.astype("float32"), grid.astype("float32"))
    places += (centre + shifts).astype("float32")[:, None, :]
    # Rows and columns of nothing on each side; places further out are moved there.
    padded = np.pad(np.asarray(images, "float32"), ((0, 0), (1, 2), (1, 2)))
    y = np.clip(places[..., 0] + 1, 0, height + 1)
    x = np.clip(places[..., 1] + 1, 0, width + 1)
    top, left = y.astype("int32"), x.astype("int32")
    y -= top
    x -= left
    row = np.arange(count)[:, None]
    upper = padded[row, top, left] * (1 - x) + padded[row, top, left + 1] * x
    lower = padded[row, top + 1, left] * (1 - x) + padded[row, top + 1, left + 1] * x
    return (upper * (1 - y) + lower * y).reshape(images.shape).astype("float32")
