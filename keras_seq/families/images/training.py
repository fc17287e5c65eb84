"""How a matcher of images is trained."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import keras
import numpy as np

from keras_seq.core.errors import InputError, RecipeError
from keras_seq.data import (
    LabelledImages,
    check_image_classes,
    has_runs,
    hold_out_groups,
    read_images,
    read_one_shot_runs,
    resize_images,
)
from keras_seq.families.images.data import ImagePairs, draw_trials, one_shot_choices
from keras_seq.families.images.drawing_trials import draw_trials as picture_of_trials
from keras_seq.families.images.recipe import ImageMatcherRecipe
from keras_seq.families.images.served import ImageMatchingFunctions, ImageSettings
from keras_seq.families.images.task import IMAGES_PER_CALL, ImageMatcher, run_scores
from keras_seq.metrics import ActiveTriplets, best_threshold, embedding_spread
from keras_seq.tasks.pair_loss import PAIR_SCORES, pair_loss
from keras_seq.tasks.training_parts import find_builder
from keras_seq.training import (
    draw_precision_recall,
    draw_roc,
    draw_similarities,
    jit_setting,
    write_projector,
)
from keras_seq.zoo import stacked_twins
from keras_seq.zoo.siamese_image import mean_of_views
from keras_seq.zoo.twins import TOWER

# Trials that a picture shows.
_SHOWN_TRIALS = 10


class ImageTraining:
    """What `keras_seq.tasks.train` needs of a matcher of images: model, loss, batches, and the scores of an epoch.

    Without `data.validation` whole groups of classes validate, such as alphabets, or classes where the file knows no
    groups: a class that validates is new to the model. Scores are of one-shot runs that are drawn from these.

    Args:
        recipe: the recipe.
        paths: the files: `train`, and as named in the recipe `validation` and `test`.
        data_directory, on_progress: not used.

    Raises:
        DataError: if a file is broken, or has nothing to compare.
        InputError: if sizes of images differ, or there are too few classes.
        RecipeError: if the builder does not take the arguments of the recipe.
    """

    score_names = (*PAIR_SCORES, "embedding_spread")
    shown_scores = ("accuracy", "roc_auc", "embedding_spread")

    def __init__(
        self,
        recipe: ImageMatcherRecipe,
        paths: Mapping[str, Path],
        data_directory: str | Path | None = None,
        on_progress: Callable[[int, int], None] | None = None,
    ) -> None:
        self.recipe, self.paths = recipe, paths
        options = recipe.images
        train = _read(paths["train"])
        size = train.images.shape[1:]
        if "validation" in paths:
            validation = _read(paths["validation"])
            _check_size(validation.images, size, paths["validation"])
        else:
            train, validation = self._split(train)
        if "test" in paths:
            # Whatever is wrong with it is told before hours are spent.
            test = paths["test"]
            _check_size(read_one_shot_runs(test).references if has_runs(test) else read_images(test).images, size, test)
        self.trials = draw_trials(validation, ways=options.ways, runs=options.runs, seed=recipe.seed)
        self.train, self.validation = (self._reduced(part) for part in (train, validation))
        if options.rotations and options.height != options.width:
            raise RecipeError("key `images.rotations` must be false where height and width differ; change one of them")
        self.batches = ImagePairs(self.train, batch_size=recipe.batching.batch_size, options=options, seed=recipe.seed)
        builder = find_builder(recipe)
        keras.utils.set_random_seed(recipe.seed)
        siamese = recipe.build_model(builder, image_size=(options.height, options.width))
        self.model = stacked_twins(siamese)
        self.loss = pair_loss(recipe.pairs)
        self.metrics = [ActiveTriplets(recipe.pairs.margin_of_objective, name="active_triplets")]
        self.settings = ImageSettings(size[0], size[1], options.invert, options.view_shift)
        self.task = ImageMatcher(ImageMatchingFunctions(siamese, self.settings), recipe.name)
        tower = siamese.get_layer(TOWER)
        self._predictor = self._compiled(tower)
        # The vectors of the validation images, of the last evaluation.
        self._vectors = np.zeros((0, tower.output_shape[-1]), np.float32)

    def _split(self, images: LabelledImages) -> tuple[LabelledImages, LabelledImages]:
        """What trains and what validates: no group, or no class, stands in both."""
        groups = images.groups if len(np.unique(images.groups)) > 1 else images.labels
        kept, held_out = hold_out_groups(groups, self.recipe.data.held_out, self.recipe.seed)
        return _chosen(images, kept), _chosen(images, held_out)

    def _reduced(self, images: LabelledImages) -> LabelledImages:
        options = self.recipe.images
        pixels = resize_images(images.images, options.height, options.width, invert=options.invert)
        return images._replace(images=pixels)

    def _compiled(self, tower: keras.Model) -> keras.Model:
        """What gives vectors; of its own, so that compiling it leaves the trained model alone."""
        predictor = keras.Model({"image": tower.inputs[0]}, tower.output)
        predictor.compile(jit_compile=jit_setting(self.recipe.fit))
        return predictor

    def evaluate(self, model: keras.Model) -> dict[str, float]:
        """The scores of the present weights on the validation trials, with the threshold that suits them best.

        `embedding_spread` tells of a collapse: it is 0 where all vectors are the same.
        """
        images = self.validation.images[..., np.newaxis]
        self._vectors = np.concatenate(
            [
                np.asarray(self._predictor.predict_on_batch({"image": images[begin : begin + IMAGES_PER_CALL]}))
                for begin in range(0, len(images), IMAGES_PER_CALL)
            ]
        )
        similarities, is_same = self._pairs()
        threshold = best_threshold(similarities, is_same, score=self.recipe.pairs.threshold_for)
        self.settings = dataclasses.replace(self.settings, threshold=threshold)
        return {**self._scores(), "embedding_spread": embedding_spread(self._vectors)}

    def _scores(self) -> dict[str, float]:
        references, queries = (self._vectors[rows] for rows in self.trials)
        answers = np.broadcast_to(np.arange(references.shape[1]), self.trials.queries.shape)
        return run_scores(references, queries, answers, self.settings.threshold)

    def _pairs(self) -> tuple[np.ndarray, np.ndarray]:
        """Similarities of as many pairs of one class as of two, and whether they are of one.

        Of two classes: each query with the next reference of its run.
        """
        references, queries = (self._vectors[rows] for rows in self.trials)
        same = np.sum(references * queries, axis=-1).ravel()
        different = np.sum(np.roll(references, -1, axis=1) * queries, axis=-1).ravel()
        return np.concatenate([same, different]), np.repeat([True, False], [len(same), len(different)])

    def complete(self) -> None:
        """Choose the threshold for the weights that are kept, and for what is served: the mean over views."""
        tower = self.task.model.get_layer(TOWER)
        self._predictor = self._compiled(mean_of_views(tower, self.settings.view_shift))
        self.evaluate(self.model)
        self.task = self.task.with_settings(threshold=self.settings.threshold)

    def show(self, directory: Path) -> None:
        """Write the vectors of validation images for TensorBoard's projector."""
        names = [self.validation.names[label] for label in self.validation.labels]
        write_projector(directory, self._vectors, names, name="images")

    def final_scores(self) -> dict[str, Any]:
        """The scores of what is kept, on the validation trials and the test file."""
        scores: dict[str, Any] = {
            "validation": {**self.evaluate(self.model), "examples": self.trials.queries.size},
        }
        if "test" in self.paths:
            scores["test"] = self.task.evaluate(self.paths["test"])
        return scores

    def fixed_batch(self) -> tuple[dict[str, np.ndarray], np.ndarray]:
        """Inputs and targets of the first training batch."""
        return next(iter(self.batches.epoch(0)))

    def confusion(self) -> tuple[Sequence[str], np.ndarray] | None:
        """Names and counts of the last evaluation: pairs of one class, or of two, and what was found."""
        similarities, is_same = self._pairs()
        found = similarities >= self.settings.threshold
        return ("different", "same"), np.bincount(2 * is_same + found, minlength=4).reshape(2, 2)

    def pictures(self) -> dict[str, np.ndarray]:
        """Pictures of the last evaluation: one-shot trials, ROC and PR curves, and the similarities of pairs."""
        arguments = (*self._pairs(), self.settings.threshold)
        run = self.trials.references[0], self.trials.queries[0][:_SHOWN_TRIALS]
        references, queries = (self.validation.images[rows] for rows in run)
        choices = one_shot_choices(self._vectors[run[0]], self._vectors[run[1]])
        return {
            "one_shot_trials": picture_of_trials(
                np.repeat(references[np.newaxis], len(queries), axis=0), queries, choices, np.arange(len(queries))
            ),
            "roc": draw_roc(*arguments),
            "precision_recall": draw_precision_recall(*arguments),
            "similarities": draw_similarities(*arguments),
        }

    def samples(self, count: int = 8) -> str:
        """Classes of the last evaluation that are taken for each other, as Markdown, the most frequent first."""
        rows = np.arange(len(self.trials.references))[:, np.newaxis]
        choices = one_shot_choices(*(self._vectors[part] for part in self.trials))
        chosen = self.validation.labels[self.trials.references[rows, choices]]
        truth = self.validation.labels[self.trials.queries]
        wrong = np.stack([truth, chosen], axis=-1)[truth != chosen]
        pairs, counts = np.unique(wrong.reshape(-1, 2), axis=0, return_counts=True)
        lines = ["| class | taken for | times |", "| --- | --- | --- |"]
        for place in np.argsort(-counts, kind="stable")[:count]:
            names = " | ".join(self.validation.names[label].replace("|", "&#124;") for label in pairs[place])
            lines.append(f"| {names} | {counts[place]} |")
        return "\n".join(lines)


def _read(path: Path) -> LabelledImages:
    images = read_images(path)
    check_image_classes(images, path)
    return images


def _chosen(images: LabelledImages, rows: np.ndarray) -> LabelledImages:
    found, labels = np.unique(images.labels[rows], return_inverse=True)
    names = tuple(images.names[label] for label in found)
    return LabelledImages(images.images[rows], labels, images.groups[rows], images.drawers[rows], names)


def _check_size(images: np.ndarray, size: tuple[int, ...], path: Path) -> None:
    if images.shape[-2:] != size:
        raise InputError(
            f"{path}: images of {images.shape[-2]} x {images.shape[-1]} pixels, those that train have "
            f"{size[0]} x {size[1]}; bring them to one size"
        )
