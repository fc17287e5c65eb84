"""Images in batches of pairs, and trials of one-shot recognition."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np

from keras_seq.core.errors import InputError
from keras_seq.data import AffineRanges, LabelledImages, augment_images
from keras_seq.data.image_augmentation import draw_matrices
from keras_seq.families.images.recipe import ImagesSection

# A turn by a quarter is a class of its own.
QUARTERS = 4


class ImagePairs:
    """Batches of two images of each of different classes, for `keras_seq.training.fit`; a function of seed and epoch.

    An epoch has each class once, but for those that do not fill a batch.

    Args:
        images: `images` float32; of each class two or more.
        batch_size: classes in a batch.
        options: the section of the recipe: how images are varied, and which classes meet in a batch.
        seed: decides everything.

    Raises:
        InputError: if there are fewer classes than in a batch.
    """

    def __init__(
        self,
        images: LabelledImages,
        *,
        batch_size: int,
        options: ImagesSection,
        seed: int,
    ) -> None:
        self.images = images.images
        self.options = options
        self.ranges = AffineRanges(options.degrees, options.shear, options.scale, options.shift)
        self.class_ranges = AffineRanges(options.class_degrees, options.class_shear, options.class_scale, 0.0)
        self.seed = seed
        self.turns = QUARTERS if options.rotations else 1
        order = np.argsort(images.labels, kind="stable")
        self.members = np.split(order, np.flatnonzero(np.diff(images.labels[order])) + 1)
        self.groups = images.groups[[rows[0] for rows in self.members]]
        self.num_classes = len(self.members) * self.turns
        self.batch_size = batch_size
        if self.num_classes < batch_size:
            raise InputError(
                f"`batching.batch_size` must be at most the number of classes, two images of each are in a batch. "
                f"Received: {batch_size} for {self.num_classes} classes; make it smaller"
            )

    def __len__(self) -> int:
        return self.num_classes // self.batch_size

    def epoch(self, epoch: int, skip: int = 0) -> Iterator[tuple[dict[str, np.ndarray], np.ndarray]]:
        """The inputs `image_a` and `image_b` `(classes, height, width, 1)`, and the classes."""
        generator = np.random.default_rng([self.seed, epoch])
        order = generator.permutation(self.num_classes)
        if self.options.within_groups:
            # Groups in random order, each turn of a group by itself.
            groups = self.groups[order % len(self.members)] * self.turns + order // len(self.members)
            order = order[np.argsort(generator.permutation(groups.max() + 1)[groups], kind="stable")]
        for index in range(skip, len(self)):
            classes = order[index * self.batch_size : (index + 1) * self.batch_size]
            yield self._batch(classes, np.random.default_rng([self.seed, epoch, index]))

    def _batch(self, classes: np.ndarray, generator: np.random.Generator) -> tuple[dict[str, np.ndarray], np.ndarray]:
        turns = classes // len(self.members)
        members = [self.members[label] for label in classes % len(self.members)]
        pairs = np.array([generator.choice(rows, size=2, replace=False) for rows in members])
        mirror = self.options.class_mirror
        alike = draw_matrices(len(classes), self.class_ranges, generator, mirror=mirror)
        inputs = {}
        for side, name in enumerate(("image_a", "image_b")):
            images = self.images[pairs[:, side]]
            for turn in range(1, self.turns):
                images[turns == turn] = np.rot90(images[turns == turn], turn, axes=(1, 2))
            inputs[name] = augment_images(images, self.ranges, generator, alike)[..., np.newaxis]
        return inputs, classes.astype("int32")


class Trials(NamedTuple):
    """Rows of images: `references` and `queries`, each `(runs, ways)`; a query is of the class of its reference.

    Example:
        >>> Trials(np.array([[0, 2]]), np.array([[1, 3]])).queries.tolist()
        [[1, 3]]
    """

    references: np.ndarray
    queries: np.ndarray


def draw_trials(images: LabelledImages, *, ways: int, runs: int, seed: int) -> Trials:
    """Draw one-shot runs in the form of Omniglot's: classes of one group, references by one drawer, queries by another.

    Where the drawers are not known, or did not draw all of these classes, two images of each class are drawn.

    Args:
        images: the images.
        ways: classes of a run; fewer where no group has so many.
        runs: how many.
        seed: decides the draws.

    Returns:
        `Trials`, the groups in turn.

    Raises:
        InputError: if no group has two classes of two images.
    """
    generator = np.random.default_rng(seed)
    classes_of = {group: _classes(images, group) for group in np.unique(images.groups)}
    most = max(map(len, classes_of.values()))
    ways = min(ways, most)
    if ways < 2:
        raise InputError("validation needs a group with two classes of two images; give more images, or hold out more")
    groups = [group for group, classes in classes_of.items() if len(classes) >= ways]
    found = [_draw_run(classes_of[groups[run % len(groups)]], images, ways, generator) for run in range(runs)]
    references, queries = np.array(found).transpose(1, 0, 2)
    return Trials(references, queries)


def one_shot_choices(references: np.ndarray, queries: np.ndarray) -> np.ndarray:
    """Which reference is most like each query.

    Args:
        references: vectors of length 1, `(..., ways, features)`.
        queries: the same, `(..., queries, features)`.

    Returns:
        Its place, `(..., queries)`.
    """
    return np.asarray((queries @ np.swapaxes(references, -1, -2)).argmax(axis=-1))


def _classes(images: LabelledImages, group: int) -> dict[int, np.ndarray]:
    """The rows of each class of a group that has two images or more."""
    rows = np.flatnonzero(images.groups == group)
    found = {label: rows[images.labels[rows] == label] for label in np.unique(images.labels[rows])}
    return {label: members for label, members in found.items() if len(members) > 1}


def _draw_run(
    classes: dict[int, np.ndarray], images: LabelledImages, ways: int, generator: np.random.Generator
) -> tuple[np.ndarray, np.ndarray]:
    chosen = [classes[label] for label in generator.choice(list(classes), size=ways, replace=False)]
    drawers = set.intersection(*(set(images.drawers[rows].tolist()) for rows in chosen))
    if len(drawers) > 1:
        pair = generator.choice(sorted(drawers), size=2, replace=False)
        first, second = ([_row_of(rows, images, drawer) for rows in chosen] for drawer in pair)
        return np.array(first), np.array(second)
    pairs = np.array([generator.choice(rows, size=2, replace=False) for rows in chosen])
    return pairs[:, 0], pairs[:, 1]


def _row_of(rows: np.ndarray, images: LabelledImages, drawer: int) -> int:
    return int(rows[images.drawers[rows] == drawer][0])
