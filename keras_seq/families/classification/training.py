"""How a classifier is trained."""

from __future__ import annotations

import collections
import itertools
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import keras
import numpy as np

from keras_seq.core.errors import RecipeError
from keras_seq.data import check_classes, check_labels, find_data, hold_out, labels_of, split_of_folds
from keras_seq.families.classification.data import ClassifiedBatches, read_texts
from keras_seq.families.classification.drawing_reliability import draw_reliability
from keras_seq.families.classification.id_weights import set_id_weights
from keras_seq.families.classification.prior_scores import check_transfer, comparable, fit_prior, read_pieces
from keras_seq.families.classification.recipe import ClassifierRecipe
from keras_seq.families.classification.served import ClassificationFunctions, ClassificationSettings
from keras_seq.families.classification.task import Classifier, scores_of
from keras_seq.losses import ClassCrossEntropy
from keras_seq.metrics import class_confusion
from keras_seq.ops.calibration import apply_temperature, fit_temperature, rejection_threshold
from keras_seq.ops.class_weights import class_weights_balanced
from keras_seq.tasks.labelled_texts import TEXTS_PER_CHUNK, LabelIds, LabelledTexts, tokenized
from keras_seq.tasks.text_task import TOKENS_PER_CALL, chunks
from keras_seq.tasks.training_parts import build_encoder, complete_features, find_builder
from keras_seq.tasks.word_vectors import frequent_words, set_word_vectors, show_word_vectors
from keras_seq.text import WordTokenizer
from keras_seq.training import jit_setting


