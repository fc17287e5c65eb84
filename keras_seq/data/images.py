"""Grey images: with labels, as pairs, and as one-shot runs, from NPZ files."""

import os
from collections.abc import Callable, Iterator, Mapping
from typing import Any, NamedTuple

import numpy as np

from keras_seq.core.checks import check_boolean, check_positive_integer
from keras_seq.core.errors import DataError
from keras_seq.core.reading import array_names, read_arrays
from keras_seq.data.description import Description, Remark
from keras_seq.data.readers import Head
from keras_seq.data.roles import Roles

# Omniglot's images come as rows of bits.
PACKED_SIDE = 105
_PACKED_BYTES = (PACKED_SIDE**2 + 7) // 8
# Images that are brought to another size at a time, so that memory does not grow with their number.
_CHUNK = 2000
IMAGES_FORMAT = (
    "save `images` (n, height, width), uint8 or floats from 0 to 1, and `labels` (n,) with `numpy.savez_compressed`"
)
PAIRS_FORMAT = "save `a` and `b`, each (n, height, width), with `numpy.savez_compressed`"
RUNS_FORMAT = (
    "save `train` (runs, classes, height, width), `test` (runs, queries, height, width) and `test_class` "
    "(runs, queries) with `numpy.savez_compressed`"
)


class LabelledImages(NamedTuple):
    """Images and what is known of each.

    `images` is `(n, height, width)`, uint8 from 0 to 255, bool, or floating from 0 to 1. `labels`, `groups` and
    `drawers` are int64 `(n,)`: the class; what classes belong together, such as an alphabet; and who drew the image.
    `groups` and `drawers` are 0 where the file does not tell. `names` are those of the classes.

    Example:

    >>> LabelledImages(np.zeros((2, 3, 3)), np.arange(2), np.zeros(2), np.zeros(2), ("a", "b")).names
    ('a', 'b')
    """

    images: np.ndarray
    labels: np.ndarray
    groups: np.ndarray
    drawers: np.ndarray
    names: tuple[str, ...]


class OneShotRuns(NamedTuple):
    """Trials of one-shot classification: in each run one image of each class, and queries.

    `references` `(runs, classes, height, width)`, `queries` `(runs, queries, height, width)`, and `answers` int64
    `(runs, queries)`: which reference is of the class of the query.

    Example:

    >>> OneShotRuns(np.zeros((1, 2, 3, 3)), np.zeros((1, 1, 3, 3)), np.array([[1]])).answers.tolist()
    [[1]]
    """

    references: np.ndarray
    queries: np.ndarray
    answers: np.ndarray


class ImageReader:
    """Grey images of NPZ files: with labels, in pairs, or as one-shot runs."""

    name = "images"
    roles = ()

    def recognises(self, head: Head) -> float:
        """As of every reader: an NPZ file."""
        return 0.9 if head.content.startswith(b"PK") else 0.0

    def sniff(self, path: str | os.PathLike, columns: Roles | None = None) -> Description:
        """What the file holds.

        Args:
            path: The file.
            columns: There are none.

        Raises:
            DataError: as `read_images`, `read_image_pairs` or `read_one_shot_runs`.
        """
        found = self._content(path)
        counts: dict[str, int] = {}
        if isinstance(found, LabelledImages):
            kind, pixels, count = "labelled", found.images, len(found.images)
            counts = dict(zip(found.names, np.bincount(found.labels, minlength=len(found.names)).tolist(), strict=True))
        elif isinstance(found, OneShotRuns):
            kind, pixels, count = "one-shot runs", found.references, len(found.references)
        else:
            (kind, pixels), count = ("pairs", found[0]), len(found[0])
        unit = {"labelled": "images", "pairs": "pairs"}.get(kind, "runs")
        scale = 255.0 if pixels.dtype == np.uint8 else 1.0
        mean = float(pixels.mean()) / scale
        details = {"size": f"{pixels.shape[-2]} x {pixels.shape[-1]} {pixels.dtype}", "mean": f"{mean:.2f}"}
        remarks = [Remark("most is bright: of dark ink on white paper set images.invert = true")] if mean > 0.5 else []
        return Description(
            os.fspath(path), f"{self.name}, {kind}", unit, count, counted="classes" if counts else "", counts=counts,
            details=details, remarks=remarks,
        )  # fmt: skip

    def examples(self, path: str | os.PathLike, columns: Roles | None = None) -> Iterator[tuple[np.ndarray, ...]]:
        """Image and label; or the two images of a pair; or references, queries and answers of a run."""
        found = self._content(path)
        return zip(*(found[:2] if isinstance(found, LabelledImages) else found), strict=True)

    def _content(self, path: str | os.PathLike) -> "LabelledImages | OneShotRuns | tuple[np.ndarray, np.ndarray]":
        names = set(_names(path))
        if "test_class" in names:
            return read_one_shot_runs(path)
        return read_image_pairs(path) if {"a", "b"} <= names and "images" not in names else read_images(path)


