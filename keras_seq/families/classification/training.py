"""How a classifier is trained."""

from __future__ import annotations

import collections
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import keras
import numpy as np

from keras_seq.core.errors import RecipeError
from keras_seq.data import LabelledText, check_classes, check_labels, find_data, hold_out, labels_of, split_of_folds
from keras_seq.families.classification.data import ClassifiedBatches, read_texts
from keras_seq.families.classification.panels import confusion_of, reliability_of, worst_of
from keras_seq.families.classification.prior_scores import check_transfer, evaluated_texts, fit_prior, read_pieces
from keras_seq.families.classification.recipe import ClassifierRecipe
from keras_seq.families.classification.served import ClassificationFunctions, ClassificationSettings
from keras_seq.families.classification.task import Classifier, scores_of
from keras_seq.losses import ClassCrossEntropy
from keras_seq.ops.calibration import apply_temperature, fit_temperature, rejection_threshold
from keras_seq.ops.class_weights import class_weights_balanced
from keras_seq.tasks.id_weights import set_id_weights
from keras_seq.tasks.labelled_batches import READ_ONCE
from keras_seq.tasks.labelled_texts import LabelIds, LabelledTexts
from keras_seq.tasks.markdown import markdown_table
from keras_seq.tasks.text_training import TextTraining
from keras_seq.tasks.training_parts import batching_options
from keras_seq.training import Panels


