"""The matcher of images: how alike two images are, and which new class an image is of."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import keras
import numpy as np

from keras_seq.core.errors import InputError
from keras_seq.core.notices import notify
from keras_seq.data import LabelledImages, OneShotRuns, has_runs, read_image_pairs, read_images, read_one_shot_runs
from keras_seq.data.images import brightness_remark, check_pixels, inverted
from keras_seq.export import Sample
from keras_seq.families.images.data import one_shot_choices
from keras_seq.families.images.results import MatchedImages
from keras_seq.families.images.served import ImageMatchingFunctions, ImageSettings
from keras_seq.metrics import embedding_spread, pair_scores, retrieval_scores
from keras_seq.tasks.capabilities import Examples
from keras_seq.tasks.trained_task import KerasTask, check_part
from keras_seq.zoo.parts import tower_of

# Images that are embedded in one call.
IMAGES_PER_CALL = 256


class ImageMatcher(KerasTask):
    """A trained siamese model of images: it compares images, and knows a new class from one example.

    Images are arrays `(n, height, width)` or `(n, height, width, 1)` of the size that `settings` tells: uint8, bool, or
    floating from 0 to 1.

    Example:
        >>> import keras_seq
        >>> matcher = keras_seq.load("oneshot_omniglot")  # doctest: +SKIP
        >>> matcher.verify(reference_image, images)  # doctest: +SKIP
        [{'similarity': 0.83, 'duplicate': True}, {'similarity': 0.12, 'duplicate': False}]
    """

    task = "image_matcher"
    settings_class = ImageSettings

    def match(self, a: Any, b: Any) -> list[MatchedImages]:
        """Compare images two by two.

        Args:
            a, b: the images; the first of `a` is compared with the first of `b`, and so on.

        Returns:
            For each pair `{"similarity", "duplicate"}`: the cosine, from -1 to 1, and whether it is at least
            `settings.threshold`.

        Raises:
            ValueError: if images have another size, a pixel is no number from 0 to 1, or `a` and `b` differ in number.
        """
        a, b = self._pixels("a", a), self._pixels("b", b)
        if len(a) != len(b):
            raise ValueError(
                f"`a` and `b` must have the same number of images. Received: {len(a)} and {len(b)}. Leave some out."
            )
        return self._answers(np.sum(self._vectors(a) * self._vectors(b), axis=1))

    def pairs_of(self, path: str | Path, *, invert: bool = False) -> Examples:
        """The pairs of a file, which `match` answers; each result has also `"pair"`, its number from 0.

        Args:
            path: an NPZ file with the arrays `a` and `b`.
            invert: whether bright is dark in them, and dark bright, against the images that trained the model. Where
                that is likely and not said, one line on stderr tells it.

        Raises:
            DataError: if the file is broken.
            InputError: if its images have another size.
        """
        a, b = read_image_pairs(path)
        self._check_size(a, path)
        if invert:
            a, b = inverted(a), inverted(b)
        elif remark := brightness_remark(a, self.settings.invert):
            notify(f"{path}: {remark}")

        def matched(numbers: list[int]) -> list[MatchedImages]:
            results = self.match(a[numbers], b[numbers])
            return [MatchedImages(pair=number, **result) for number, result in zip(numbers, results, strict=True)]

        return Examples("pairs", iter(range(len(a))), matched)

    def embed(self, images: Any) -> np.ndarray:
        """The vectors of images, of length 1: the product of two is their similarity.

        Args:
            images: the images.

        Returns:
            float32 `(n, features)`.

        Raises:
            ValueError: if images have another size, or a pixel is no number from 0 to 1.
        """
        return self._vectors(self._pixels("images", images))

    def verify(self, reference: Any, images: Any) -> list[MatchedImages]:
        """Whether images are of the class of one example, such as the signature that a person has left.

        Args:
            reference: one image, `(height, width)` or `(height, width, 1)`.
            images: those that are to be verified.

        Returns:
            For each image `{"similarity", "duplicate"}`, as of `match`.

        Raises:
            ValueError: as of `embed`.
        """
        (vector,) = self.embed(np.asarray(reference)[np.newaxis])
        return self._answers(self.embed(images) @ vector)

    def one_shot(self, references: Any, queries: Any) -> np.ndarray:
        """Which class each query is of, where each class is known from one image.

        Args:
            references: one image of each class.
            queries: the images to tell.

        Returns:
            int64 `(queries,)`, places in `references`.

        Raises:
            ValueError: as of `embed`, or if there is no reference.
        """
        if not len(references):
            raise ValueError("`references` must hold at least one image. Received: none. Pass one of each class.")
        return one_shot_choices(self.embed(references), self.embed(queries))

    def evaluate(self, data: str | Path, on_progress: Callable[[int], None] | None = None) -> dict[str, Any]:
        """Score the matcher on a file.

        Args:
            data: an NPZ file: one-shot runs as of `keras_seq.data.read_one_shot_runs`, or labelled images as of
                `keras_seq.data.read_images`.
            on_progress: called with the number of images that were read since the last call.

        Returns:
            Of one-shot runs `accuracy`, the share of queries whose most similar reference is of their class; and, of
            all pairs of a query with a reference of its run, `f1`, `precision`, `recall`, `roc_auc`,
            `average_precision`; `examples` are the queries. Of labelled images `recall_at_1`, `recall_at_5`,
            `recall_at_10`, `mrr`, each image among all others, and `embedding_spread`; `examples` are the images.

        Raises:
            DataError: if the file is broken.
            InputError: if its images have another size.
        """
        if not has_runs(data):
            images: LabelledImages = read_images(data)
            self._check_size(images.images, data)
            vectors = self._vectors(images.images, on_progress)
            scores = retrieval_scores(vectors, images.labels)
            return {**scores, "embedding_spread": embedding_spread(vectors), "examples": len(vectors)}
        runs: OneShotRuns = read_one_shot_runs(data)
        self._check_size(runs.references, data)
        references, queries = (
            self._vectors(part.reshape(-1, *part.shape[2:]), on_progress).reshape(*part.shape[:2], -1)
            for part in (runs.references, runs.queries)
        )
        scores = run_scores(references, queries, runs.answers, self.settings.threshold)
        return {**scores, "examples": runs.answers.size}

    def verification_samples(self) -> list[Sample]:
        height, width = self.settings.height, self.settings.width
        y, x = np.meshgrid(np.linspace(-1, 1, height), np.linspace(-1, 1, width), indexing="ij")
        # A ring, a cross, a line that slants, grey that fades, and nothing.
        drawings = [np.abs(np.hypot(y, x) - 0.6) < 0.12, (np.abs(y) < 0.1) | (np.abs(x) < 0.1), np.abs(y - x) < 0.1]
        images = np.stack([*drawings, (1 + x) / 2, 0 * x]).astype("float32")[..., np.newaxis]
        return [
            Sample("pairs of drawings", {"a": images, "b": images[::-1]}),
            Sample("drawings for embed", {"image": images}, "embed"),
            Sample("no drawing", {"image": images[:0]}, "embed"),
        ]

    @classmethod
    def _read(cls, directory: Path, model: keras.Model, settings: ImageSettings) -> ImageMatchingFunctions:
        check_part(directory, model, tower_of)
        return ImageMatchingFunctions(model, settings)

    def _answers(self, similarities: np.ndarray) -> list[MatchedImages]:
        return [
            MatchedImages(similarity=round(float(value), 4), duplicate=bool(value >= self.settings.threshold))
            for value in similarities
        ]

    def _vectors(self, images: np.ndarray, on_progress: Callable[[int], None] | None = None) -> np.ndarray:
        """The vectors of images of the right size."""
        scale = np.float32(1 / 255 if images.dtype == np.uint8 else 1)
        found = []
        for begin in range(0, max(len(images), 1), IMAGES_PER_CALL):
            chunk = images[begin : begin + IMAGES_PER_CALL]
            outputs = self.served.call("embed", image=chunk.astype("float32")[..., np.newaxis] * scale)
            found.append(np.asarray(outputs["vector"]))
            if on_progress is not None and len(chunk):
                on_progress(len(chunk))
        return np.concatenate(found)

    def _pixels(self, name: str, images: Any) -> np.ndarray:
        images = np.asarray(images)
        size = self.settings.height, self.settings.width
        if images.ndim == 4 and images.shape[-1] == 1:
            images = images[..., 0]
        if images.ndim != 3 or images.shape[1:] != size:
            raise ValueError(
                f"`{name}` must have the shape (n, {size[0]}, {size[1]}) or (n, {size[0]}, {size[1]}, 1). "
                f"Received: shape={np.shape(images)}. Bring images to this size: `keras_seq.data.resize_images`."
            )
        try:
            check_pixels(images)
        except ValueError as error:
            raise ValueError(f"`{name}`: {error}. Mend the image, or leave it out.") from None
        return images

    def _check_size(self, images: np.ndarray, source: str | Path) -> None:
        size = self.settings.height, self.settings.width
        if images.shape[-2:] != size:
            raise InputError(
                f"{source}: images of {images.shape[-2]} x {images.shape[-1]} pixels, {self.name} reads "
                f"{size[0]} x {size[1]}; bring them to this size"
            )


def run_scores(references: np.ndarray, queries: np.ndarray, answers: np.ndarray, threshold: float) -> dict[str, float]:
    """The scores of one-shot runs.

    Args:
        references, queries: vectors of length 1, `(runs, classes, features)` and `(runs, queries, features)`.
        answers: `(runs, queries)`, the reference of the class of each query.
        threshold: from this similarity on a query is called the same as a reference.

    Returns:
        `accuracy`, the share of queries whose most similar reference is of their class; and the scores of all pairs
        of a query with a reference of its run but the accuracy: most pairs differ, so that it tells little.
    """
    choices = one_shot_choices(references, queries)
    is_same = answers[..., np.newaxis] == np.arange(references.shape[1])
    of_pairs = pair_scores((queries @ np.swapaxes(references, -1, -2)).ravel(), is_same.ravel(), threshold)
    return {**of_pairs, "accuracy": float((choices == answers).mean())}