IMAGES = READER = ImageReader()


def read_images(path: str | os.PathLike) -> LabelledImages:
    """Read labelled images.

    Args:
        path: An NPZ file with `images` `(n, height, width)` or `(n, height, width, 1)`, uint8, bool, or floating from 0
            to 1; `labels` `(n,)`, integers or strings; and, if known, `groups` and `drawers` `(n,)`. Or one of
            Omniglot's form: `images` `(n, 1379)` of bits, `alphabet`, `character` and `drawer`.

    Returns:
        `LabelledImages`.

    Raises:
        DataError: if the file is missing or of another kind, an array is missing or does not fit the others, there is
            no image, or a pixel is no number or out of range.

    Example:

    >>> import tempfile, pathlib
    >>> path = pathlib.Path(tempfile.mkdtemp()) / "signatures.npz"
    >>> np.savez_compressed(path, images=np.zeros((4, 8, 20), "uint8"), labels=["ana", "ana", "rui", "rui"])
    >>> read_images(path).labels.tolist()
    [0, 0, 1, 1]
    """
    arrays = _read_arrays(path, IMAGES_FORMAT)
    is_omniglot = "character" in arrays
    needed = ("images", "alphabet", "character") if is_omniglot else ("images", "labels")
    images, *keys = _taken(path, arrays, needed, IMAGES_FORMAT)
    images = _checked_images(path, "images", images, 1, IMAGES_FORMAT)
    optional = (
        {"groups": "alphabet", "drawers": "drawer"} if is_omniglot else {"groups": "groups", "drawers": "drawers"}
    )
    columns = {name: arrays.get(key, np.zeros(len(images), np.int64)) for name, key in optional.items()}
    for name, values in zip([*needed[1:], *columns], [*keys, *columns.values()], strict=True):
        if values.shape != (len(images),) or values.dtype.kind not in "iubU":
            raise DataError(
                path, None, f"`{name}` has shape {values.shape} and dtype {values.dtype} for {len(images)} images",
                "give one integer or string for each image",
            )  # fmt: skip
    classes = np.stack([values.astype(str) for values in keys], axis=1)
    found, labels = np.unique(classes, axis=0, return_inverse=True)
    names = ["/".join(parts) for parts in found.tolist()]
    groups, drawers = (np.unique(values, return_inverse=True)[1].reshape(-1) for values in columns.values())
    return LabelledImages(images, labels.reshape(-1), groups, drawers, tuple(names))


def check_image_classes(images: LabelledImages, path: str | os.PathLike) -> None:
    """Check that there is something to learn and to compare: two classes or more, two images or more of each.

    Raises:
        DataError: if there are fewer.
    """
    counts = np.bincount(images.labels)
    if len(counts) < 2:
        raise DataError(path, None, f"all {len(images.labels)} images are of one class", "add images of another class")
    if counts.min() < 2:
        name = images.names[int(counts.argmin())]
        alone = int((counts < 2).sum())
        reason = f"{alone} of {len(counts)} classes have a single image, such as {name!r}: it has no pair"
        raise DataError(path, None, reason, "add a second image, or leave these classes out")


def read_image_pairs(path: str | os.PathLike) -> tuple[np.ndarray, np.ndarray]:
    """Read pairs of images.

    Args:
        path: An NPZ file with `a` and `b`, each `(n, height, width)` or `(n, height, width, 1)`, as `images` of
            `read_images`.

    Returns:
        Two arrays `(n, height, width)`.

    Raises:
        DataError: as of `read_images`; and if the arrays differ in shape.

    Example:

    >>> import tempfile, pathlib
    >>> path = pathlib.Path(tempfile.mkdtemp()) / "pairs.npz"
    >>> np.savez_compressed(path, a=np.zeros((1, 8, 20)), b=np.ones((1, 8, 20)))
    >>> [side.shape for side in read_image_pairs(path)]
    [(1, 8, 20), (1, 8, 20)]
    """
    sides = _taken(path, _read_arrays(path, PAIRS_FORMAT), ("a", "b"), PAIRS_FORMAT)
    a, b = (_checked_images(path, name, side, 1, PAIRS_FORMAT) for name, side in zip("ab", sides, strict=True))
    if a.shape != b.shape:
        raise DataError(path, None, f"`a` has shape {a.shape}, `b` {b.shape}", PAIRS_FORMAT)
    return a, b