class ClassifierTraining(TextTraining):
    """The training of a classifier, from files of labelled text.

    Where the recipe names no validation file, a share of the training texts validates; where it names a fold, the rows
    of that fold test.
    """

    recipe: ClassifierRecipe
    task: Classifier
    train: LabelledTexts
    validation: LabelledTexts
    batches: ClassifiedBatches
    validation_batches: ClassifiedBatches
    shown_scores = ("accuracy", "macro_f1", "nll")

    def read(self) -> None:
        _check_recipe(self.recipe)
        self.pretraining = self.recipe.pretraining
        super().read()
        is_held_out = self.validation is self.train
        known = np.concatenate([self.rows, self.validation_rows]) if is_held_out else self.rows
        names = labels_of(self.train.examples[row] for row in known)
        self.label_ids = LabelIds(names, is_multi_label=self.recipe.data.label_separator is not None)
        check_classes(names, self.paths["train"], several=self.label_ids.is_multi_label)
        check_labels(self.train.examples, names, self.paths["train"])
        if "validation" in self.paths:
            check_labels(self.validation.examples, names, self.paths["validation"])
        if "test" in self.paths:
            check_labels(self.examples_of(self.paths["test"]), names, self.paths["test"])
        for key in self.paths.keys() & {"out_of_scope_validation", "out_of_scope_test"}:
            # Their labels do not matter; a broken file does.
            collections.deque(self.examples_of(self.paths[key]), maxlen=0)
        # Of the last evaluation.
        self._probabilities = np.zeros((0, len(names)), np.float32)

    def examples_of(self, path: Path) -> Iterator[LabelledText]:
        return read_texts(path, self.recipe)

    def read_examples(self, path: Path) -> LabelledTexts:
        return LabelledTexts(self.examples_of(path), self.tokenizer, self.recipe.data.max_tokens)

    def split(self) -> tuple[np.ndarray, np.ndarray]:
        data, examples = self.recipe.data, self.train.examples
        rows = np.arange(len(examples))
        if data.fold is not None:
            rows, _ = split_of_folds([example.fold for example in examples], data.fold)
        kept, held_out = hold_out([examples[row].labels for row in rows], data.held_out, self.recipe.seed)
        return rows[kept], rows[held_out]

    def make_model(self) -> keras.Model:
        activation = "sigmoid" if self.label_ids.is_multi_label else "softmax"
        return self.built(num_classes=len(self.label_ids.names), activation=activation)

    def make_batches(self) -> ClassifiedBatches:
        self.validation_batches = ClassifiedBatches(
            self.validation, self.validation_rows, self.label_ids, self.inputs, **READ_ONCE
        )
        return ClassifiedBatches(
            self.train,
            self.rows,
            self.label_ids,
            self.inputs,
            **batching_options(self.recipe.batching, self.recipe.seed),
        )

    def make_loss(self) -> ClassCrossEntropy:
        section, weights = self.recipe.classification, None
        if section.class_weights == "balanced":
            weights = class_weights_balanced(np.bincount(self.batches.targets, minlength=len(self.label_ids.names)))
        return ClassCrossEntropy(
            class_weights=weights,
            label_smoothing=section.label_smoothing,
            multi_label=self.label_ids.is_multi_label,
        )

    def make_task(self) -> Classifier:
        settings = ClassificationSettings(
            self.label_ids.names,
            out_of_scope_label=self.recipe.classification.out_of_scope_label,
            label_separator=self.recipe.data.label_separator,
            normalize_labels=self.recipe.data.normalize_labels,
            max_tokens=self.recipe.data.max_tokens,
        )
        functions = ClassificationFunctions(self.built_model, self.tokenizer, self.encoder, settings)
        return Classifier(functions, self.recipe.name)

    def pretrain(self) -> None:
        """Give the tables of words their vectors; and the wide part, where there is one, its ids and its prior."""
        super().pretrain()
        parts = [ClassifiedBatches(self.train, self.rows, self.label_ids, self.inputs, **READ_ONCE)]
        reference = self.recipe.transfer.file
        if reference is None:
            set_id_weights(self.model, parts)
            return
        path = find_data(reference, self.data_directory)
        left_out = evaluated_texts(
            self.recipe, self.batches, self.validation_batches, self.paths.get("test"), self.tokenizer
        )
        pieces = read_pieces(path, self.recipe, self.label_ids, self.tokenizer, left_out)
        pieces.store.encode(self.encoder, self.inputs)
        parts.append(ClassifiedBatches(pieces, np.arange(len(pieces)), self.label_ids, self.inputs, **READ_ONCE))
        set_id_weights(self.model, parts)
        fit_prior(self.model, self.recipe, pieces=parts[1], texts=parts[0])

    @property
    def score_names(self) -> list[str]:
        names = ["accuracy", "macro_f1", "ece", "nll"]
        if self.label_ids.is_multi_label:
            names.append("micro_f1")
        return [*names, *(f"f1/{name}" for name in self.label_ids.names)]

    def evaluate(self, model: keras.Model) -> dict[str, float]:
        """The scores of the present weights on the validation data: overall, and `f1/<label>` for each label."""
        batches = self.validation_batches
        self._probabilities = probabilities = batches.predicted(self.predictor)
        scores = scores_of(batches.targets, probabilities, self.label_ids.names, self.task.settings)
        by_class = {f"f1/{name}": values["f1"] for name, values in scores.pop("classes").items()}
        return {name: value for name, value in {**scores, **by_class}.items() if isinstance(value, float)}

    def finish(self) -> None:
        """Fit the temperature on the validation data, then the rejection threshold."""
        settings = self.recipe.classification
        self.evaluate(self.model)
        targets, probabilities = self.validation_batches.targets, self._probabilities
        is_multi_label = self.label_ids.is_multi_label
        temperature, threshold = 1.0, 0.0
        if settings.calibrate:
            temperature = fit_temperature(probabilities, targets, multi_label=is_multi_label)
        if settings.keep_in_scope:
            calibrated = np.asarray(apply_temperature(probabilities, temperature, multi_label=is_multi_label))
            threshold = rejection_threshold(calibrated.max(axis=1), settings.keep_in_scope)
        self.task = self.task.with_settings(temperature=temperature, threshold=threshold)

    def validation_scores(self) -> dict[str, Any]:
        if "validation" in self.paths:
            outside = self.paths.get("out_of_scope_validation")
            columns = self.recipe.data.columns
            return self.task.evaluate(self.paths["validation"], columns=columns, out_of_scope=outside)
        self.evaluate(self.model)
        settings, targets = self.task.settings, self.validation_batches.targets
        calibrated = np.asarray(
            apply_temperature(self._probabilities, settings.temperature, multi_label=settings.is_multi_label)
        )
        return {**scores_of(targets, calibrated, self.label_ids.names, settings), "examples": len(targets)}

    def panels(self) -> Panels:
        def last() -> tuple[ClassifiedBatches, np.ndarray]:
            return self.validation_batches, self._probabilities

        return Panels(
            confusion=lambda: confusion_of(*last()),
            pictures=lambda: reliability_of(*last()),
            samples=lambda: markdown_table(("text", "true", "found"), worst_of(*last())),
            projector=self.vectors,
        )


def _check_recipe(recipe: ClassifierRecipe) -> None:
    data = recipe.data
    check_transfer(recipe)
    if data.fold is not None and "fold" not in data.columns:
        raise RecipeError('key `data.fold` needs a column of folds; set data.columns = ["fold", "label", "text"]')
    if data.fold is not None and (data.test or data.validation):
        raise RecipeError(
            "key `data.fold` makes the test data of rows of the training file; take `data.validation` and "
            "`data.test` out"
        )
    if data.label_separator is not None:
        for key, is_set in (
            ("class_weights", recipe.classification.class_weights != "none"),
            ("keep_in_scope", recipe.classification.keep_in_scope > 0),
        ):
            if is_set:
                raise RecipeError(
                    f"key `classification.{key}` needs texts of one label; take it out, or `data.label_separator`"
                )
