"""How a matcher of images is trained."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Mapping
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
from keras_seq.data.description import Description
from keras_seq.data.images import IMAGES
from keras_seq.families.images.data import ImagePairs, draw_trials, one_shot_choices
from keras_seq.families.images.drawing_trials import draw_trials as picture_of_trials
from keras_seq.families.images.recipe import ImageMatcherRecipe, ImagesSection
from keras_seq.families.images.served import ImageMatchingFunctions, ImageSettings
from keras_seq.families.images.task import IMAGES_PER_CALL, ImageMatcher, run_scores
from keras_seq.metrics import embedding_spread
from keras_seq.tasks.markdown import markdown_table
from keras_seq.tasks.training_parts import compiled_predictor
from keras_seq.tasks.twins_training import PAIR_SCORES, TwinsTraining
from keras_seq.training import Panels
from keras_seq.zoo.siamese_image import mean_of_views

# Trials that a picture shows, and classes that are taken for each other.
SHOWN_TRIALS, SHOWN_CLASSES = 10, 8


class ImageTraining(TwinsTraining):
    """The training of a matcher of images, from files of labelled images.

    Without `data.validation` whole groups of classes validate, such as alphabets, or classes where the file knows no
    groups: a class that validates is new to the model. Scores are of one-shot runs that are drawn from these.
    """

    recipe: ImageMatcherRecipe
    task: ImageMatcher
    score_names = (*PAIR_SCORES, "embedding_spread")
    shown_scores = ("accuracy", "roc_auc", "embedding_spread")

    def read(self) -> None:
        recipe, options = self.recipe, self.recipe.images
        self.comparison = recipe.pairs
        if options.rotations and options.height != options.width:
            raise RecipeError("key `images.rotations` must be false where height and width differ; change one of them")
        train = _read(self.paths["train"])
        self.size = train.images.shape[1:]
        if "validation" in self.paths:
            validation = _read(self.paths["validation"])
            self._check_size(validation.images, self.paths["validation"])
        else:
            train, validation = self._split(train)
        if "test" in self.paths:
            # Whatever is wrong with it is told before hours are spent.
            path = self.paths["test"]
            self._check_size(read_one_shot_runs(path).references if has_runs(path) else read_images(path).images, path)
        self.trials = draw_trials(validation, ways=options.ways, runs=options.runs, seed=recipe.seed)
        self.train, self.validation = _reduced(train, options), _reduced(validation, options)

    def describe(self, path: Path) -> Description:
        found = IMAGES.sniff(path)
        return dataclasses.replace(found, remarks=()) if self.recipe.images.invert else found

    def _check_size(self, images: np.ndarray, path: Path) -> None:
        if images.shape[-2:] != self.size:
            raise InputError(
                f"{path}: images of {images.shape[-2]} x {images.shape[-1]} pixels, those that train have "
                f"{self.size[0]} x {self.size[1]}; bring them to one size"
            )

    def _split(self, images: LabelledImages) -> tuple[LabelledImages, LabelledImages]:
        """What trains and what validates: no group, or no class, stands in both."""
        groups = images.groups if len(np.unique(images.groups)) > 1 else images.labels
        kept, held_out = hold_out_groups(groups, self.recipe.data.held_out, self.recipe.seed)
        return _chosen(images, kept), _chosen(images, held_out)

    def build(self) -> None:
        super().build()
        self.predictor = compiled_predictor(self.recipe, self.reader.inputs, self.reader.output)

    def make_model(self) -> keras.Model:
        options = self.recipe.images
        return self.built(image_size=(options.height, options.width))

    def make_batches(self) -> ImagePairs:
        recipe = self.recipe
        return ImagePairs(self.train, batch_size=recipe.batching.batch_size, options=recipe.images, seed=recipe.seed)

    def make_task(self) -> ImageMatcher:
        options = self.recipe.images
        settings = ImageSettings(self.size[0], self.size[1], options.invert, options.view_shift)
        return ImageMatcher(ImageMatchingFunctions(self.built_model, settings), self.recipe.name)

    def evaluate(self, model: keras.Model) -> dict[str, float]:
        """The scores of the present weights on the validation trials, with the threshold that suits them best.

        `embedding_spread` tells of a collapse: it is 0 where all vectors are the same.
        """
        images = self.validation.images[..., np.newaxis]
        parts = [images[begin : begin + IMAGES_PER_CALL] for begin in range(0, len(images), IMAGES_PER_CALL)]
        self._vectors = np.concatenate([np.asarray(self.predictor.predict_on_batch({"image": part})) for part in parts])
        references, queries = (self._vectors[rows] for rows in self.trials)
        # As many pairs of one class as of two: each query with its reference, and with the next one of its run.
        same = np.sum(references * queries, axis=-1).ravel()
        different = np.sum(np.roll(references, -1, axis=1) * queries, axis=-1).ravel()
        is_same = np.repeat([True, False], [len(same), len(different)])
        self.compare(np.concatenate([same, different]), is_same)
        answers = np.broadcast_to(np.arange(references.shape[1]), self.trials.queries.shape)
        scores = run_scores(references, queries, answers, self.pairs.threshold)
        return {**scores, "embedding_spread": embedding_spread(self._vectors)}

    def finish(self) -> None:
        """Choose the threshold for what is served: the mean over views."""
        served = mean_of_views(self.reader, self.recipe.images.view_shift)
        self.predictor = compiled_predictor(self.recipe, served.inputs, served.output)
        super().finish()

    def validation_scores(self) -> dict[str, Any]:
        return {**self.evaluate(self.model), "examples": self.trials.queries.size}

    def panels(self) -> Panels:
        return dataclasses.replace(
            super().panels(),
            pictures=lambda: {**self._picture_of_trials(), **self.pairs.pictures()},
            samples=lambda: markdown_table(("class", "taken for", "times"), self._mistakes()),
            projector=lambda: {
                "images": (self._vectors, [self.validation.names[label] for label in self.validation.labels])
            },
        )

    def _picture_of_trials(self) -> Mapping[str, np.ndarray]:
        rows = self.trials.references[0], self.trials.queries[0][:SHOWN_TRIALS]
        references, queries = (self.validation.images[part] for part in rows)
        choices = one_shot_choices(*(self._vectors[part] for part in rows))
        references = np.repeat(references[np.newaxis], len(queries), axis=0)
        return {"one_shot_trials": picture_of_trials(references, queries, choices, np.arange(len(queries)))}

    def _mistakes(self) -> Iterator[tuple[str, str, str]]:
        """Classes that are taken for each other, the most frequent first."""
        rows = np.arange(len(self.trials.references))[:, np.newaxis]
        choices = one_shot_choices(*(self._vectors[part] for part in self.trials))
        chosen = self.validation.labels[self.trials.references[rows, choices]]
        truth = self.validation.labels[self.trials.queries]
        wrong = np.stack([truth, chosen], axis=-1)[truth != chosen]
        pairs, counts = np.unique(wrong.reshape(-1, 2), axis=0, return_counts=True)
        for place in np.argsort(-counts, kind="stable")[:SHOWN_CLASSES]:
            first, second = (self.validation.names[label] for label in pairs[place])
            yield first, second, str(counts[place])


def _read(path: Path) -> LabelledImages:
    images = read_images(path)
    check_image_classes(images, path)
    return images


def _reduced(images: LabelledImages, options: ImagesSection) -> LabelledImages:
    pixels = resize_images(images.images, options.height, options.width, invert=options.invert)
    return images._replace(images=pixels)


def _chosen(images: LabelledImages, rows: np.ndarray) -> LabelledImages:
    found, labels = np.unique(images.labels[rows], return_inverse=True)
    names = tuple(images.names[label] for label in found)
    return LabelledImages(images.images[rows], labels, images.groups[rows], images.drawers[rows], names)