def has_runs(path: str | os.PathLike) -> bool:
    """Whether a file holds one-shot runs, and not labelled images.

    Raises:
        DataError: if the file is missing or no NPZ file.
    """
    return "test_class" in _names(path)


def read_one_shot_runs(path: str | os.PathLike) -> OneShotRuns:
    """Read runs of one-shot classification.

    Args:
        path: An NPZ file with `train` `(runs, classes, height, width)`, `test` `(runs, queries, height, width)` and
            `test_class` `(runs, queries)`, the place in `train` of the class of a query. Images may be rows of bits, as
            in Omniglot.

    Returns:
        `OneShotRuns`.

    Raises:
        DataError: as of `read_images`.

    Example:

    >>> import tempfile, pathlib
    >>> path = pathlib.Path(tempfile.mkdtemp()) / "runs.npz"
    >>> np.savez_compressed(path, train=np.zeros((1, 2, 5, 5)), test=np.zeros((1, 1, 5, 5)), test_class=[[1]])
    >>> read_one_shot_runs(path).references.shape
    (1, 2, 5, 5)
    """
    arrays = _taken(path, _read_arrays(path, RUNS_FORMAT), ("train", "test", "test_class"), RUNS_FORMAT)
    references, queries = (
        _checked_images(path, name, images, 2, RUNS_FORMAT)
        for name, images in zip(("train", "test"), arrays, strict=False)
    )
    answers = arrays[2]
    fits = references.shape[0] == queries.shape[0] and references.shape[2:] == queries.shape[2:]
    if not fits or answers.shape != queries.shape[:2] or answers.dtype.kind not in "iu":
        shapes = f"`train` {references.shape}, `test` {queries.shape}, `test_class` {answers.shape}"
        raise DataError(path, None, f"the shapes do not fit: {shapes}", RUNS_FORMAT)
    if answers.min() < 0 or answers.max() >= references.shape[1]:
        reason = f"`test_class` has values from {answers.min()} to {answers.max()}"
        raise DataError(path, None, reason, f"give places of `train`, from 0 to {references.shape[1] - 1}")
    return OneShotRuns(references, queries, answers.astype(np.int64))


def area_weights(size: int, source: int) -> np.ndarray:
    """How much of each of `source` pixels in a row lies in each of `size` larger or smaller ones.

    Args:
        size: The number of new pixels.
        source: The number of old ones, over the same length.

    Returns:
        float32 `(size, source)`, whose rows sum to 1.

    Example:

    >>> area_weights(2, 3).round(3).tolist()
    [[0.6669999957084656, 0.3330000042915344, 0.0], [0.0, 0.3330000042915344, 0.6669999957084656]]
    """
    check_positive_integer("size", size)
    check_positive_integer("source", source)
    edges = np.linspace(0.0, source, size + 1)
    old = np.arange(source)
    overlap = np.clip(np.minimum(edges[1:, None], old + 1.0) - np.maximum(edges[:-1, None], old), 0.0, None)
    return (overlap / overlap.sum(axis=1, keepdims=True)).astype("float32")


def resize_images(images: np.ndarray, height: int, width: int, *, invert: bool = False) -> np.ndarray:
    """Bring images to one size, each new pixel the mean over its area, and pixels to the range from 0 to 1.

    Args:
        images: `(n, height, width)`: uint8 from 0 to 255, bool, or floating from 0 to 1.
        height, width: Of the result.
        invert: Whether what is bright becomes dark: for dark ink on white paper, as models here see ink as 1.

    Returns:
        float32 `(n, height, width)`.

    Example:

    >>> resize_images(np.array([[[0, 255], [255, 255]]], "uint8"), 1, 1).tolist()
    [[[0.75]]]
    """
    check_boolean("invert", invert)
    vertical, horizontal = area_weights(height, images.shape[1]), area_weights(width, images.shape[2])
    scale = np.float32(1 / 255 if images.dtype == np.uint8 else 1)
    found = np.empty((len(images), height, width), "float32")
    for begin in range(0, len(images), _CHUNK):
        chunk = images[begin : begin + _CHUNK].astype("float32") * scale
        found[begin : begin + _CHUNK] = vertical @ (1 - chunk if invert else chunk) @ horizontal.T
    return found