class ClassifierTraining:
    """What `keras_seq.tasks.train` needs of a classifier: model, loss, batches, and the scores of an epoch.

    Reading and checking the files comes first, so that a broken file leaves no trace. Where the recipe names no
    validation file, a share of the training texts validates; where it names a fold, the rows of that fold test.

    Args:
        recipe: the recipe.
        paths: the files of labelled text: `train`, and as named in the recipe `validation`, `test`,
            `out_of_scope_validation`, `out_of_scope_test`.
        data_directory: where the files for word vectors are looked for first.
        on_progress: called while word vectors are trained, as `keras_seq.training.pretrained_vectors` says.

    Raises:
        DataError: if a file is broken, or has a label that the training file does not have.
        RecipeError: if the builder does not take the arguments of the recipe, or keys exclude each other.
    """

    def __init__(
        self,
        recipe: ClassifierRecipe,
        paths: Mapping[str, Path],
        data_directory: str | Path | None = None,
        on_progress: Callable[[int, int], None] | None = None,
    ) -> None:
        data = recipe.data
        self.recipe, self.paths = recipe, paths
        is_multi_label = data.label_separator is not None
        _check_recipe(recipe)
        tokenizer = WordTokenizer()

        def read(split: str) -> LabelledTexts:
            return LabelledTexts(read_texts(paths[split], recipe), tokenizer, data.max_tokens)

        texts = read("train")
        rows = np.arange(len(texts))
        if data.fold is not None:
            rows, _ = split_of_folds([example.fold for example in texts.examples], data.fold)
        names = labels_of(texts.examples[row] for row in rows)
        check_classes(names, paths["train"], several=is_multi_label)
        check_labels(texts.examples, names, paths["train"])
        self.label_ids = LabelIds(names, is_multi_label)
        targets = self.label_ids.targets(texts.examples)
        if "validation" in paths:
            validation_texts = read("validation")
            check_labels(validation_texts.examples, names, paths["validation"])
            validation_rows = np.arange(len(validation_texts))
            validation_targets = self.label_ids.targets(validation_texts.examples)
        else:
            validation_texts, validation_targets = texts, targets
            kept, held = hold_out([texts.examples[row].labels for row in rows], data.held_out, recipe.seed)
            rows, validation_rows = rows[kept], rows[held]
        if "test" in paths:
            check_labels(read_texts(paths["test"], recipe), names, paths["test"])
        for key in ("out_of_scope_validation", "out_of_scope_test"):
            if key in paths:
                # Their labels do not matter; a broken file does.
                collections.deque(read_texts(paths[key], recipe), maxlen=0)
        more_paths = [find_data(reference, data_directory) for reference in recipe.pretraining.files]
        tokens = texts.store.texts(int(row) for row in rows)
        self.encoder = build_encoder(recipe, itertools.chain(tokens, frequent_words(recipe, more_paths, tokenizer)))
        builder = find_builder(recipe)
        recipe, features = complete_features(recipe, self.encoder)
        keras.utils.set_random_seed(recipe.seed)
        self.model = recipe.build_model(
            builder,
            vocabulary_size=len(self.encoder.vocabulary),
            num_classes=len(names),
            features=features,
            activation="sigmoid" if is_multi_label else "softmax",
        )
        if recipe.pretraining.method != "none" or recipe.pretraining.vectors is not None:
            chosen = set(rows.tolist())
            own = (example.text for row, example in enumerate(read_texts(paths["train"], recipe)) if row in chosen)
            set_word_vectors(self.model, recipe, own, self.encoder, tokenizer, more_paths, data_directory, on_progress)
        inputs = [tensor.name for tensor in self.model.inputs]
        texts.store.encode(self.encoder, inputs)
        if validation_texts is not texts:
            validation_texts.store.encode(self.encoder, inputs)
        batching = recipe.batching
        self.batches = ClassifiedBatches(
            texts,
            rows,
            targets,
            self.label_ids,
            inputs,
            batch_size=batching.batch_size,
            tokens_per_batch=batching.tokens_per_batch or None,
            bucket_boundaries=batching.bucket_boundaries or None,
            seed=recipe.seed,
        )
        self.validation_batches = ClassifiedBatches(
            validation_texts,
            validation_rows,
            validation_targets,
            self.label_ids,
            inputs,
            batch_size=256,
            tokens_per_batch=TOKENS_PER_CALL * 4,
            shuffle=False,
        )
        self._begin_wide_part(recipe, tokenizer, data_directory)
        weights = None
        if recipe.classification.class_weights == "balanced":
            weights = class_weights_balanced(np.bincount(targets[rows], minlength=len(names)))
        self.loss = ClassCrossEntropy(
            class_weights=weights,
            label_smoothing=recipe.classification.label_smoothing,
            multi_label=is_multi_label,
        )
        settings = ClassificationSettings(
            names,
            out_of_scope_label=recipe.classification.out_of_scope_label,
            label_separator=data.label_separator,
            max_tokens=data.max_tokens,
        )
        self.task = Classifier(ClassificationFunctions(self.model, tokenizer, self.encoder, settings), recipe.name)
        self._predictor = keras.Model({tensor.name: tensor for tensor in self.model.inputs}, self.model.output)
        self._predictor.compile(jit_compile=jit_setting(recipe.fit))
        self._probabilities = np.zeros((0, len(names)), np.float32)

    def _begin_wide_part(
        self, recipe: ClassifierRecipe, tokenizer: WordTokenizer, data_directory: str | Path | None
    ) -> None:
        """Count the ids of the wide part, where there is one, and train its prior."""
        texts, rows = self.batches.texts, self.batches.indices
        inputs = [tensor.name for tensor in self.model.inputs]
        options = {"batch_size": 256, "tokens_per_batch": TOKENS_PER_CALL * 4}
        parts = [
            ClassifiedBatches(texts, rows, self.batches.all_targets, self.label_ids, inputs, shuffle=False, **options)
        ]
        if recipe.transfer.file is None:
            set_id_weights(self.model, parts)
            return
        path = find_data(recipe.transfer.file, data_directory)
        pieces = read_pieces(path, recipe, self.label_ids, tokenizer, self._sentences_of_evaluation(tokenizer))
        pieces.store.encode(self.encoder, inputs)
        rows, targets = np.arange(len(pieces)), self.label_ids.targets(pieces.examples)
        parts.append(ClassifiedBatches(pieces, rows, targets, self.label_ids, inputs, shuffle=False, **options))
        set_id_weights(self.model, parts)
        fit_prior(self.model, recipe, pieces=parts[1], texts=parts[0])

    def _sentences_of_evaluation(self, tokenizer: WordTokenizer) -> set[str]:
        """The texts that validate and test: no prior may have learned from them."""
        validation, train = self.validation_batches, self.batches
        found = {comparable(validation.texts.store.tokens(int(row))) for row in validation.indices}
        if self.recipe.data.fold is not None:
            others = np.setdiff1d(np.arange(len(train.texts)), train.indices)
            found |= {comparable(train.texts.store.tokens(int(row))) for row in others}
        if "test" in self.paths:
            for chunk in chunks(read_texts(self.paths["test"], self.recipe), TEXTS_PER_CHUNK):
                texts = [example.text for example in chunk]
                found |= {comparable(tokens) for tokens in tokenized(tokenizer, texts, self.recipe.data.max_tokens)}
        return found

    @property
    def shown_scores(self) -> tuple[str, ...]:
        """The scores that the progress display names."""
        return ("accuracy", "macro_f1", "nll")

    @property
    def score_names(self) -> list[str]:
        """The scores that `evaluate` gives."""
        names = ["accuracy", "macro_f1", "ece", "nll"]
        if self.label_ids.is_multi_label:
            names.append("micro_f1")
        return [*names, *(f"f1/{name}" for name in self.label_ids.names)]

    def evaluate(self, model: keras.Model) -> dict[str, float]:
        """The scores of the present weights on the validation data: overall, and `f1/<label>` for each label."""
        batches = self.validation_batches
        probabilities = np.zeros((len(batches.indices), len(self.label_ids.names)), np.float32)
        for batch in batches.order.epoch(0):
            inputs, _ = batches.arrays(batch)
            chosen = batch.indices[batch.indices >= 0]
            probabilities[chosen] = np.asarray(self._predictor.predict_on_batch(inputs))[: len(chosen)]
        self._probabilities = probabilities
        return self._flat(scores_of(batches.targets, probabilities, self.label_ids.names, self.task.settings))

    def complete(self) -> None:
        """Fit what needs the trained model and the validation data: the temperature, then the rejection threshold."""
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

    def show(self, directory: Path) -> None:
        """Write the word vectors of the trained model for TensorBoard."""
        show_word_vectors(self.model, self.encoder, directory)

    def final_scores(self) -> dict[str, Any]:
        """The scores of what is kept, on the validation and the test data."""
        columns = self.recipe.data.columns
        scores: dict[str, Any] = {}
        for split in ("validation", "test"):
            outside = self.paths.get(f"out_of_scope_{split}")
            if split in self.paths:
                scores[split] = self.task.evaluate(self.paths[split], columns=columns, out_of_scope=outside)
            elif split == "test" and self.recipe.data.fold is not None:
                fold = self.recipe.data.fold
                scores[split] = self.task.evaluate(self.paths["train"], columns=columns, fold=fold)
        if "validation" not in scores:
            self.evaluate(self.model)
            settings = self.task.settings
            calibrated = np.asarray(
                apply_temperature(self._probabilities, settings.temperature, multi_label=settings.is_multi_label)
            )
            targets = self.validation_batches.targets
            found = scores_of(targets, calibrated, self.label_ids.names, settings)
            scores = {"validation": {**found, "examples": len(targets)}, **scores}
        return scores

    def fixed_batch(self) -> tuple[dict[str, np.ndarray], np.ndarray]:
        """Inputs and targets of the first validation batch."""
        return self.validation_batches.arrays(self.validation_batches.order.epoch(0)[0])

    def confusion(self) -> tuple[Sequence[str], np.ndarray] | None:
        """Names and counts of the confusion matrix of the last evaluation; of the labels that are confused most."""
        if self.label_ids.is_multi_label:
            return None
        targets = self.validation_batches.targets
        return most_confused(*class_confusion(targets, self._probabilities.argmax(axis=1), self.label_ids.names))

    def pictures(self) -> dict[str, np.ndarray]:
        """Pictures of the last evaluation: confidence against accuracy."""
        targets = self.validation_batches.targets
        if self.label_ids.is_multi_label:
            return {"reliability": draw_reliability(self._probabilities.ravel(), targets.ravel() > 0)}
        right = self._probabilities.argmax(axis=1) == targets
        return {"reliability": draw_reliability(self._probabilities.max(axis=1), right)}

    def samples(self, count: int = 8) -> str:
        """Predictions of the last evaluation as Markdown, the worst mistakes first."""
        batches = self.validation_batches
        targets, names = batches.targets, self.label_ids.names
        if self.label_ids.is_multi_label:
            losses = np.abs(targets - self._probabilities).sum(axis=1)
        else:
            losses = 1 - self._probabilities[np.arange(len(targets)), targets]
        rows = ["| text | true | found |", "| --- | --- | --- |"]
        for index in np.argsort(-losses, kind="stable")[:count]:
            row = int(batches.indices[index])
            best = int(self._probabilities[index].argmax())
            cells = [
                " ".join(batches.texts.store.tokens(row)[:100]),
                ", ".join(batches.texts.examples[row].labels),
                f"{names[best]} {self._probabilities[index, best]:.2f}",
            ]
            rows.append("| " + " | ".join(cell.replace("|", "&#124;") for cell in cells) + " |")
        return "\n".join(rows)

    def _flat(self, scores: dict[str, Any]) -> dict[str, float]:
        by_class = {f"f1/{name}": values["f1"] for name, values in scores.pop("classes").items()}
        return {name: value for name, value in {**scores, **by_class}.items() if isinstance(value, float)}


def most_confused(names: Sequence[str], counts: np.ndarray, most: int = 20) -> tuple[list[str], np.ndarray]:
    """The rows and columns of the classes with most mistakes, so that a picture can be read."""
    mistakes = counts.sum(axis=0) + counts.sum(axis=1) - 2 * np.diag(counts)
    chosen = np.sort(np.argsort(-mistakes, kind="stable")[:most])
    return [names[index] for index in chosen], counts[np.ix_(chosen, chosen)]


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