def inverted(images: np.ndarray) -> np.ndarray:
    """Images with bright for dark, and dark for bright.

    Example:

    >>> inverted(np.array([0, 255], "uint8")).tolist(), inverted(np.array([True, False])).tolist()
    ([255, 0], [False, True])
    """
    return ~images if images.dtype in (np.uint8, bool) else 1 - images


def brightness_remark(images: np.ndarray, is_bright_expected: bool) -> str:
    """What there is to say if images are bright where a model expects dark ones, or dark for bright; else empty.

    Args:
        images: As of `read_images`.
        is_bright_expected: Whether the model was trained on dark ink on white.
    """
    is_bright = images.mean() > (127.5 if images.dtype == np.uint8 else 0.5)
    if is_bright == is_bright_expected:
        return ""
    found, other = ("bright", "dark") if is_bright else ("dark", "bright")
    return f"most is {found}, where the model was trained on {other} paper; --invert exchanges the two"


def _names(path: str | os.PathLike) -> list[str]:
    return _read(path, IMAGES_FORMAT, array_names)


def _read_arrays(path: str | os.PathLike, remedy: str) -> dict[str, np.ndarray]:
    return _read(path, remedy, read_arrays)


def _read(path: str | os.PathLike, remedy: str, reader: Callable[..., Any]) -> Any:
    try:
        return reader(path)
    except FileNotFoundError:
        raise DataError(path, None, "no such file", remedy) from None
    except OSError as error:
        raise DataError(path, None, f"cannot be read ({error.strerror or error})", remedy) from error
    except ValueError as error:
        raise DataError(path, None, f"no NPZ file, or a damaged one ({error})", remedy) from error


def _taken(
    path: str | os.PathLike, arrays: Mapping[str, np.ndarray], names: tuple[str, ...], remedy: str
) -> list[np.ndarray]:
    for name in names:
        if name not in arrays:
            raise DataError(path, None, f"no array `{name}` (its arrays: {', '.join(arrays) or 'none'})", remedy)
    return [arrays[name] for name in names]


def _checked_images(path: str | os.PathLike, name: str, images: np.ndarray, num_axes: int, remedy: str) -> np.ndarray:
    """Images with `num_axes` axes before height and width; rows of bits unpacked; the axis of one channel taken off."""
    if images.dtype == np.uint8 and images.ndim == num_axes + 1 and images.shape[-1] == _PACKED_BYTES:
        bits = np.unpackbits(images, axis=-1)[..., : PACKED_SIDE**2]
        images = bits.view(bool).reshape(*images.shape[:-1], PACKED_SIDE, PACKED_SIDE)
    if images.ndim == num_axes + 3 and images.shape[-1] == 1:
        images = images[..., 0]
    if images.ndim != num_axes + 2 or not images.size:
        raise DataError(path, None, f"`{name}` has shape {images.shape}", remedy)
    try:
        check_pixels(images)
    except ValueError as error:
        raise DataError(path, None, f"`{name}`: {error}", remedy) from None
    return images


def check_pixels(images: np.ndarray) -> None:
    """Check that pixels are uint8, bool, or floating from 0 to 1.

    Args:
        images: Of any shape whose last two axes are height and width.

    Raises:
        ValueError: if they are not, or are uint8 of 0 and 1; the message names the first image that is odd, without a
            full stop.

    Example:

    >>> check_pixels(np.full((1, 2, 2), 2.0))
    Traceback (most recent call last):
    ValueError: pixels must be from 0 to 1, or uint8; image 0 has 2.0
    """
    if images.dtype == np.uint8 and images.size and images.max() == 1:
        raise ValueError("pixels are uint8 and none is above 1, of 255; 0 and 1 must be bool, or floating")
    if images.dtype == np.uint8 or images.dtype == bool:
        return
    if images.dtype.kind != "f":
        raise ValueError(f"pixels must be uint8, bool or floating, not {images.dtype}")
    flat = images.reshape(-1, images.shape[-2] * images.shape[-1])
    # NaN is in no range.
    is_odd = ~((flat >= 0) & (flat <= 1))
    if is_odd.any():
        image = int(np.flatnonzero(is_odd.any(axis=1))[0])
        pixel = flat[image][is_odd[image]][0]
        if np.isnan(pixel):
            raise ValueError(f"pixels must be numbers; image {image} has {int(np.isnan(flat[image]).sum())} NaN")
        raise ValueError(f"pixels must be from 0 to 1, or uint8; image {image} has {pixel}")
